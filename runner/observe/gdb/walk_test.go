//go:build linux && amd64

package gdb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
)

func list(name string, stops ...string) fact.Spec { return spec(name, fact.TypeList, stops...) }

func TestRange(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	const boot = "exec .. runtime.check"
	const never = "main.main .. runtime.check"
	got := observed(t, request(t, binary, table{`
def step(seen):
    names = seen.get("r.names", [])
    name = Symbol(Reg("rip"))
    return {"r.names": names if names and names[-1] == name else names + [name], "r.steps": seen.get("r.steps", 0) + 1}
def settls(seen): return {"r.inside": 1, "r.from": len(seen["r.names"])}
def check(seen): return {"r.after": seen["r.steps"]}
stops = {"exec .. runtime.check": step, "runtime.settls": settls, "runtime.check": check, "main.main .. runtime.check": lambda seen: {"r.never": 1}}
`, []fact.Spec{list("r.names", boot), at("r.steps", boot), at("r.inside", "runtime.settls"), at("r.from", "runtime.settls"), at("r.after", "runtime.check"), at("r.never", never)}}))
	wantSaidHas(t, got, "r.names", "[_rt0_amd64_linux _rt0_amd64 runtime.rt0_go runtime.settls runtime.rt0_go")
	wantSaid(t, got, "r.inside", "1")
	wantSaid(t, got, "r.from", "3") // the range looks last
	wantSaid(t, got, "r.after", say(got.Facts["r.steps"]))
	if n, _ := got.Facts["r.steps"].Value.Uint(); n < 30 || n > 400 {
		t.Errorf("r.steps = %s, want about a hundred", say(got.Facts["r.steps"]))
	}
	wantSaid(t, got, "r.never", "unseen release: the end of "+never+" was not reached before the program ended")
	if want := []string{boot, "runtime.settls", "runtime.check", never}; !slices.Equal(got.Passed, want) {
		t.Errorf("passed %q, want %q", got.Passed, want)
	}
	if !slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.HasPrefix(w, never) }) {
		t.Errorf("warnings %q do not name the range without an end", got.Warnings)
	}
}

// Stepped, a function of the vDSO begins again at every tick of the clock: the walk runs through it.
func TestRangeThroughVDSO(t *testing.T) {
	t.Parallel()
	binary := program(t, `package main

import (
	"runtime"
	"time"
)

func init() { runtime.LockOSThread() }
func main() { clocks() }
func clocks() { a := time.Now(); b := time.Now(); c := time.Now(); _, _, _ = a, b, c }
`)
	const stop = "main.clocks .. main.clocks: after CALL time.Now #3"
	got := observed(t, request(t, binary, table{`
def at(seen):
    name, froms = Symbol(Reg("rip")), seen.get("v.froms", [])
    if Reg("rip") == Addr("time.Now") and str(Word(Reg("rsp"))) not in froms:
        froms = froms + [str(Word(Reg("rsp")))]  # preempted, a function is entered twice
    return {"v.froms": froms, "v.calls": len(froms), "v.outside": seen.get("v.outside", False) or name == None}
stops = {"main.clocks .. main.clocks: after CALL time.Now #3": at}
`, []fact.Spec{at("v.calls", stop), list("v.froms", stop), spec("v.outside", fact.TypeBool, stop)}}))
	wantSaid(t, got, "v.calls", "3")
	wantSaid(t, got, "v.outside", "false")
}

// whole keeps the runtime from preempting a goroutine between a stop at an
// instruction and the execution of it: the same call would pass the place
// twice. (So does a function whose check of the stack gives way; leaves have none.)
const whole = "GODEBUG=asyncpreemptoff=1"

func TestHits(t *testing.T) {
	t.Parallel()
	binary := program(t, `package main

func one(i int) {}
func main() {
	one(11)
	one(22)
	one(33)
}
`)
	req := request(t, binary, table{`
def depth(seen): return {"h.first": Word(Reg("rsp")) != 0 and Line(Word(Reg("rsp")))[1]}
def second(seen): return {"h.second": Line(Word(Reg("rsp")))[1]}
def fourth(seen): return {"h.fourth": 1}
stops = {"main.one, any thread": depth, "main.one #2, any thread": second, "main.one #4, any thread": fourth}
`, []fact.Spec{at("h.first", "main.one, any thread"), at("h.second", "main.one #2, any thread"), at("h.fourth", "main.one #4, any thread")}})
	req.Env = append(req.Env, whole)
	got := observed(t, req)
	wantSaid(t, got, "h.first", "6")
	wantSaid(t, got, "h.second", "7")
	wantSaid(t, got, "h.fourth", "unseen release: main.one #4, any thread was not passed before the program ended")
}

// A goroutine that gives way in the check of the stack enters the function twice, and calls it once.
func TestHitsOfOneCall(t *testing.T) {
	t.Parallel()
	binary := program(t, `package main

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
func two() { println(n) }
`)
	req := request(t, binary, table{`
def line(seen): return {"h.second": Line(Word(Reg("rsp")) - 1)[1]}
stops = {"main.one #2, any thread": line, "main.one #3, any thread": lambda seen: {"h.third": 1},
    "main.loop #3, any thread": lambda seen: {"h.loop": 1}, "main.loop #4, any thread": lambda seen: {"h.more": 1}}
`, []fact.Spec{at("h.second", "main.one #2, any thread"), at("h.third", "main.one #3, any thread"), at("h.loop", "main.loop #3, any thread"), at("h.more", "main.loop #4, any thread")}})
	req.Env = append(req.Env, whole) // so that it gives way there and nowhere else
	got := observed(t, req)
	wantSaid(t, got, "h.second", "7")
	wantSaid(t, got, "h.third", "unseen release: main.one #3, any thread was not passed before the program ended")
	wantSaid(t, got, "h.loop", "1")
	wantSaid(t, got, "h.more", "unseen release: main.loop #4, any thread was not passed before the program ended")
}

// Four threads run into the same places at once, again and again: no hit may be lost or counted twice.
func TestThreads(t *testing.T) {
	t.Parallel()
	binary := program(t, `package main

import (
	"runtime"
	"sync"
)

//go:noinline
func hit(i int) int { return i + 1 }

//go:noinline
func end() { println("end") }

func main() {
	var all sync.WaitGroup
	start := make(chan bool)
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func() {
			runtime.LockOSThread()
			<-start
			for j := 0; j < 50; j++ {
				hit(j)
			}
			all.Done()
		}()
	}
	close(start)
	all.Wait()
	end()
}
`)
	req := request(t, binary, table{`
def seen_by(seen): return {"t.tid": Tid(), "t.main": Pid()}
stops = {"main.hit #200, any thread": lambda seen: {"t.last": 1}, "main.hit #201, any thread": lambda seen: {"t.more": 1},
         "main.hit": lambda seen: {"t.first": 1}, "main.end, any thread": lambda seen: {"t.end": 1}}
`, []fact.Spec{at("t.last", "main.hit #200, any thread"), at("t.more", "main.hit #201, any thread"), at("t.first", "main.hit"), at("t.end", "main.end, any thread")}})
	req.Env = append(req.Env, whole)
	for _, p := range req.Places {
		if p.State != place.Placed {
			t.Fatalf("%+v", p)
		}
	}
	got := observed(t, req)
	wantSaid(t, got, "t.last", "1")
	wantSaid(t, got, "t.end", "1")
	wantSaid(t, got, "t.more", "unseen release: main.hit #201, any thread was not passed before the program ended")
}

func TestStart(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	req := request(t, binary, table{`
def start(seen):
    return {"s.args": Proc("cmdline").split("\0")[1:-1], "s.env": Proc("environ").split("\0")[:-1],
            "s.random": int(Proc("personality"), 16) & 0x40000 == 0, "s.tidy": [os_link(n) for n in range(3)]}

def os_link(n):
    import os
    return os.readlink("/proc/%d/fd/%d" % (Pid(), n))

stops = {"exec": start}
`, []fact.Spec{list("s.args", "exec"), list("s.env", "exec"), spec("s.random", fact.TypeBool, "exec"), list("s.tidy", "exec")}})
	req.Args = []string{"", "two words", "it's", `"$HOME"`, "`id`", "naïve 世界", "-x", ">file", `back\slash`, "*", "#", "\tx\x01"}
	req.Env = []string{"Z=last first", "A=", "LINES=1", "B=it's=$HOME", "LD_PRELOAD=/nonexistent", "PYTHONHOME=/nonexistent"}
	got := observed(t, req)
	wantSaid(t, got, "s.args", "["+strings.Join(req.Args, " ")+"]")
	wantSaid(t, got, "s.env", "["+strings.Join(req.Env, " ")+"]")
	wantSaid(t, got, "s.random", "false")
	wantSaid(t, got, "s.tidy", "[/dev/null /dev/null /dev/null]")

	req.Args = []string{"two\nlines"}
	if _, err := witness(t).Observe(t.Context(), req); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Errorf("a line break: %v", err)
	}
}

// A binary that is loaded elsewhere than it was linked, by ld.so.
func TestPositionIndependent(t *testing.T) {
	t.Parallel()
	binary := buildtest.Program(t, "package main\n\nfunc main() { println(1) }\n", lab.Setup{Buildmode: "pie"})
	got := observed(t, request(t, binary, table{`
def at_exec(seen): return {"p.outside": Symbol(Reg("rip")) == None, "p.elsewhere": Addr("main.main") > 0x100000000}
def at_entry(seen): return {"p.entry": Symbol(Reg("rip"))}
def at_main(seen): return {"p.here": Addr("main.main") == Reg("rip"), "p.frames": Frames(), "p.g0": Var("runtime.m0.g0") == Addr("runtime.g0"),
    "p.line": Line(Reg("rip"))[1], "p.calls": "runtime.check" in Calls("runtime.rt0_go")}
stops = {"exec": at_exec, "entry": at_entry, "main.main": at_main}
`, []fact.Spec{spec("p.outside", fact.TypeBool, "exec"), spec("p.elsewhere", fact.TypeBool, "exec"), spec("p.entry", fact.TypeText, "entry"),
		spec("p.here", fact.TypeBool, "main.main"), list("p.frames", "main.main"), spec("p.g0", fact.TypeBool, "main.main"), at("p.line", "main.main"), spec("p.calls", fact.TypeBool, "main.main")}}))
	for name, want := range map[string]string{"p.outside": "true", "p.elsewhere": "true", "p.entry": "_rt0_amd64_linux", "p.here": "true",
		"p.frames": "[main.main runtime.main runtime.goexit]", "p.g0": "true", "p.line": "3", "p.calls": "true"} {
		wantSaid(t, got, name, want)
	}
}

func TestWithoutNames(t *testing.T) {
	t.Parallel()
	binary := buildtest.Program(t, "package main\n\nfunc main() { println(1) }\n", lab.Setup{Ldflags: "-s -w"})
	got := observed(t, request(t, binary, table{`
stops = {"exec": lambda seen: {"n.var": Var("runtime.argc")}, "entry": lambda seen: {"n.body": Addr("runtime.check")}}
`, []fact.Spec{at("n.var", "exec"), at("n.body", "entry")}}))
	wantSaidHas(t, got, "n.var", "broken: ", "no DWARF")
	wantSaidHas(t, got, "n.body", "broken: ", "no symbol table")
}

// The user's own settings must not reach gdb, nor those of the test the fixture.
func TestHermetic(t *testing.T) {
	w := witness(t)
	binary := buildtest.Hello(t, "local")
	home := t.TempDir()
	for _, name := range []string{".gdbinit", ".gdbearlyinit"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte("shell touch "+home+"/ran\nquit 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("PYTHONHOME", "/nonexistent")
	t.Setenv("SHELL", "/bin/false")
	t.Setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1/")
	got, err := w.Observe(t.Context(), request(t, binary, good))
	if err != nil {
		t.Fatal(err)
	}
	wantSaid(t, got, "good.late", "2")
	if _, err := os.Stat(filepath.Join(home, "ran")); err == nil {
		t.Error("gdb read the user's start-up file")
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	w, req := witness(t), request(t, binary, good)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got, err := w.Observe(t.Context(), req)
			if err != nil {
				t.Error(err)
				return
			}
			wantSaid(t, got, "good.late", "2")
		})
	}
	all.Wait()
}

// By hand, as the first lines of shim.py say.
func TestByHand(t *testing.T) {
	t.Parallel()
	witness(t)
	binary := buildtest.Hello(t, "local")
	req := request(t, binary, good)
	dir := t.TempDir()
	var places strings.Builder
	places.WriteString("PLACES = {\n")
	for _, p := range req.Places {
		places.WriteString("  " + strconv.Quote(p.Stop) + ": {\"addrs\": [" + strconv.FormatUint(p.Addrs[0], 10) + "], \"hit\": 1, \"any_thread\": False},\n")
	}
	places.WriteString("}\n")
	for name, text := range map[string]string{"places.py": places.String(), "good.py": good.source + "\nif __name__ == \"__main__\":\n    Walk([stops])\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(files ...string) string {
		args := []string{"-nx", "-q", "-batch", "-iex", "set auto-load no"}
		for _, f := range files {
			args = append(args, "-x", f)
		}
		cmd := exec.Command("gdb", append(args, binary)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("gdb: %v\n%s", err, out)
		}
		return string(out)
	}
	const lib = "../../../scripts/gdb/shim.py"
	out := run(filepath.Join(dir, "places.py"), lib, filepath.Join(dir, "good.py"))
	if !strings.Contains(out, "good.early = 1\ngood.late = 2\n") {
		t.Errorf("Walk printed\n%s", out)
	}
	if out := run(lib, filepath.Join(dir, "good.py")); !strings.Contains(out, "rt0lab stops") {
		t.Errorf("without places Walk printed\n%s", out)
	}
}
