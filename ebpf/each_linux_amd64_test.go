package ebpf

import (
	"os/exec"
	"slices"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
)

// Kernels without uprobe_multi get a probe each, which see the same.
func TestAttachEach(t *testing.T) {
	t.Parallel()
	if err := Ready(); err != nil {
		t.Skip(err)
	}
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	img, err := image.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Path: path}
	choose := NewChooser(img, nil)
	for _, name := range []string{"runtime.schedinit", "runtime.main", "main.main"} {
		f, ok, err := img.Func(name)
		if err != nil || !ok {
			t.Fatal(name, ok, err)
		}
		site, err := choose.Beginning(f.Entry)
		if err != nil {
			t.Fatal(err)
		}
		o.Probes = append(o.Probes, Probe{Site: site})
	}
	for name, many := range map[string]bool{"one link": true, "single probes": false} {
		t.Run(name, func(t *testing.T) {
			tracer := &Tracer{options: o}
			defer tracer.Close()
			if err := tracer.open(many); err != nil {
				t.Fatal(err)
			}
			var order []int
			if _, err := tracer.Run(t.Context(), exec.Command(path), func(e Event) bool {
				if e.Kind == Passed {
					order = append(order, e.Probe)
				}
				return true
			}); err != nil || !slices.Equal(order, []int{0, 1, 2}) {
				t.Errorf("%v, %v", order, err)
			}
		})
	}
}

func TestRingSize(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int]uint32{0: DefaultRing, 1: 4096, 4096: 4096, 4097: 8192, 3 << 20: 4 << 20} {
		if got := ringSize(bytes); got != want {
			t.Errorf("%d bytes: %d, want %d", bytes, got, want)
		}
	}
}
