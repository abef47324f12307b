package ebpf_test

import (
	"testing"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// BenchmarkHit is what a passing costs the program, by the instruction at which the
// probe stands: twenty thousand calls of a function, in ns each. Interleave: -count=5.
func BenchmarkHit(b *testing.B) {
	ready(b)
	const source = "package main\n\nvar out byte\n\n//go:noinline\nfunc f(n int) byte {\n\tvar big [1 << 10]byte\n\tbig[n%1024] = 1\n\treturn big[out]\n}\n\n//go:noinline\nfunc begin() {}\n\n//go:noinline\nfunc end() {}\n\nfunc main() {\n\tbegin()\n\tfor i := 0; i < 20000; i++ {\n\t\tout = f(i)\n\t}\n\tend()\n}\n"
	path := buildtest.Copy(b, buildtest.Program(b, source, lab.Setup{}))
	r, img := looked(b, path)
	choose := ebpf.NewChooser(img, nil)
	entry := addressOf(b, r, "main.f")
	cheap, err := choose.Beginning(entry)
	if err != nil {
		b.Fatal(err)
	}
	exact, err := choose.Exact(entry)
	if err != nil {
		b.Fatal(err)
	}
	var ends []ebpf.Probe
	for _, name := range []string{"main.begin", "main.end"} {
		site, err := choose.Beginning(addressOf(b, r, name))
		if err != nil {
			b.Fatal(err)
		}
		ends = append(ends, ebpf.Probe{Site: site})
	}
	for _, bb := range []struct {
		name   string
		probes []ebpf.Probe
	}{
		{"none", ends},
		{"cheap", append(ends[:2:2], ebpf.Probe{Site: cheap, Once: true})},
		{"entry", append(ends[:2:2], ebpf.Probe{Site: exact, Once: true})},
	} {
		b.Run(bb.name, func(b *testing.B) {
			tracer := opened(b, ebpf.Options{Path: path, Probes: bb.probes})
			var took, runs float64
			for b.Loop() {
				events, err := []ebpf.Event{}, error(nil)
				if _, err = tracer.Run(b.Context(), started(path), func(e ebpf.Event) bool { events = append(events, e); return true }); err != nil {
					b.Fatal(err)
				}
				var times [2]float64
				for _, e := range events {
					if e.Kind == ebpf.Passed && e.Probe < 2 {
						times[e.Probe] = float64(e.Time.Nanoseconds())
					}
				}
				took, runs = took+times[1]-times[0], runs+1
			}
			b.ReportMetric(took/runs/20000, "ns/call")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkOpen is what it takes to load, attach and detach.
func BenchmarkOpen(b *testing.B) {
	ready(b)
	path := buildtest.Copy(b, buildtest.Hello(b, "local"))
	r, img := looked(b, path)
	site, err := ebpf.NewChooser(img, nil).Beginning(addressOf(b, r, "main.main"))
	if err != nil {
		b.Fatal(err)
	}
	for name, closed := range map[string]bool{"open": false, "open and close": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				t, err := ebpf.Open(ebpf.Options{Path: path, Probes: []ebpf.Probe{{Site: site}}})
				if err != nil {
					b.Fatal(err)
				}
				if closed {
					err = t.Close()
				} else {
					b.StopTimer()
					err = t.Close()
					b.StartTimer()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
