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
