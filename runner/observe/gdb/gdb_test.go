//go:build linux && amd64

package gdb_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
	"github.com/rt0lab/rt0lab/runner/place"
)

// program compiles a source to a program of its own, by which its processes are known.
func program(tb testing.TB, source string) string {
	tb.Helper()
	return buildtest.Copy(tb, buildtest.Program(tb, source, lab.Setup{}))
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(delve.Child())
	}
	os.Exit(buildtest.Run(m))
}

func witness(tb testing.TB) *gdb.Witness {
	tb.Helper()
	w := gdb.New("")
	if err := w.Ready(context.Background()); errors.Is(err, observe.ErrMachine) {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}
	return w
}

func shim(tb testing.TB) observe.Script {
	tb.Helper()
	const path = "../../../scripts/gdb/shim.py"
	src, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return observe.Script{Path: path, Source: string(src)}
}

// table is a script and the stops and types of its facts.
type table struct {
	source string
	specs  []fact.Spec
}

func spec(name string, t fact.Type, at ...string) fact.Spec {
	return fact.Spec{Name: name, Type: t, At: at}
}

func request(tb testing.TB, binary string, tables ...table) observe.Request {
	tb.Helper()
	req := observe.Request{
		Binary: binary, Env: []string{"HOME=/", "LANG=C", "PATH=/usr/bin:/bin"}, Release: runtime.Version(),
		GOOS: "linux", GOARCH: "amd64", Lib: shim(tb), Specs: fact.Catalogue{}, Timeout: 30 * time.Second,
	}
	var stops []string
	for _, t := range tables {
		subject := fact.Subject(t.specs[0].Name)
		req.Scripts = append(req.Scripts, observe.Script{Subject: subject, Path: "scripts/gdb/" + subject + ".py", Source: t.source})
		for _, s := range t.specs {
			req.Specs[s.Name] = s
			for _, at := range s.At {
				if !slices.Contains(stops, at) {
					stops = append(stops, at)
				}
			}
		}
	}
	r, err := place.Open(binary)
	if err != nil {
		tb.Fatal(err)
	}
	if req.Places, err = r.Places(stops); err != nil {
		tb.Fatal(err)
	}
	return req
}

func observed(tb testing.TB, req observe.Request) observe.Observation {
	tb.Helper()
	got, err := witness(tb).Observe(context.Background(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// say writes a Seen in one line: the value, "unseen: …" or "broken: …".
func say(s observe.Seen) string {
	switch {
	case s.Broken != "":
		return "broken: " + s.Broken
	case s.Unseen != nil:
		return "unseen " + string(s.Unseen.Cause) + ": " + s.Unseen.Reason
	case !s.Value.IsValid():
		return "nothing"
	}
	return s.Value.String()
}

func wantSaid(tb testing.TB, got observe.Observation, name, want string) {
	tb.Helper()
	if s := say(got.Facts[name]); s != want {
		tb.Errorf("%s = %s, want %s", name, s, want)
	}
}

func wantSaidHas(tb testing.TB, got observe.Observation, name, prefix string, parts ...string) {
	tb.Helper()
	s := say(got.Facts[name])
	ok := strings.HasPrefix(s, prefix)
	for _, p := range parts {
		ok = ok && strings.Contains(s, p)
	}
	if !ok {
		tb.Errorf("%s = %s, want %s… with %q", name, s, prefix, parts)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	got := observed(t, request(t, binary,
		table{`
def at_exec(seen):
    sp = Reg("rsp")
    return {"a.argc": Word(sp), "a.argv0": Text(Word(sp + 8)), "a.sp": sp, "a.env": Proc("environ").split("\0")[:-1],
            "a.minor": Minor(), "a.fs": Reg("fs_base"), "a.name": Symbol(Reg("rip"))}

def at_check(seen):
    lo, hi = Var("runtime.g0.stack.lo"), Var("runtime.g0.stack.hi")
    return {"a.size": hi - lo, "a.below": lo < hi <= seen["a.sp"], "a.tls": Reg("fs_base") == Addr("runtime.m0.tls") + 8,
            "a.frames": Frames(), "a.same": At("runtime.g", Addr("runtime.g0"), "stack.hi") == hi}

def at_main(seen):
    return {"a.frames": Frames(), "a.tids": len(Threads()) >= 1 and Tid() == Pid(), "a.version": Var("runtime.buildVersion"),
            "a.line": Line(Reg("rip"))[0], "a.gone": Var("runtime.nosuch"), "a.seen": seen["b.size"],
            "a.type": TypeOf("runtime.m0.tls"), "a.len": Len("runtime.m0.tls"), "a.int": Size("int"), "a.max": Word(Addr("runtime.g0")) >= 0}

stops = {"exec": at_exec, "runtime.check": at_check, "main.main": at_main}

if __name__ == "__main__":
    Walk([stops])
`, []fact.Spec{
			spec("a.argc", fact.TypeInt, "exec"), spec("a.argv0", fact.TypeText, "exec"), spec("a.sp", fact.TypeAddress, "exec"),
			spec("a.env", fact.TypeList, "exec"), spec("a.minor", fact.TypeInt, "exec"), spec("a.fs", fact.TypeAddress, "exec"), spec("a.name", fact.TypeText, "exec"),
			spec("a.size", fact.TypeInt, "runtime.check"), spec("a.below", fact.TypeBool, "runtime.check"), spec("a.tls", fact.TypeBool, "runtime.check"),
			spec("a.frames", fact.TypeList, "runtime.check", "main.main"), spec("a.same", fact.TypeBool, "runtime.check"),
			spec("a.tids", fact.TypeBool, "main.main"), spec("a.version", fact.TypeText, "main.main"), spec("a.line", fact.TypeText, "main.main"),
			spec("a.gone", fact.TypeInt, "main.main"), spec("a.seen", fact.TypeInt, "main.main"), spec("a.type", fact.TypeText, "main.main"),
			spec("a.len", fact.TypeInt, "main.main"), spec("a.int", fact.TypeInt, "main.main"), spec("a.max", fact.TypeBool, "main.main"),
		}},
		table{`
def wrong(seen): return {"b.size": 1}
def right(seen): return {"b.size": 2}
stops = {"runtime.rt0_go": wrong, "runtime.mstart": right}
`, []fact.Spec{spec("b.size", fact.TypeInt, "runtime.rt0_go", "runtime.mstart"), spec("b.nowhere", fact.TypeInt, "runtime.nosuch")}},
	))
	for name, want := range map[string]string{
		"a.argc": "1", "a.argv0": binary, "a.env": "[HOME=/ LANG=C PATH=/usr/bin:/bin]", "a.fs": "0x0", "a.name": "_rt0_amd64_linux",
		"a.below": "true", "a.tls": "true", "a.same": "true", "a.frames": "[main.main runtime.main runtime.goexit]",
		"a.tids": "true", "a.version": runtime.Version(), "a.line": "main.go", "a.gone": "absent", "a.seen": "2", "a.type": "[6]uintptr", "a.len": "6",
		"a.int": "8", "a.max": "true", "b.size": "2", "b.nowhere": "absent",
	} {
		wantSaid(t, got, name, want)
	}
	if v, ok := got.Facts["a.size"].Value.Uint(); !ok || v < 60000 || v > 1<<16 {
		t.Errorf("a.size = %s, want about 64 KiB", say(got.Facts["a.size"]))
	}
	if want := []string{"exec", "runtime.rt0_go", "runtime.check", "runtime.mstart", "main.main"}; !slices.Equal(got.Passed, want) {
		t.Errorf("passed %q, want %q", got.Passed, want)
	}
	if got.Witness != "gdb" || !strings.HasPrefix(got.Tool, "gdb ") || got.Duration <= 0 {
		t.Errorf("witness %q, tool %q, duration %s", got.Witness, got.Tool, got.Duration)
	}
	if len(got.Warnings) > 0 {
		t.Errorf("warnings: %q", got.Warnings)
	}
}
