//go:build linux && amd64

package delve_test

import (
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
)

func init() {
	sources["preempted"] = `
func main() {
	spin()
	one(1)
	spin()
	one(2)
	for i := 0; i < 3; i++ {
		loop(i)
	}
}

// spin takes longer than a goroutine may run, and calls nothing that could give way.
//go:nosplit
func spin() {
	for i := 0; i < 200000000; i++ {
		n++
	}
}
var n int
//go:noinline
func one(i int) { two(); n += i }
//go:noinline
func loop(i int) { two(); n += i }
//go:noinline
func two() { println(n) }`
}

// A goroutine that gives way in the check of the stack enters the function twice, and calls it once.
func TestHitsOfOneCall(t *testing.T) {
	t.Parallel()
	c := fact.Catalogue{}
	spec(c, "t.second", fact.TypeInt, "main.one #2, any thread")
	spec(c, "t.third", fact.TypeInt, "main.one #3, any thread")
	spec(c, "t.loop", fact.TypeInt, "main.loop #3, any thread")
	spec(c, "t.more", fact.TypeInt, "main.loop #4, any thread")
	req := request(t, program(t, "preempted"), `
def line(seen): return {"t.second": Line(Word(Reg("rsp")) - 1)[1]}
stops = {"main.one #2, any thread": line, "main.one #3, any thread": lambda seen: {"t.third": 1},
    "main.loop #3, any thread": lambda seen: {"t.loop": 1}, "main.loop #4, any thread": lambda seen: {"t.more": 1}}`, c)
	req.Env = append(req.Env, "GODEBUG=asyncpreemptoff=1") // so that it gives way there and nowhere else
	o := look(t, req)
	for name, want := range map[string]string{
		"t.second": "7",
		"t.third":  "unseen: main.one #3, any thread was not passed before the program ended",
		"t.loop":   "1",
		"t.more":   "unseen: main.loop #4, any thread was not passed before the program ended",
	} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}
