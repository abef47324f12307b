package ebpf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func ready(tb testing.TB) {
	tb.Helper()
	if err := ebpf.Ready(); err != nil {
		tb.Skip(err) // it says what is missing and how to get it
	}
}

// watched opens a tracer for the beginnings of functions of a program of the test's own.
func watched(tb testing.TB, path string, o ebpf.Options, functions ...string) *ebpf.Tracer {
	tb.Helper()
	r, img := looked(tb, path)
	choose := ebpf.NewChooser(img, nil)
	for _, f := range functions {
		site, err := choose.Beginning(addressOf(tb, r, f))
		if err != nil {
			tb.Fatal(err)
		}
		o.Probes = append(o.Probes, ebpf.Probe{Site: site})
	}
	if off, ok, err := img.Offset("runtime.g", "goid"); err == nil && ok {
		o.GoidOffset = off
	}
	o.Path = path
	return opened(tb, o)
}

func opened(tb testing.TB, o ebpf.Options) *ebpf.Tracer {
	tb.Helper()
	t, err := ebpf.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := t.Close(); err != nil {
			tb.Error(err)
		}
	})
	return t
}

// started is a command in a process group of its own.
func started(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run runs the program once and returns all that was seen.
func run(tb testing.TB, t *ebpf.Tracer, cmd *exec.Cmd) ([]ebpf.Event, ebpf.Run) {
	tb.Helper()
	var events []ebpf.Event
	r, err := t.Run(tb.Context(), cmd, func(e ebpf.Event) bool { events = append(events, e); return true })
	if err != nil {
		tb.Fatal(err)
	}
	return events, r
}

// passed are the probes in the order in which they were passed first.
func passed(events []ebpf.Event) (order []int) {
	for _, e := range events {
		if e.Kind == ebpf.Passed && !slices.Contains(order, e.Probe) {
			order = append(order, e.Probe)
		}
	}
	return order
}

func TestRunOnReleases(t *testing.T) {
	t.Parallel()
	ready(t)
	for _, release := range []string{"1.10", "1.16.15", "1.17", "1.21.13", "1.27.4"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Copy(t, buildtest.Hello(t, release))
			functions := []string{"runtime.check", "runtime.args", "runtime.osinit", "runtime.schedinit", "runtime.newproc", "runtime.mstart", "runtime.main", "main.main"}
			tracer := watched(t, path, ebpf.Options{Syscalls: true}, functions...)
			for range 3 { // one attachment serves many runs
				events, r := run(t, tracer, started(path))
				if r.ExitCode != 0 || r.Stopped || r.Signal != "" {
					t.Errorf("%+v", r)
				}
				if order := passed(events); !slices.IsSorted(order) || len(order) != len(functions) {
					t.Errorf("passed in the order %v", order)
				}
				if first := events[0]; first.Kind != ebpf.Exec || first.Time != 0 || first.Thread != uint32(r.Pid) {
					t.Errorf("begins with %+v, pid %d", first, r.Pid)
				}
				var before time.Duration
				for _, e := range events {
					if e.Time < before-time.Millisecond || e.Time > time.Minute {
						t.Errorf("%+v after %s", e, before)
					}
					before = e.Time
					switch {
					case e.Kind == ebpf.Passed && functions[e.Probe] == "main.main" && (e.Goid != 1 || !e.HasGoid):
						t.Errorf("main.main: %+v", e)
					case e.Kind == ebpf.Passed && functions[e.Probe] == "runtime.schedinit" && (e.Goid != 0 || !e.HasGoid || e.Thread != uint32(r.Pid)):
						t.Errorf("schedinit: %+v", e)
					}
				}
				if last := events[len(events)-1]; last.Kind != ebpf.Exit || last.Process != uint32(r.Pid) {
					t.Errorf("ends with %+v", last)
				}
				// Another thread may be in the kernel yet when the first one asks for the end.
				names := syscalls(events)
				if names[0] != "arch_prctl" || !slices.Contains(names, "exit_group") || !slices.Contains(names, "mmap") || !slices.Contains(names, "write") {
					t.Errorf("system calls %v", names)
				}
			}
		})
	}
}

func syscalls(events []ebpf.Event) (names []string) {
	for _, e := range events {
		if e.Kind == ebpf.Syscall {
			names = append(names, ebpf.SyscallName(e.Number))
		}
	}
	return names
}

// What the kernel is told in advance, it must not hear of later.
func TestNothingIsSeenOfOthers(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	tracer := watched(t, path, ebpf.Options{Syscalls: true}, "main.main")
	// Another process that runs the same file, started by this one, before and during the run.
	if err := started(path).Run(); err != nil {
		t.Fatal(err)
	}
	others := 0
	events, r := func() (events []ebpf.Event, r ebpf.Run) {
		r, err := tracer.Run(t.Context(), started(path), func(e ebpf.Event) bool {
			if others == 0 {
				others++
				if err := started(path).Run(); err != nil {
					t.Error(err)
				}
			}
			events = append(events, e)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return events, r
	}()
	mains := 0
	for _, e := range events {
		if e.Kind == ebpf.Passed {
			mains++
		}
		if e.Kind == ebpf.Exit && e.Process != uint32(r.Pid) {
			t.Errorf("%+v of another process than %d", e, r.Pid)
		}
	}
	if mains != 1 {
		t.Errorf("main.main was passed %d times", mains)
	}
}

func TestNeverPassed(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	tracer := watched(t, path, ebpf.Options{}, "main.main", "runtime.fatalpanic")
	if events, _ := run(t, tracer, started(path)); !slices.Equal(passed(events), []int{0}) {
		t.Errorf("passed %v", passed(events))
	}
	// Once the probes are gone nothing is there that could be passed.
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := started(path).Run(); err != nil {
		t.Error(err)
	}
}

// Each of these is the same for the caller, whatever the program does.
func TestPrograms(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = "package main\n\nimport (\n\t\"os\"\n\t\"syscall\"\n)\n\nvar _ = os.Args\nvar _ = syscall.Kill\n\nfunc main() {\n\t%s\n}\n"
	for _, tt := range []struct {
		name, body string
		want       ebpf.Run
	}{
		{"ends", `println("x")`, ebpf.Run{}},
		{"exits", `os.Exit(3)`, ebpf.Run{ExitCode: 3}},
		{"panics", `panic("no")`, ebpf.Run{ExitCode: 2}},
		{"kills itself", `syscall.Kill(syscall.Getpid(), syscall.SIGKILL); select {}`, ebpf.Run{ExitCode: -1, Signal: "SIGKILL"}},
		{"forks", `syscall.ForkExec("/bin/true", []string{"true"}, nil)`, ebpf.Run{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Copy(t, buildtest.Program(t, fmt.Sprintf(source, tt.body), lab.Setup{}))
			tracer := watched(t, path, ebpf.Options{}, "main.main")
			events, r := run(t, tracer, started(path))
			if r.Pid = 0; !reflect.DeepEqual(r, tt.want) {
				t.Errorf("%+v, want %+v", r, tt.want)
			}
			if len(passed(events)) != 1 {
				t.Errorf("main.main was not passed: %+v", events)
			}
		})
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Program(t, "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n", lab.Setup{}))
	tracer := watched(t, path, ebpf.Options{}, "main.main")
	for name, stop := range map[string]func(cancel func()) func(ebpf.Event) bool{
		"enough seen": func(func()) func(ebpf.Event) bool { return func(e ebpf.Event) bool { return e.Kind != ebpf.Passed } },
		"context ended": func(cancel func()) func(ebpf.Event) bool {
			return func(e ebpf.Event) bool {
				if e.Kind == ebpf.Passed {
					cancel()
				}
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := tracer.Run(ctx, started(path), stop(cancel))
			if err != nil || !r.Stopped || r.Signal != "SIGKILL" {
				t.Errorf("%+v, %v", r, err)
			}
			if err := syscall.Kill(r.Pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d is still there: %v", r.Pid, err)
			}
		})
	}
}

// A ring that is too small tells so, every time, and works again afterwards.
func TestLost(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Program(t, "package main\n\n//go:noinline\nfunc f(i int) int { return i + 1 }\n\nfunc main() {\n\tn := 0\n\tfor i := 0; i < 20000; i++ {\n\t\tn = f(n)\n\t}\n\tprintln(n)\n}\n", lab.Setup{}))
	tracer := watched(t, path, ebpf.Options{Ring: 1}, "main.f")
	for range 2 {
		release := make(chan struct{})
		cmd := started(path)
		events := 0
		_, err := tracer.Run(t.Context(), cmd, func(ebpf.Event) bool {
			if events++; events == 1 {
				// The program runs on while nobody reads.
				go func() {
					defer close(release)
					for {
						if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)); err != nil || strings.Contains(string(state), ") Z ") {
							return
						}
					}
				}()
				<-release
			}
			return true
		})
		if !errors.Is(err, ebpf.ErrLost) {
			t.Errorf("%d events, %v; want ErrLost", events, err)
		}
	}
	// The same with a limit: what is told fits.
	r, img := looked(t, path)
	site, err := ebpf.NewChooser(img, nil).Beginning(addressOf(t, r, "main.f"))
	if err != nil {
		t.Fatal(err)
	}
	limited := opened(t, ebpf.Options{Path: path, Ring: 1, Probes: []ebpf.Probe{{Site: site, Most: 7}}})
	n := 0
	for range 2 {
		events, _ := run(t, limited, started(path))
		for _, e := range events {
			if e.Kind == ebpf.Passed {
				n++
			}
		}
	}
	if n != 14 {
		t.Errorf("%d passings were told in two runs, want 7 each", n)
	}
}

// The branch to morestack is passed again for the same call; the push behind it is not.
func TestStackGrows(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = "package main\n\nvar out byte\n\n//go:noinline\nfunc grow() byte {\n\tvar big [1 << 16]byte\n\tfor i := range big {\n\t\tbig[i] = byte(i)\n\t}\n\treturn big[out]\n}\n\nfunc main() {\n\tdone := make(chan byte)\n\tgo func() { done <- grow() + grow() }()\n\tprintln(<-done)\n}\n"
	path := buildtest.Copy(t, buildtest.Program(t, source, lab.Setup{}))
	r, img := looked(t, path)
	choose := ebpf.NewChooser(img, nil)
	entry := addressOf(t, r, "main.grow")
	push, err := choose.Beginning(entry)
	if err != nil {
		t.Fatal(err)
	}
	check, err := choose.Exact(addressOf(t, r, "main.grow: JBE"))
	if err != nil {
		t.Fatal(err)
	}
	check.ChecksStack = true
	first, err := choose.Exact(entry)
	if err != nil {
		t.Fatal(err)
	}
	tracer := opened(t, ebpf.Options{Path: path, Probes: []ebpf.Probe{{Site: first}, {Site: check}, {Site: push}}})
	events, _ := run(t, tracer, started(path))
	var hits [3]int
	again := 0
	for _, e := range events {
		if e.Kind == ebpf.Passed {
			hits[e.Probe]++
			if e.Again {
				again++
			}
		}
	}
	if hits != [3]int{3, 3, 2} || again != 1 {
		t.Errorf("entry, check and push were passed %v times, %d to come again", hits, again)
	}
}

// FirstThread leaves out what other threads pass.
func TestFirstThread(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	r, img := looked(t, path)
	site, err := ebpf.NewChooser(img, nil).Beginning(addressOf(t, r, "runtime.mstart1"))
	if err != nil {
		t.Fatal(err)
	}
	tracer := opened(t, ebpf.Options{Path: path, Probes: []ebpf.Probe{{Site: site}, {Site: site, FirstThread: true}}})
	events, process := run(t, tracer, started(path))
	var threads [2]map[uint32]bool
	for i := range threads {
		threads[i] = map[uint32]bool{}
	}
	for _, e := range events {
		if e.Kind == ebpf.Passed {
			threads[e.Probe][e.Thread] = true
		}
	}
	if len(threads[0]) < 2 || len(threads[1]) != 1 || !threads[1][uint32(process.Pid)] {
		t.Errorf("any thread: %v, the first: %v", threads[0], threads[1])
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ready(t)
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := ebpf.Open(ebpf.Options{Path: missing, Probes: []ebpf.Probe{{}}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	tracer := opened(t, ebpf.Options{})
	if _, err := tracer.Run(t.Context(), started(missing), func(ebpf.Event) bool { return true }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	// A run after one that could not be started.
	if events, _ := run(t, tracer, started("/bin/true")); len(events) < 2 {
		t.Errorf("%+v", events)
	}
}

// Instructions that are looked at for themselves, and what the kernel does where
// a Chooser refuses: nothing, and it does not even say so.
func TestExact(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	r, img := looked(t, path)
	choose := ebpf.NewChooser(img, nil)
	var probes []ebpf.Probe
	for _, stop := range []string{"runtime.rt0_go: CPUID", "runtime.write1: SYSCALL", "runtime.settls: SYSCALL", "runtime.casgstatus"} {
		site, err := choose.Exact(addressOf(t, r, stop))
		if err != nil {
			t.Fatal(err)
		}
		probes = append(probes, ebpf.Probe{Site: site})
	}
	off, ok := img.FileOffset(locked(t, img))
	if !ok {
		t.Fatal("no offset")
	}
	probes = append(probes, ebpf.Probe{Site: ebpf.Site{Offset: off}})
	events, end := run(t, opened(t, ebpf.Options{Path: path, Probes: probes}), started(path))
	got := passed(events)
	slices.Sort(got)
	if !slices.Equal(got, []int{0, 1, 2, 3}) || end.ExitCode != 0 {
		t.Errorf("passed %v, %+v; want all but the locked instruction", got, end)
	}
}

// A program that is to end at a place does nothing behind it; beside a probe that lets it go on.
func TestLast(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = "package main\n\nimport \"os\"\n\n//go:noinline\nfunc here() { os.Stdout.WriteString(\"behind\\n\") }\n\nfunc main() {\n\tos.Stdout.WriteString(\"before\\n\")\n\there()\n}\n"
	path := buildtest.Copy(t, buildtest.Program(t, source, lab.Setup{}))
	r, img := looked(t, path)
	site, err := ebpf.NewChooser(img, nil).Beginning(addressOf(t, r, "main.here"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		last   bool
		wrote  string
		signal string
	}{{true, "before\n", "SIGKILL"}, {false, "before\nbehind\n", ""}} {
		tracer := opened(t, ebpf.Options{Path: path, Probes: []ebpf.Probe{{Site: site, Last: tt.last}}})
		cmd := started(path)
		var wrote strings.Builder
		cmd.Stdout = &wrote
		events, end := run(t, tracer, cmd)
		if wrote.String() != tt.wrote || end.Signal != tt.signal || end.Stopped || len(passed(events)) != 1 {
			t.Errorf("last %v: wrote %q, %+v, passed %v", tt.last, wrote.String(), end, passed(events))
		}
		if err := tracer.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Quiet or not, the same is told, also when it is more than the part of the ring after which the reader is woken.
func TestQuiet(t *testing.T) {
	t.Parallel()
	ready(t)
	const calls = 20000
	path := buildtest.Copy(t, buildtest.Program(t, fmt.Sprintf("package main\n\n//go:noinline\nfunc g(i int) int { return i + 1 }\n\nfunc main() {\n\tn := 0\n\tfor i := 0; i < %d; i++ {\n\t\tn = g(n)\n\t}\n\tprintln(n)\n}\n", calls), lab.Setup{}))
	for _, quiet := range []bool{true, false} {
		tracer := watched(t, path, ebpf.Options{Quiet: quiet, Ring: 1 << 20}, "main.g")
		events, end := run(t, tracer, started(path))
		n := 0
		for _, e := range events {
			if e.Kind == ebpf.Passed {
				n++
			}
		}
		if n != calls || end.ExitCode != 0 || events[0].Kind != ebpf.Exec || events[len(events)-1].Kind != ebpf.Exit {
			t.Errorf("quiet %v: passed %d times, %+v", quiet, n, end)
		}
		if err := tracer.Close(); err != nil {
			t.Error(err)
		}
	}
	// An end of the context is an end, though nobody is woken.
	endless := buildtest.Copy(t, buildtest.Program(t, "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n", lab.Setup{}))
	tracer := watched(t, endless, ebpf.Options{Quiet: true}, "main.main")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	n := 0
	r, err := tracer.Run(ctx, started(endless), func(e ebpf.Event) bool {
		if e.Kind == ebpf.Passed {
			n++
		}
		return true
	})
	if err != nil || !r.Stopped || n != 1 {
		t.Errorf("%+v, %v, passed %d times", r, err, n)
	}
}
