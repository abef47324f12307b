//go:build linux && amd64

package delve_test

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
)

const walkStar = `
def at_exec(seen):
    return {"t.exec.pc": Reg("rip"), "t.minor": Minor(), "t.pwd": "PWD" in Proc("environ"), "t.env": Proc("environ").split("\0")[:2],
            "t.argv": Proc("cmdline").split("\0")[1:3]}

def at_entry(seen):
    return {"t.entry.pc": Reg("rip"), "t.entry.symbol": Symbol(Reg("rip"))}

def at_schedinit(seen):
    g0 = Addr("runtime.g0")
    return {
        "t.g0": g0, "t.size": Var("runtime.g0.stack.hi") - Var("runtime.g0.stack.lo"),
        "t.at": At("runtime.g", g0, "stack.hi") == Word(g0 + Offset("runtime.g", "stack.hi")),
        "t.deref": Var("runtime.m0.g0.m.id"), "t.version": Var("runtime.buildVersion"),
        "t.types": [TypeOf("runtime.m0.tls"), TypeOf("runtime.allm"), str(Len("runtime.m0.tls")), str(Size("runtime.stack"))],
        "t.none": [v == None for v in [Addr("runtime.nope"), Var("runtime.g0.nope"), At("runtime.nope", g0, "x"), Len("runtime.nope"), Size("runtime.nope"),
            Offset("runtime.g", "nope"), TypeOf("runtime.nope"), Const("runtime.nope"), Disasm("runtime.nope"), Calls("runtime.nope"), Symbol(16), Line(16), Addr("nope")]],
        "t.has": [Has(n) for n in ["runtime.g0", "runtime.g", "runtime.rt0_go", "runtime.heapAddrBits", "runtime.stackinit", "runtime.nope"]],
        "t.const": Const("runtime.heapAddrBits"), "t.frames": Frames(), "t.calls": Calls("runtime.rt0_go"),
        "t.int3": [a for a, x in Disasm("runtime.schedinit") if x == "int3"], "t.byte": Byte(Addr("runtime.schedinit")) != 0xcc,
        "t.low": Reg("eax") == Reg("rax") & 0xffffffff, "t.name": Text(Word(Var("runtime.argv"))), "t.threads": Threads() == [Tid()] and Tid() == Pid(),
        "t.line": Line(Addr("runtime.rt0_go")), "t.gone": None,
    }

def step(seen):
    return {"t.steps": seen.get("t.steps", 0) + 1, "t.inside": Symbol(Reg("rip")) != None}

def at_main(seen):
    return {"t.main.frames": Frames(), "t.main.seen": seen["t.minor"] > 0}

stops = {"exec": at_exec, "entry": at_entry, "runtime.schedinit": at_schedinit, "main.main": at_main,
    "runtime.rt0_go .. runtime.rt0_go: CALL runtime.args": step}
def main(): return Walk([stops])
`

const walkRange = "runtime.rt0_go .. runtime.rt0_go: CALL runtime.args"

func walkSpecs() fact.Catalogue {
	c := fact.Catalogue{}
	for stop, names := range map[string]string{
		"exec":              "t.exec.pc:address t.minor:int t.pwd:bool t.env:list t.argv:list",
		"entry":             "t.entry.pc:address t.entry.symbol:text",
		"runtime.schedinit": "t.g0:address t.size:int t.at:bool t.deref:int t.version:text t.types:list t.none:list t.has:list t.const:int t.frames:list t.calls:list t.int3:list t.byte:bool t.low:bool t.name:text t.threads:bool t.line:list t.gone:int",
		"main.main":         "t.main.frames:list t.main.seen:bool",
		walkRange:           "t.steps:int t.inside:bool",
		"runtime.nope":      "t.absent:int",
	} {
		for _, n := range strings.Fields(names) {
			name, typ, _ := strings.Cut(n, ":")
			spec(c, name, fact.Type(typ), stop)
		}
	}
	return c
}

func TestFacts(t *testing.T) {
	t.Parallel()
	bin := program(t, "hello")
	req := request(t, bin, walkStar, walkSpecs())
	req.Args = []string{"one", "two"}
	o := look(t, req)
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	address := map[string]uint64{}
	symbols, _ := f.Symbols()
	for _, s := range symbols {
		address[s.Name] = s.Value
	}
	minor := strings.Split(strings.TrimPrefix(req.Release, "go"), ".")[1]
	for name, want := range map[string]string{
		"t.exec.pc": fmt.Sprintf("%#x", f.Entry), "t.entry.pc": fmt.Sprintf("%#x", f.Entry), "t.entry.symbol": "_rt0_amd64_linux",
		"t.minor": minor, "t.pwd": "false", "t.env": "[HOME=/ LANG=C]", "t.argv": "[one two]", "t.g0": fmt.Sprintf("%#x", address["runtime.g0"]),
		"t.at": "true", "t.deref": "0", "t.version": req.Release, "t.types": "[[6]uintptr *runtime.m 6 16]",
		"t.none": "[" + strings.TrimSpace(strings.Repeat("true ", 13)) + "]", "t.has": "[true true true true true false]", "t.const": "48",
		"t.frames": "[runtime.schedinit runtime.rt0_go]", "t.int3": "[]", "t.byte": "true", "t.low": "true", "t.name": bin, "t.threads": "true",
		"t.gone": "absent", "t.absent": "absent", "t.main.frames": "[main.main runtime.main runtime.goexit]", "t.main.seen": "true", "t.inside": "true",
	} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if size := say(o.Facts["t.size"]); size != "65536" && size != "65432" {
		t.Errorf("t.size = %s", size)
	}
	if n, _ := o.Facts["t.steps"].Value.Uint(); n < 100 || n > 5000 {
		t.Errorf("t.steps = %s, want some hundreds", say(o.Facts["t.steps"]))
	}
	if calls := say(o.Facts["t.calls"]); !strings.Contains(calls, "runtime.check runtime.args runtime.osinit runtime.schedinit") {
		t.Errorf("t.calls = %s", calls)
	}
	if want := []string{"exec", "entry", walkRange, "runtime.schedinit", "main.main"}; !slices.Equal(o.Passed, want) {
		t.Errorf("passed %q, want %q", o.Passed, want)
	}
	if len(o.Warnings) != 0 || o.Witness != "delve" || !strings.HasPrefix(o.Tool, "delve 1.") {
		t.Errorf("witness %q, tool %q, warnings %q", o.Witness, o.Tool, o.Warnings)
	}
}

// What makes Delve's launch quick must not be seen in the fixture.
func TestScheduling(t *testing.T) {
	t.Parallel()
	c := fact.Catalogue{}
	spec(c, "t.cpus", fact.TypeText, "exec")
	spec(c, "t.policy", fact.TypeText, "exec")
	o := look(t, request(t, program(t, "hello"), `
def at_exec(seen):
    cpus = [l.split()[1] for l in Proc("status").splitlines() if l.startswith("Cpus_allowed_list:")][0]
    return {"t.cpus": "cpus " + cpus, "t.policy": "policy " + Proc("stat").split(")")[1].split()[38]}
stops = {"exec": at_exec}`, c))
	mine, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, cpus, _ := strings.Cut(string(mine), "Cpus_allowed_list:\t")
	cpus, _, _ = strings.Cut(cpus, "\n")
	if got := say(o.Facts["t.cpus"]); got != "cpus "+cpus {
		t.Errorf("the fixture may run on %s, this test on %s", got, cpus)
	}
	if got := say(o.Facts["t.policy"]); got != "policy 0" {
		t.Errorf("the fixture's scheduling policy is %s, want 0 (SCHED_OTHER)", got)
	}
}

func TestPIE(t *testing.T) {
	t.Parallel()
	c := fact.Catalogue{}
	spec(c, "t.frames", fact.TypeList, "main.main")
	spec(c, "t.moved", fact.TypeBool, "entry")
	o := look(t, request(t, buildtest.Build(t, "local", lab.Setup{Buildmode: "pie"}), `
def at_main(seen): return {"t.frames": Frames()}
def at_entry(seen): return {"t.moved": Reg("rip") == Addr("_rt0_amd64_linux") and Reg("rip") > 1 << 40}
stops = {"entry": at_entry, "main.main": at_main}`, c))
	if got := say(o.Facts["t.frames"]); got != "[main.main runtime.main runtime.goexit]" {
		t.Errorf("frames %s", got)
	}
	if got := say(o.Facts["t.moved"]); got != "true" {
		t.Errorf("moved %s", got)
	}
}

func TestThreads(t *testing.T) {
	t.Parallel()
	c := fact.Catalogue{}
	spec(c, "t.one", fact.TypeBool, "main.One")
	spec(c, "t.any", fact.TypeBool, "main.One, any thread")
	spec(c, "t.eighth", fact.TypeBool, "main.Two #8, any thread")
	spec(c, "t.ninth", fact.TypeBool, "main.Two #9, any thread")
	spec(c, "t.second", fact.TypeBool, "main.Twice #2, any thread")
	o := look(t, request(t, program(t, "threads"), `
def other(name): return lambda seen: {name: Tid() != Pid() and Reg("rip") == Addr(Frames()[0])}
stops = {"main.One": other("t.one"), "main.One, any thread": other("t.any"), "main.Two #8, any thread": other("t.eighth"),
    "main.Two #9, any thread": other("t.ninth"), "main.Twice #2, any thread": lambda seen: {"t.second": True}}`, c))
	for name, want := range map[string]string{
		"t.one": "unseen: main.One was not passed before the program ended", // the first thread is not locked to any of them
		"t.any": "true", "t.eighth": "true", "t.second": "true",
		"t.ninth": "unseen: main.Two #9, any thread was not passed before the program ended",
	} {
		got := say(o.Facts[name])
		if name == "t.one" && got == "false" || (name == "t.any" || name == "t.eighth") && got == "false" {
			continue // the scheduler may lock a goroutine to the first thread
		}
		if got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestScriptsThatFail(t *testing.T) {
	t.Parallel()
	const good = "def at(seen): return {\"t.x\": 1}\nstops = {\"entry\": at}\n"
	for _, tt := range []struct{ name, source, want string }{
		{"good", good, "1"},
		{"raises", "def at(seen):\n    x = 1\n    return {\"t.x\": seen[\"t.nope\"]}\nstops = {\"entry\": at}", "broken: t.star:3: key \"t.nope\" not in dict (at entry)"},
		{"a word raises", "def at(seen):\n    return {\"t.x\": Word(8)}\nstops = {\"entry\": at}", "broken: t.star:2: read 8 bytes at 0x8: not readable (at entry)"},
		{"nil on the way", "def at(seen):\n    return {\"t.x\": Var(\"runtime.allm.id\")}\nstops = {\"entry\": at}", "broken: t.star:2: fail: runtime.allm.id: nil before id (at entry)"},
		{"an aggregate", "def at(seen):\n    return {\"t.x\": Var(\"runtime.g0.stack\")}\nstops = {\"entry\": at}", "broken: t.star:2: fail: runtime.g0.stack is a runtime.stack: name one of its fields or elements (at entry)"},
		{"moves the process", "def at(seen):\n    return {\"t.x\": raw_command(\"continue\")}\nstops = {\"entry\": at}", "broken: t.star:2: "},
		{"loops for ever", "def at(seen):\n    while True: seen\nstops = {\"entry\": at}", "broken: t.star:…: Starlark computation cancelled: too many steps (at entry)"},
		{"loops for ever while it is read", "while True: pass\n" + good, "broken: t.star:1: Starlark computation cancelled"},
		{"no dict", "def at(seen): return 7\nstops = {\"entry\": at}", "broken: t.star: the function returned int, not a dict of facts (at entry)"},
		{"a float", "def at(seen): return {\"t.x\": 1.5}\nstops = {\"entry\": at}", "broken: t.star: at entry: t.x: not a fact's value"},
		{"a text", "def at(seen): return {\"t.x\": \"one\"}\nstops = {\"entry\": at}", "broken: t.star: at entry: t.x is \"one\", but the catalogue says int"},
		{"a function", "def at(seen): return {\"t.x\": at}\nstops = {\"entry\": at}", "broken: t.star: t.x: a function is no fact's value"},
		{"too big", "def at(seen): return {\"t.x\": 1 << 70}\nstops = {\"entry\": at}", "broken: t.star: at entry: t.x: not a fact's value"},
		{"unknown fact", "def at(seen): return {\"t.y\": 1}\nstops = {\"entry\": at}", "broken: t.star: the function at entry did not return t.x"},
		{"changes seen", "def at(seen):\n    seen[\"t.x\"] = 1\n    return {}\nstops = {\"entry\": at}", "broken: t.star:2: cannot insert into frozen hash table (at entry)"},
		{"unknown word", "def at(seen): return {\"t.x\": Regs(\"rip\")}\nstops = {\"entry\": at}", "broken: t.star:1:30: undefined: Regs"},
		{"does not parse", "def at(seen) return", "broken: t.star:1:20: got return, want ':'"},
		{"no stops", "def at(seen): return {}", "broken: t.star:2:23: undefined: stops"},
		{"stops is a list", "stops = [1]", "broken: t.star: stops is a list, not a dict from a stop to a function"},
		{"stops holds no function", "stops = {\"entry\": 1}", "broken: t.star: stops has \"entry\": 1; it wants a stop as text and a function"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := fact.Catalogue{}
			spec(c, "t.x", fact.TypeInt, "entry")
			spec(c, "u.x", fact.TypeInt, "entry")
			req := request(t, program(t, "hello"), tt.source, c)
			req.Scripts = append(req.Scripts, observe.Script{Subject: "u", Path: "u.star", Source: strings.ReplaceAll(good, "t.x", "u.x")})
			o := look(t, req)
			start, end, _ := strings.Cut(tt.want, "…") // the line a loop is at is chance
			broken := strings.HasPrefix(start, "broken")
			if got := say(o.Facts["t.x"]); got != tt.want && !(broken && strings.HasPrefix(got, start) && strings.HasSuffix(got, end)) {
				t.Errorf("t.x:\n got  %s\n want %s", got, tt.want)
			}
			if got := say(o.Facts["u.x"]); got != "1" {
				t.Errorf("the script beside it was harmed: u.x = %s", got)
			}
		})
	}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	const star = "stops = {\"entry\": lambda seen: {\"t.entry\": 1}, \"main.main\": lambda seen: {\"t.main\": 1}, STOP: lambda seen: {\"t.late\": 1}}"
	for _, tt := range []struct{ program, stop, want, warning string }{
		{"exits", "main.main return", "unseen: main.main return was not passed before the program ended", "the program ended with status 3"},
		{"crashes", "main.main return", "unseen: main.main return was not passed before the program ended", "the program ended with status 2"},
		{"hangs", "main.main return", "unseen: main.main return is gone", ""},
		{"hangs", "main.Never #2, any thread", "broken: main.Never #2, any thread was not passed: not finished in time", ""},
		{"spins", "runtime.exit", "broken: runtime.exit was not passed: not finished in time", ""},
		{"prints", "main.Done, any thread", "1", ""},
	} {
		t.Run(tt.program+"/"+tt.stop, func(t *testing.T) {
			t.Parallel()
			c := fact.Catalogue{}
			spec(c, "t.entry", fact.TypeInt, "entry")
			spec(c, "t.main", fact.TypeInt, "main.main")
			spec(c, "t.late", fact.TypeInt, tt.stop)
			req := request(t, program(t, tt.program), strings.ReplaceAll(star, "STOP", fmt.Sprintf("%q", tt.stop)), c)
			if strings.HasPrefix(tt.want, "broken") {
				req.Timeout = 10 * time.Second // the launch alone may take seconds on a busy machine
			}
			if strings.HasSuffix(tt.want, "is gone") {
				tt.want = "absent" // main.main has no RET
			}
			o := look(t, req)
			for name, want := range map[string]string{"t.entry": "1", "t.main": "1", "t.late": tt.want} {
				if got := say(o.Facts[name]); got != want {
					t.Errorf("%s = %s, want %s", name, got, want)
				}
			}
			if got := strings.Join(o.Warnings, "; "); got != tt.warning {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
		})
	}
}

func TestNotForDelve(t *testing.T) {
	t.Parallel()
	w := ready(t)
	hello := request(t, program(t, "hello"), "stops = {}", fact.Catalogue{})
	arm64 := buildtest.Build(t, "local", lab.Setup{Goarch: "arm64"})
	stripped := buildtest.Build(t, "local", lab.Setup{Ldflags: "-s -w"})
	for _, tt := range []struct {
		name   string
		change func(*observe.Request)
		want   error // nil: some other error
	}{
		{"arm64", func(r *observe.Request) { r.GOARCH = "arm64" }, observe.ErrRelease},
		{"an arm64 file", func(r *observe.Request) { r.GOARCH, r.Binary = "", arm64 }, observe.ErrRelease},
		{"no DWARF", func(r *observe.Request) { r.Binary = stripped }, observe.ErrRelease},
		{"no such file", func(r *observe.Request) { r.Binary = "/nonexistent/hello" }, nil},
		{"no program", func(r *observe.Request) { r.Binary = "witness_test.go" }, nil},
		{"a library that does not parse", func(r *observe.Request) { r.Lib.Source = "def" }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := hello
			tt.change(&req)
			_, err := w.Observe(context.Background(), req)
			if err == nil {
				t.Fatal("no error")
			}
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && (errors.Is(err, observe.ErrRelease) || errors.Is(err, observe.ErrMachine)) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := w.Observe(context.Background(), hello); err != nil {
		t.Errorf("the unchanged request: %v", err)
	}
}

func TestSelfIsWrong(t *testing.T) {
	t.Parallel()
	for _, exe := range []string{"/bin/false", "/nonexistent/rt0lab"} {
		w := delve.New(func() (string, []string) { return exe, nil })
		if err := w.Ready(context.Background()); err == nil || errors.Is(err, observe.ErrMachine) {
			t.Errorf("Ready with %s: %v, want an error that does not blame the machine", exe, err)
		}
	}
}

func TestNoRightToTrace(t *testing.T) {
	t.Parallel()
	exe, _ := self()
	w := delve.New(func() (string, []string) { return exe, []string{deniedArg} })
	err := w.Ready(context.Background())
	if !errors.Is(err, observe.ErrMachine) || !strings.Contains(err.Error(), "SYS_PTRACE") {
		t.Errorf("Ready: %v, want ErrMachine and how to get the right", err)
	}
	if _, err := w.Observe(context.Background(), request(t, program(t, "hello"), "stops = {}", fact.Catalogue{})); !errors.Is(err, observe.ErrMachine) {
		t.Errorf("Observe: %v, want ErrMachine", err)
	}
}
