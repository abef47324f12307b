//go:build linux && amd64

package gdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// onARM64 is a request for a program of its own, run by qemu; it skips the
// test where that cannot be.
func onARM64(t *testing.T, args []string, env string, tables ...table) observe.Request {
	t.Helper()
	w := witness(t)
	if err := w.Emulates(t.Context()); errors.Is(err, observe.ErrMachine) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	req := request(t, buildtest.Copy(t, buildtest.Build(t, "local", lab.Setup{Goarch: "arm64"})), tables...)
	req.GOARCH, req.Args, req.Env = "arm64", args, append(req.Env, env)
	return req
}

const armTable = `
def at_entry(seen):
    sp = Reg("sp")
    argc = Word(sp)
    argv = [Text(Word(sp + 8 + 8 * i)) for i in range(argc)]
    environ, at = [], sp + 8 + 8 * (argc + 1)
    while Word(at):
        environ.append(Text(Word(at)))
        at += 8
    return {"arm.argv": argv[1:], "arm.argv0": argv[0], "arm.environ": sorted(environ)}

def at_rt0_go(seen):
    return {"arm.arch": Goarch(), "arm.x0": Reg("x0"), "arm.pc": Reg("pc") == Addr("runtime.rt0_go")}

def at_check(seen):
    return {"arm.g": G() == Addr("runtime.g0"), "arm.size": Var("runtime.g0.stack.hi") - Var("runtime.g0.stack.lo"),
            "arm.alone": [Tid() == Pid(), len(Threads())], "arm.minor": Minor() >= 16}

def at_main(seen):
    return {"arm.main": Symbol(Reg("pc")), "arm.proc": Proc("status")}

stops = {"entry": at_entry, "runtime.rt0_go": at_rt0_go, "runtime.check": at_check, "main.main, any thread": at_main}
`

func TestARM64(t *testing.T) {
	t.Parallel()
	req := onARM64(t, []string{"one", "t w'o"}, "X=a b", table{armTable, []fact.Spec{
		spec("arm.argv", fact.TypeList, "entry"), spec("arm.argv0", fact.TypeText, "entry"), spec("arm.environ", fact.TypeList, "entry"),
		spec("arm.arch", fact.TypeText, "runtime.rt0_go"), spec("arm.x0", fact.TypeInt, "runtime.rt0_go"), spec("arm.pc", fact.TypeBool, "runtime.rt0_go"),
		spec("arm.g", fact.TypeBool, "runtime.check"), spec("arm.size", fact.TypeInt, "runtime.check"),
		spec("arm.alone", fact.TypeList, "runtime.check"), spec("arm.minor", fact.TypeBool, "runtime.check"),
	}})
	got := observed(t, req)
	if !strings.Contains(got.Tool, " and qemu-aarch64 ") {
		t.Errorf("tool %q does not name qemu", got.Tool)
	}
	for name, want := range map[string]string{
		"arm.argv": "[one t w'o]", "arm.argv0": req.Binary, "arm.environ": "[HOME=/ LANG=C PATH=/usr/bin:/bin X=a b]",
		"arm.arch": "arm64", "arm.x0": "3", "arm.pc": "true", "arm.g": "true", "arm.size": "65536", "arm.alone": "[true 1]", "arm.minor": "true",
	} {
		if said := say(got.Facts[name]); said != want {
			t.Errorf("%s = %s, want %s", name, said, want)
		}
	}
	wantNoQemu(t, req.Binary)
}

// A word about the kernel's view would tell of the emulator, and says so; a
// program that is over by itself is no error.
func TestARM64Limits(t *testing.T) {
	t.Parallel()
	req := onARM64(t, nil, "X=1", table{armTable, []fact.Spec{
		spec("arm.proc", fact.TypeText, "main.main, any thread"), spec("arm.never", fact.TypeBool, "runtime.abort"),
	}})
	got := observed(t, req)
	if said := say(got.Facts["arm.proc"]); !strings.Contains(said, "is that of the emulator") {
		t.Errorf("arm.proc = %s", said)
	}
	if said := say(got.Facts["arm.never"]); !strings.Contains(said, "runtime.abort was not passed before the program ended") {
		t.Errorf("arm.never = %s", said)
	}
	wantNoQemu(t, req.Binary)
}

// Whoever stops waiting leaves no emulator behind.
func TestARM64Cancelled(t *testing.T) {
	t.Parallel()
	req := onARM64(t, nil, "X=1", table{`
def forever(seen):
    while True:
        pass

stops = {"runtime.check": forever}
`, []fact.Spec{spec("arm.g", fact.TypeBool, "runtime.check")}})
	ctx, cancel := context.WithCancelCause(t.Context())
	over := make(chan error)
	go func() {
		_, err := witness(t).Observe(ctx, req)
		over <- err
	}()
	for len(qemus(req.Binary)) == 0 {
		select {
		case err := <-over:
			t.Fatalf("it was over before it was cancelled: %v", err)
		default:
		}
	}
	why := errors.New("enough")
	cancel(why)
	if err := <-over; !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
	wantNoQemu(t, req.Binary)
}

// qemus are the emulators of a program that nobody else runs.
func qemus(binary string) []string {
	var pids []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		data, _ := os.ReadFile(f) // gone is empty
		if text := string(data); strings.Contains(text, "qemu-aarch64") && strings.Contains(text, "\x00"+binary) {
			pids = append(pids, filepath.Base(filepath.Dir(f)))
		}
	}
	return pids
}

func wantNoQemu(t *testing.T, binary string) {
	t.Helper()
	if left := qemus(binary); len(left) > 0 {
		t.Errorf("qemu still runs: %q", left)
	}
}
