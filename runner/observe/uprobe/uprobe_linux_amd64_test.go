package uprobe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/uprobe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// childOf names, in the environment of a process that a test starts, the program to look at.
const childOf = "RT0LAB_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if program := os.Getenv(childOf); program != "" {
		w := uprobe.Witness{}
		_, err := w.Observe(context.Background(), observe.Request{Binary: program, GOOS: "linux", GOARCH: "amd64",
			Scripts: []observe.Script{{Subject: "x", Path: "x.star", Source: "stops = {}"}}})
		fmt.Printf("machine %v: %v\nready: %v\n", errors.Is(err, observe.ErrMachine), err, w.Ready(context.Background()))
		return
	}
	os.Exit(buildtest.Run(m))
}

func ready(tb testing.TB) {
	tb.Helper()
	if err := (uprobe.Witness{}).Ready(tb.Context()); err != nil {
		tb.Skip(err)
	}
}

// request asks one script for facts x.NAME at the stops given.
func request(tb testing.TB, binary, source string, facts map[string][]string) observe.Request {
	tb.Helper()
	req := observe.Request{
		Binary: binary, Env: []string{"PATH=/bin"}, Release: "go1.26.8", GOOS: "linux", GOARCH: "amd64", Timeout: 20 * time.Second,
		Scripts: []observe.Script{{Subject: "x", Path: "scripts/ebpf/x.star", Source: source}}, Specs: fact.Catalogue{},
	}
	r, err := place.Open(binary)
	if err != nil {
		tb.Fatal(err)
	}
	for name, at := range facts {
		name, kind, _ := strings.Cut(name, " ")
		req.Specs["x."+name] = fact.Spec{Type: fact.Type(kind), At: at}
		for _, stop := range at {
			if stop != place.Exit && !slices.ContainsFunc(req.Places, func(p place.Place) bool { return p.Stop == stop }) {
				req.Places = append(req.Places, r.Place(stop))
			}
		}
	}
	return req
}

func observed(tb testing.TB, req observe.Request) observe.Observation {
	tb.Helper()
	ready(tb)
	o, err := uprobe.Witness{}.Observe(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// said is what a witness says of a fact, in words.
func said(o observe.Observation, name string) string {
	switch s := o.Facts["x."+name]; {
	case s.Broken != "":
		return "broken: " + s.Broken
	case s.Unseen != nil:
		return fmt.Sprintf("unseen %s: %s", s.Unseen.Cause, s.Unseen.Reason)
	default:
		return s.Value.String()
	}
}

func want(tb testing.TB, o observe.Observation, name, want string) {
	tb.Helper()
	if got := said(o, name); got != want {
		tb.Errorf("x.%s: %s, want %s", name, got, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.10", "1.16.15", "1.17", "1.20.14", "1.27.4"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			o := observed(t, request(t, buildtest.Hello(t, release), `
def start(seen):
    return {"x.zero": Time() == 0 and Tid() == Pid(), "x.nobody": Goid(), "x.pid": Pid(), "x.minor": Minor()}

def at_schedinit(seen):
    return {"x.g0": Goid(), "x.later": Time() > 0, "x.same": Pid() == seen["x.pid"]}

def at_main(seen):
    return {"x.g1": Goid(), "x.early": "write" not in Syscalls(any_thread = True) and "exit_group" not in Syscalls()}

def at_exit(seen):
    writes = SyscallArgs("write", any_thread = True)
    return {
        "x.first": Syscalls()[0],
        "x.last": "exit_group" in Syscalls(any_thread = True)[-3:], # other threads may call yet
        "x.settls": [a[0] for a in SyscallArgs("arch_prctl")],
        "x.out": len(writes) > 0 and writes[-1][0] in (1, 2),
        "x.status": SyscallArgs("exit_group", any_thread = True)[0][0],
        "x.none": len(SyscallArgs("fork")),
    }

stops = {"exec": start, "runtime.schedinit": at_schedinit, "main.main, any thread": at_main, "exit": at_exit}
`, map[string][]string{
				"zero bool": {"exec"}, "nobody int": {"exec"}, "pid int": {"exec"}, "minor int": {"exec"},
				"g0 int": {"runtime.schedinit"}, "later bool": {"runtime.schedinit"}, "same bool": {"runtime.schedinit"},
				"g1 int": {"main.main, any thread"}, "early bool": {"main.main, any thread"},
				"first text": {"exit"}, "last bool": {"exit"}, "settls list": {"exit"}, "out bool": {"exit"}, "status int": {"exit"}, "none int": {"exit"},
			}))
			for name, value := range map[string]string{
				"zero": "true", "nobody": "absent", "minor": "26", "g0": "0", "later": "true", "same": "true", "g1": "1", "early": "true",
				"first": "arch_prctl", "last": "true", "settls": "[4098]", "out": "true", "status": "0", "none": "0",
			} {
				want(t, o, name, value)
			}
			if got := strings.Join(o.Passed, "; "); got != "exec; runtime.schedinit; main.main, any thread; exit" {
				t.Errorf("passed %s", got)
			}
		})
	}
}

// However it was built, the goroutine is found and the order is the same.
func TestBuilds(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]lab.Setup{
		"go1.10":   {Fixture: "opener", Cgo: true},
		"default":  {Gcflags: new(string)},
		"pie":      {Buildmode: "pie"},
		"stripped": {Ldflags: "-s"},
		"cgo":      {Fixture: "hellocgo", Cgo: true},
		"external": {Fixture: "hellocgo", Cgo: true, Linkmode: "external"},
		"cgo pie":  {Fixture: "hellocgo", Cgo: true, Buildmode: "pie"},
		"static":   {Fixture: "hellocgo", Cgo: true, Linkmode: "external", Ldflags: "-extldflags=-static"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := "local"
			if strings.HasPrefix(name, "go") {
				release = name
			}
			o := observed(t, request(t, buildtest.Build(t, release, setup), `
def at_schedinit(seen):
    return {"x.order": ["schedinit"], "x.g0": Goid()}

def at_main(seen):
    return {"x.order": seen["x.order"] + ["main"], "x.g1": Goid()}

stops = {"runtime.schedinit": at_schedinit, "main.main, any thread": at_main}
`, map[string][]string{"order list": {"runtime.schedinit", "main.main, any thread"}, "g0 int": {"runtime.schedinit"}, "g1 int": {"main.main, any thread"}}))
			switch name {
			case "stripped": // no DWARF, no offset
				want(t, o, "g1", "unseen release: no DWARF in the executable (linked with -w or stripped)")
				return
			case "go1.10": // DWARF, but not of this type
				want(t, o, "g1", "unseen release: the executable's DWARF does not have the type runtime.g")
				return
			}
			want(t, o, "order", "[schedinit main]")
			want(t, o, "g0", "0")
			want(t, o, "g1", "1")
		})
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	const each = `
def note(name):
    def noted(seen):
        return {"x.order": seen.get("x.order", []) + [name], "x." + name: Goid()}
    return noted

stops = {%s}
`
	stops := map[string]string{
		"cpuid": "runtime.rt0_go: CPUID", "rt0": "runtime.rt0_go", "call": "runtime.rt0_go: CALL runtime.check", "check": "runtime.check",
		"second": "runtime.newproc #2", "ret": "runtime.check return", "after": "runtime.rt0_go: after CALL runtime.check",
		"main": "main.main, any thread", "absent": "runtime.nothing", "range": "runtime.rt0_go: CPUID .. runtime.check",
		"abort": "runtime.abort, any thread", "never": "runtime.fatalpanic, any thread", "often": "main.main #2, any thread", "entry": "entry",
	}
	var table []string
	facts := map[string][]string{"order list": nil}
	for name, stop := range stops {
		table = append(table, fmt.Sprintf("%q: note(%q)", stop, name))
		facts[name+" int"] = []string{stop}
		facts["order list"] = append(facts["order list"], stop)
	}
	req := request(t, buildtest.Hello(t, "local"), fmt.Sprintf(each, strings.Join(table, ", ")), facts)
	o := observed(t, req)
	want(t, o, "order", "[entry rt0 cpuid call check ret after second main]")
	want(t, o, "absent", "absent")
	want(t, o, "second", "1")
	want(t, o, "range", `unseen release: runtime.rt0_go: CPUID .. runtime.check: no probe can stand here: "runtime.rt0_go: CPUID .. runtime.check" is a range, which is stepped through`)
	if got := said(o, "abort"); !strings.Contains(got, "no probe can stand here") {
		t.Errorf("abort: %s", got)
	}
	want(t, o, "never", "unseen release: runtime.fatalpanic, any thread was not passed before the program ended")
	want(t, o, "often", "unseen release: main.main #2, any thread was not passed before the program ended")
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ source, want string }{
		"raises":         {"def f(seen): return {'x.n': 1 // 0}\nstops = {'runtime.schedinit': f}", "broken: scripts/ebpf/x.star:1: floored division by zero"},
		"does not parse": {"def f(seen)", "broken: scripts/ebpf/x.star:1: got end of file, want ':'"},
		"no table":       {"x = 1", "broken: scripts/ebpf/x.star: it has no table: stops = {stop: function}"},
		"no such word":   {"def f(seen): return {'x.n': Reg('rsp')}\nstops = {'runtime.schedinit': f}", "broken: scripts/ebpf/x.star:1: undefined: Reg"},
		"wrong type":     {"def f(seen): return {'x.n': 'one'}\nstops = {'runtime.schedinit': f}", `broken: scripts/ebpf/x.star: at runtime.schedinit: x.n is "one", but the catalogue says int`},
		"forgets":        {"def f(seen): return {}\n# x.n\nstops = {'runtime.schedinit': f}", "broken: scripts/ebpf/x.star: the function at runtime.schedinit did not return x.n (return None for what is gone from the release)"},
		"is silent":      {"def f(seen): return {}\nstops = {'runtime.schedinit': f}", "unseen release: no script of this witness reads it"},
		"elsewhere":      {"def f(seen): return {}\nstops = {'runtime.check': f}", "unseen release: no script of this witness reads it"},
		"the file":       {"def f(seen): return {}\nstops = {'image': f}", `broken: scripts/ebpf/x.star: stop "image" is the static witness's`},
		"no such call":   {"def f(seen): return {'x.n': len(SyscallArgs('mmapp'))}\nstops = {'runtime.schedinit': f}", `broken: scripts/ebpf/x.star:1: SyscallArgs: linux/amd64 has no system call "mmapp"`},
		"endless":        {"def f(seen):\n    while True: pass\nstops = {'runtime.schedinit': f}\n# x.n", "broken: scripts/ebpf/x.star:1: Starlark computation cancelled: it did not end within 50000000 steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, request(t, buildtest.Hello(t, "local"), tt.source, map[string][]string{"n int": {"runtime.schedinit"}}))
			want(t, o, "n", tt.want)
		})
	}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	ready(t)
	const table = "def early(seen): return {'x.early': 1}\ndef late(seen): return {'x.late': 2}\n"
	// The watcher's nanosleep may come after the call that ends the process.
	const done = "def done(seen): return {'x.done': [c for c in Syscalls(any_thread = True) if c in ('kill', 'exit_group')][-1]}\n"
	for _, tt := range []struct {
		name, body string
		exit       bool
		late, done string
		within     time.Duration
	}{
		{name: "ends well", body: `println("x"); late()`, exit: true, late: "2", done: "exit_group"},
		{name: "panics", body: `panic("no")`, exit: true, late: "unseen release: main.late, any thread was not passed before the program ended", done: "exit_group"},
		{name: "is killed", body: `syscall.Kill(syscall.Getpid(), syscall.SIGKILL); select {}`, exit: true, late: "unseen release: main.late, any thread was not passed before the program ended", done: "kill"},
		{name: "hangs, but all was seen", body: `late(); for {}`, late: "2"},
		{name: "hangs", body: `for {}`, within: 2 * time.Second, late: "broken: main.late, any thread was not passed: the program was stopped after 2s"},
		{name: "has an end that does not come", body: `late(); for true {}`, exit: true, within: 2 * time.Second, late: "2", done: "broken: exit was not passed: the program was stopped after 2s"},
		{name: "prints a lot", body: `for i := 0; i < 1<<14; i++ { println("\x1b[2J\x07 a line of sixty-four bytes, so that it is megabytes in the end") }; late()`, exit: false, late: "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binary := buildtest.Program(t, "package main\n\nimport \"syscall\"\n\nvar _ = syscall.Kill\n\n//go:noinline\nfunc late() { println(2) }\n\nfunc init() {\n\tif syscall.Getppid() == -1 {\n\t\tlate()\n\t}\n}\n\nfunc main() {\n\t"+tt.body+"\n}\n", lab.Setup{})
			facts := map[string][]string{"early int": {"runtime.schedinit"}, "late int": {"main.late, any thread"}}
			source := table + "stops = {'runtime.schedinit': early, 'main.late, any thread': late}\n"
			if tt.exit {
				facts["done text"] = []string{"exit"}
				source = table + done + "stops = {'runtime.schedinit': early, 'main.late, any thread': late, 'exit': done}\n"
			}
			req := request(t, binary, source, facts)
			if tt.within > 0 {
				req.Timeout = tt.within
			}
			o := observed(t, req)
			want(t, o, "early", "1")
			want(t, o, "late", tt.late)
			if tt.exit {
				want(t, o, "done", tt.done)
			}
			wantGone(t, binary)
		})
	}
}

// wantGone holds for a program that only this test runs.
func wantGone(tb testing.TB, binary string) {
	tb.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), binary+"\x00") {
			tb.Errorf("%s still runs: %s", binary, file)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ready(t)
	binary := buildtest.Program(t, "package main\n\nvar n int\n\nfunc main() {\n\tfor {\n\t\tn++\n\t}\n}\n", lab.Setup{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := uprobe.Witness{}.Observe(ctx, request(t, binary, "def f(seen): return {}\nstops = {'exit': f}", map[string][]string{"n int": {"exit"}}))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	wantGone(t, binary)
}

// Lost events leave no fact: an order with a hole is no order.
func TestLost(t *testing.T) {
	t.Parallel()
	ready(t)
	// A hundred thousand calls at full speed, and room for a few dozen.
	binary := buildtest.Program(t, "package main\n\nimport \"syscall\"\n\nfunc main() {\n\tfor i := 0; i < 100000; i++ {\n\t\tsyscall.Getppid()\n\t}\n}\n", lab.Setup{})
	req := request(t, binary, "def f(seen): return {'x.n': len(Syscalls(any_thread = True))}\nstops = {'exit': f}", map[string][]string{"n int": {"exit"}})
	if _, err := (uprobe.Witness{Ring: 1}).Observe(t.Context(), req); !errors.Is(err, ebpf.ErrLost) || errors.Is(err, observe.ErrMachine) {
		t.Errorf("%v, want ErrLost, which is broken and no fault of the machine", err)
	}
}

// Debuggers that look at the same file are not disturbed, and neither are other observations.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	ready(t)
	binary := buildtest.Hello(t, "local")
	req := request(t, binary, "def f(seen): return {'x.order': seen.get('x.order', []) + [1]}\ndef g(seen): return {'x.order': seen.get('x.order', []) + [2]}\nstops = {'runtime.schedinit': f, 'main.main, any thread': g}",
		map[string][]string{"order list": {"runtime.schedinit", "main.main, any thread"}})
	done := make(chan string)
	for range 4 {
		go func() {
			o, err := uprobe.Witness{}.Observe(t.Context(), req)
			done <- fmt.Sprint(said(o, "order"), err)
		}()
	}
	for range 4 {
		if got := <-done; got != "[1 2]<nil>" {
			t.Error(got)
		}
	}
}

func TestOtherSystem(t *testing.T) {
	t.Parallel()
	if _, err := (uprobe.Witness{}).Observe(t.Context(), observe.Request{GOOS: "darwin", GOARCH: "arm64"}); !errors.Is(err, observe.ErrRelease) {
		t.Errorf("%v", err)
	}
}

// Without the rights nothing is seen, and that lies in the machine.
func TestRights(t *testing.T) {
	t.Parallel()
	ready(t)
	binary := buildtest.Copy(t, buildtest.Hello(t, "local"))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self := buildtest.Copy(t, exe)
	for _, f := range []string{binary, self} {
		for _, open := range []string{f, filepath.Dir(f), filepath.Dir(filepath.Dir(f))} {
			if err := os.Chmod(open, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		capabilities []uintptr
		want         string
	}{
		"no CAP_PERFMON": {[]uintptr{unix.CAP_BPF}, "machine true: observe with eBPF: not possible on this machine: no right to use eBPF probes: this process lacks CAP_PERFMON; run as root, or once: sudo setcap cap_bpf,cap_perfmon+ep " + self},
		"all":            {[]uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, "machine false: <nil>\nready: <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(self)
			cmd.Dir, cmd.Env = "/", []string{childOf + "=" + binary}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: tt.capabilities}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) {
				t.Skipf("may not become another user: %v (run as root)", err)
			}
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("%v\n%s\nwant %q", err, out, tt.want)
			}
		})
	}
}

// Every script of the project is understood: it uses words that there are.
func TestProjectScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../scripts/ebpf/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		req := request(t, buildtest.Hello(t, "local"), string(source), map[string][]string{"n int": {"runtime.nothing"}})
		if got := said(observed(t, req), "n"); strings.HasPrefix(got, "broken") {
			t.Errorf("%s: %s", file, got)
		}
	}
}
