//go:build linux && amd64

package delve_test

import (
	"slices"
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
)

// A range whose end is never reached has no values, however often its function was called.
func TestRangeWithoutEnd(t *testing.T) {
	t.Parallel()
	const never, whole = "main.main .. runtime.check", "runtime.check .. runtime.check return"
	c := fact.Catalogue{}
	spec(c, "t.never", fact.TypeInt, never)
	spec(c, "t.whole", fact.TypeInt, whole)
	spec(c, "t.first", fact.TypeBool, whole)
	spec(c, "t.inside", fact.TypeBool, "runtime.check return")
	spec(c, "t.raises", fact.TypeInt, "exec .. runtime.check")
	o := look(t, request(t, program(t, "hello"), `
def count(seen):
    facts = {"t.whole": seen.get("t.whole", 0) + 1}
    if "t.first" not in seen: facts["t.first"] = True
    return facts
def never(seen): return {"t.never": 1}
def inside(seen): return {"t.inside": seen["t.whole"] > 10}
def raises(seen): return {"t.raises": seen["t.nope"]}
stops = {"main.main .. runtime.check": never, "runtime.check .. runtime.check return": count, "runtime.check return": inside, "exec .. runtime.check": raises}`, c))
	for name, want := range map[string]string{
		"t.never":  "unseen: the end of " + never + " was not reached before the program ended",
		"t.first":  "true",
		"t.inside": "true",
		"t.raises": "broken: t.star:8: key \"t.nope\" not in dict (at exec .. runtime.check)",
	} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if n, _ := o.Facts["t.whole"].Value.Uint(); n < 10 {
		t.Errorf("t.whole = %s, want dozens", say(o.Facts["t.whole"]))
	}
	if want := []string{"exec .. runtime.check", whole, "runtime.check return", never}; !slices.Equal(o.Passed, want) {
		t.Errorf("passed %q, want %q", o.Passed, want)
	}
	if want := []string{never + ": the program ended before the end of the range"}; !slices.Equal(o.Warnings, want) {
		t.Errorf("warnings %q, want %q", o.Warnings, want)
	}
}

func init() {
	sources["clocks"] = `import ("runtime"; "time")
func init() { runtime.LockOSThread() }
func main() { clocks() }
func clocks() { a := time.Now(); b := time.Now(); c := time.Now(); _, _, _ = a, b, c }`
}

// Stepped, a function of the vDSO begins again at every tick of the clock: the walk runs through it.
func TestRangeThroughVDSO(t *testing.T) {
	t.Parallel()
	const stop = "main.clocks .. main.clocks: after CALL time.Now #3"
	c := fact.Catalogue{}
	spec(c, "t.calls", fact.TypeInt, stop)
	spec(c, "t.froms", fact.TypeList, stop)
	spec(c, "t.outside", fact.TypeBool, stop)
	o := look(t, request(t, program(t, "clocks"), `
def at(seen):
    name, froms = Symbol(Reg("rip")), seen.get("t.froms", [])
    if Reg("rip") == Addr("time.Now") and str(Word(Reg("rsp"))) not in froms:
        froms = froms + [str(Word(Reg("rsp")))]  # preempted, a function is entered twice
    return {"t.froms": froms, "t.calls": len(froms), "t.outside": seen.get("t.outside", False) or name == None}
stops = {"main.clocks .. main.clocks: after CALL time.Now #3": at}`, c))
	for name, want := range map[string]string{"t.calls": "3", "t.outside": "false"} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}
