package startup_test

import (
	"testing"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// The packages come in the order in which they do their own work, also where the
// init of one calls those of others (up to 1.12).
func TestInits(t *testing.T) {
	t.Parallel()
	ready(t)
	for release, own := range map[string]bool{"1.10": false, "1.12.17": false, "1.13.1": false, "1.16.15": true, "1.21.13": true, "local": true} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Build(t, release, lab.Setup{Fixture: "inits", Gcflags: new(string)})
			r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 3, Inits: true, Until: "main.main"})
			byPackage := map[string]startup.Timing{}
			var order []string
			for _, at := range r.Timings {
				if at.Package != "" {
					order = append(order, at.Package)
					byPackage[at.Package] = at
				}
			}
			if !inOrder(order, []string{"rt0lab.test/inits/deep", "rt0lab.test/inits/lib", "main"}) {
				t.Errorf("in the order %v\nwithout a time: %v", order, r.Missing)
			}
			deep, lib, main := byPackage["rt0lab.test/inits/deep"], byPackage["rt0lab.test/inits/lib"], byPackage["main"]
			for _, at := range []startup.Timing{deep, lib, main} {
				if (at.Trace.N > 0) != own {
					t.Errorf("of %s inittrace says %+v", at.Package, at.Trace)
				}
			}
		})
	}
}

// What takes three milliseconds does so for the probes and for the runtime's own account.
func TestInitTakes(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = "package main\n\nimport \"time\"\n\nvar x = burn()\n\n//go:noinline\nfunc burn() int {\n\tn := 0\n\tfor from := time.Now(); time.Since(from) < 3*time.Millisecond; n++ {\n\t}\n\treturn n\n}\n\nfunc main() { println(x) }\n"
	path := buildtest.Program(t, source, lab.Setup{})
	r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 5, Inits: true})
	for _, at := range r.Timings {
		switch {
		case at.Package == "main" && (at.Takes.Median < 3e6 || at.Takes.N != 5 || at.Trace.Median < 2.99e6 || at.Trace.N != 5):
			t.Errorf("main takes %+v, says %+v", at.Takes, at.Trace)
		case at.Package == "time" && at.Takes.Median >= 3e6:
			t.Errorf("time takes %+v", at.Takes)
		}
	}
	if n := runs(r); r.Ends["exit status 0"] != n+5 {
		t.Errorf("%d samples, %v", n, r.Ends)
	}
}
