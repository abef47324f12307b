package ebpf

import (
	"os/exec"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/place"
)

func TestTry(t *testing.T) {
	if err := Ready(); err != nil {
		t.Skip(err)
	}
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	r, err := place.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	img, _ := image.Open(path)
	off, _, _ := img.Offset("runtime.g", "goid")
	names := []string{"runtime.rt0_go", "runtime.check", "runtime.args", "runtime.osinit", "runtime.schedinit", "runtime.newproc", "runtime.mstart", "runtime.main", "main.main", "runtime.mstart1", "runtime.gcenable"}
	c := NewChooser(img, nil)
	var probes []Probe
	for _, n := range names {
		p := r.Place(n)
		s, err := c.Beginning(p.Addrs[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %#x %+v", n, p.Addrs[0], s)
		probes = append(probes, Probe{Site: s})
	}
	tr, err := Open(Options{Path: path, Probes: probes, GoidOffset: off, Syscalls: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 3 {
		run, err := tr.Run(t.Context(), exec.Command(path), func(e Event) bool {
			what := ""
			if e.Kind == Passed {
				what = names[e.Probe]
			} else if e.Kind == Syscall {
				return true
			}
			t.Logf("%v %s %+v", e.Time, what, e)
			return true
		})
		t.Logf("%+v %v", run, err)
	}
}
