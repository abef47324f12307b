//go:build linux && amd64

package gdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
)

// running are the living processes of a program.
func running(binary string) []string {
	var pids []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == binary {
			pids = append(pids, filepath.Base(filepath.Dir(l)))
		}
	}
	return pids
}

// wantGone holds for a binary that nobody else runs.
func wantGone(tb testing.TB, binary string) {
	tb.Helper()
	if binary == buildtest.Hello(tb, "local") {
		return // other tests run it, too
	}
	if left := running(binary); len(left) > 0 {
		tb.Errorf("the fixture still runs: %q", left)
	}
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, source string
		early, late  string
	}{
		{"ends well", `println("x")`, "1", "2"},
		{"crashes", `var p *int; *p = 1`, "1", ""},
		{"panics", `panic("no")`, "1", ""},
		{"exits at once", `os.Exit(0)`, "1", ""},
		{"exits in init", ``, "1", ""},
		{"prints a lot", `for i := 0; i < 1<<16; i++ { println("\x1b[2J\x07 a line of sixty-four bytes, so that it is megabytes in the end") }`, "1", "2"},
		{"signals itself", `syscall.Kill(syscall.Getpid(), syscall.SIGTERM); select {}`, "1", ""},
		{"hits a stray breakpoint", `runtime.Breakpoint()`, "1", ""},
		{"ignores a signal", `c := make(chan os.Signal, 1); signal.Notify(c, syscall.SIGUSR1); syscall.Kill(syscall.Getpid(), syscall.SIGUSR1); <-c`, "1", "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := "package main\n\nimport (\n\t\"os\"\n\t\"os/signal\"\n\t\"runtime\"\n\t\"syscall\"\n)\n\n" +
				"var _, _, _, _ = os.Exit, signal.Notify, runtime.GC, syscall.Kill\n\n" +
				"func late() { println(2) }\n\n" +
				"func init() {\n\tif len(os.Args) > 5 {\n\t\tlate()\n\t}\n}\n\n"
			if tt.name == "exits in init" {
				source += "func init() { os.Exit(3) }\n\n"
			}
			source += "func main() {\n\t" + tt.source + "\n\tlate()\n}\n"
			binary := program(t, source)
			got := observed(t, request(t, binary, table{"def early(seen): return {'f.early': 1}\ndef late(seen): return {'f.late': 2}\nstops = {'runtime.schedinit': early, 'main.late, any thread': late}\n",
				[]fact.Spec{at("f.early", "runtime.schedinit"), at("f.late", "main.late, any thread")}}))
			wantSaid(t, got, "f.early", tt.early)
			if tt.late == "2" {
				wantSaid(t, got, "f.late", "2")
			} else {
				wantSaid(t, got, "f.late", "unseen release: main.late, any thread was not passed before the program ended")
			}
			wantGone(t, binary)
		})
	}
}

const hangs = "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n\n//go:noinline\nfunc late() { println(2) }\n\nfunc init() {\n\tif len(x) > 0 {\n\t\tlate()\n\t}\n}\n\nvar x []int\n"

func hanging(t *testing.T) (string, observe.Request) {
	t.Helper()
	binary := program(t, hangs)
	req := request(t, binary, table{"def early(seen): return {'f.early': 1}\ndef late(seen): return {'f.late': 2}\nstops = {'runtime.schedinit': early, 'main.late, any thread': late}\n",
		[]fact.Spec{at("f.early", "runtime.schedinit"), at("f.late", "main.late, any thread")}})
	return binary, req
}

func TestFixtureHangs(t *testing.T) {
	t.Parallel()
	binary, req := hanging(t)
	req.Timeout = 4 * time.Second
	got := observed(t, req)
	wantSaid(t, got, "f.early", "1")
	wantSaid(t, got, "f.late", "broken: main.late, any thread was not passed: gdb was stopped after 4s")
	wantGone(t, binary)
}

// Not parallel: it looks for what is left in the folder for temporary files.
func TestCancelled(t *testing.T) {
	w := witness(t)
	binary, req := hanging(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	why := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		for len(running(binary)) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel(why)
	}()
	if _, err := w.Observe(ctx, req); !errors.Is(err, why) {
		t.Errorf("Observe = %v, want %v", err, why)
	}
	wantGone(t, binary)
	if left, _ := filepath.Glob(filepath.Join(tmp, "rt0lab-gdb-*")); len(left) > 0 {
		t.Errorf("left in the folder for temporary files: %q", left)
	}
	if _, err := w.Observe(ctx, req); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("Observe with an ended context = %v", err)
	}
}

func TestOtherSystems(t *testing.T) {
	t.Parallel()
	for _, system := range [][2]string{{"linux", "riscv64"}, {"darwin", "arm64"}, {"darwin", "amd64"}, {"windows", "amd64"}} {
		_, err := gdb.New("").Observe(context.Background(), observe.Request{GOOS: system[0], GOARCH: system[1]})
		if !errors.Is(err, observe.ErrRelease) || errors.Is(err, observe.ErrMachine) {
			t.Errorf("%s: %v, want ErrRelease", system, err)
		}
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, answer, want string }{
		{"no python", "echo 'GNU gdb (GDB) 13.1'; echo 'Python scripting is not supported in this copy of GDB.' >&2; exit 1", "without Python"},
		{"python 2", "echo 'GNU gdb (GDB) 13.1'; echo", "without Python"},
		{"old", "echo 'GNU gdb (GDB) Red Hat Enterprise Linux 8.2-20.el8'; echo rt0lab42", "too old"},
		{"no gdb", "echo hello", "does not answer like a gdb"},
		{"killed", "kill -9 $$", "does not answer like a gdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := filepath.Join(t.TempDir(), "gdb")
			if err := os.WriteFile(fake, []byte("#!/bin/sh\n"+tt.answer+"\n"), 0o700); err != nil { //nolint:gosec // it is run
				t.Fatal(err)
			}
			w := gdb.New(fake)
			err := w.Ready(context.Background())
			if !errors.Is(err, observe.ErrMachine) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "apt install gdb") {
				t.Errorf("Ready = %v", err)
			}
			if again := w.Ready(context.Background()); again != err {
				t.Errorf("Ready, again = %v", again)
			}
			if _, err := w.Observe(context.Background(), observe.Request{GOOS: "linux", GOARCH: "amd64"}); !errors.Is(err, observe.ErrMachine) {
				t.Errorf("Observe = %v", err)
			}
		})
	}
	t.Run("not in PATH", func(t *testing.T) {
		t.Parallel()
		err := gdb.New("rt0lab-no-such-gdb").Ready(context.Background())
		if !errors.Is(err, observe.ErrMachine) || !strings.Contains(err.Error(), "not in PATH") || !strings.Contains(err.Error(), "apt install gdb") {
			t.Errorf("Ready = %v", err)
		}
	})
	t.Run("cancelled is not kept", func(t *testing.T) {
		t.Parallel()
		witness(t)
		w := gdb.New("")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Ready(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, observe.ErrMachine) {
			t.Errorf("Ready = %v", err)
		}
		if err := w.Ready(context.Background()); err != nil {
			t.Errorf("Ready, then = %v", err)
		}
	})
}
