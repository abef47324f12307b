//go:build linux && amd64

package delve_test

import (
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
)

// A stop inside runtime.clone makes Delve panic; it must cost its own facts only.
func TestStopInClone(t *testing.T) {
	t.Parallel()
	c := fact.Catalogue{}
	spec(c, "t.clone", fact.TypeBool, "runtime.clone: SYSCALL, any thread")
	spec(c, "t.caller", fact.TypeBool, "runtime.newosproc, any thread")
	spec(c, "t.main", fact.TypeBool, "main.main, any thread")
	o := look(t, request(t, program(t, "threads"), `
def yes(name): return lambda seen: {name: True}
stops = {"runtime.clone: SYSCALL, any thread": yes("t.clone"), "runtime.newosproc, any thread": yes("t.caller"), "main.main, any thread": yes("t.main")}`, c))
	for name, want := range map[string]string{
		"t.clone":  "unseen: runtime.clone: SYSCALL, any thread was not passed before the program ended",
		"t.caller": "true",
		"t.main":   "true",
	} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}
