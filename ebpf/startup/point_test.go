package startup_test

import (
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Whoever jumps to rt0_go, the span begins there and not behind CPUID; where one place is
// enough there is one.
func TestAny(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.10", "1.16.15", "1.20.14", "local"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Build(t, release, lab.Setup{Gcflags: new(string)})
			stops := []string{"_rt0_amd64: JMP runtime.rt0_go", "main.nope", "runtime.rt0_go"}
			points, err := startup.Find(path, []startup.Milestone{
				{Name: "any", Stops: stops, Any: true}, {Name: "first", Stops: stops}, {Name: "none", Stops: []string{"main.nope", "main.no"}, Any: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			some, one, none := points[0], points[1], points[2]
			if len(some.Sites) != 2 || !strings.HasPrefix(some.Sites[0].Inst, "JMP") || !some.Sites[0].Cheap || some.Sites[0].Addr == some.Sites[1].Addr {
				t.Errorf("%+v", some)
			}
			if len(one.Sites) != 1 || one.Sites[0] != some.Sites[0] {
				t.Errorf("%+v", one)
			}
			if len(none.Sites) != 0 || !strings.Contains(none.Reason, "main.nope is not in this binary") {
				t.Errorf("%+v", none)
			}
		})
	}
}

// A milestone that one function calls at one place is looked for there; without such a call, or with
// several, it is where the function begins.
func TestBy(t *testing.T) {
	t.Parallel()
	const source = `package main

var n int

//go:noinline
func f() { n++ }

//go:noinline
func once() { f() }

//go:noinline
func twice() { f(); f() }

func main() { once(); twice() }
`
	path := buildtest.Program(t, source, lab.Setup{})
	itself := []string{"main.f"}
	points, err := startup.Find(path, []startup.Milestone{
		{Name: "itself", Stops: itself}, {Name: "once", Stops: itself, By: "main.once"}, {Name: "twice", Stops: itself, By: "main.twice"},
		{Name: "never", Stops: itself, By: "main.main"}, {Name: "nobody", Stops: itself, By: "main.nobody"},
		{Name: "second", Stops: []string{"main.g", "main.f"}, By: "main.once"}, {Name: "nothing", Stops: []string{"main.g"}, By: "main.once"},
	})
	if err != nil {
		t.Fatal(err)
	}
	beginning := points[0].Sites[0]
	for _, p := range points {
		switch p.Name {
		case "once", "second":
			if p.Stop != "main.once: CALL main.f" || len(p.Sites) != 1 || p.Sites[0].Inst != "CALL main.f" || !p.Sites[0].Cheap {
				t.Errorf("%+v", p)
			}
		case "nothing":
			if len(p.Sites) != 0 || !strings.Contains(p.Reason, "main.g is not in this binary") {
				t.Errorf("%+v", p)
			}
		default:
			if p.Stop != "main.f" || len(p.Sites) != 1 || p.Sites[0] != beginning {
				t.Errorf("%+v", p)
			}
		}
	}
}
