package startup_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func ready(tb testing.TB) {
	tb.Helper()
	if err := ebpf.Ready(); err != nil {
		tb.Skip(err) // it says what is missing and how to get it
	}
}

// measured measures one program, with little precision.
func measured(tb testing.TB, p startup.Program, o startup.Options) startup.Result {
	tb.Helper()
	results, err := startup.Measure(tb.Context(), []startup.Program{p}, o)
	if err != nil {
		tb.Fatal(err)
	}
	return results[0]
}

func names(r startup.Result) (list []string) {
	for _, t := range r.Timings {
		if !t.Aside {
			list = append(list, t.Name)
		}
	}
	return list
}

// runs are those of the sets, those without probes, and those that find out what a probe takes.
func runs(r startup.Result) int { return len(r.Samples) + r.Probe.N }

// last is the milestone before the end.
func last(r startup.Result) (at startup.Timing) {
	for _, t := range r.Timings {
		if !t.Aside {
			at = t
		}
	}
	return at
}

// inOrder reports whether the wanted names stand in the list in their order, whatever stands between.
func inOrder(list, want []string) bool {
	for _, name := range list {
		if len(want) > 0 && name == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

var always = []string{
	"exec", "entry", "runtime.rt0_go", "runtime.check", "runtime.args", "runtime.osinit", "runtime.schedinit", "runtime.mallocinit",
	"runtime.procresize", "runtime.newproc", "runtime.mstart", "runtime.main", "runtime.gcenable", "main.main",
}

// The milestones are in the order of the sources on every release, their spans follow one
// another without a gap, and the spans of one set add up to its time.
func TestReleases(t *testing.T) {
	t.Parallel()
	ready(t)
	for _, release := range minors {

		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Build(t, release, lab.Setup{Gcflags: new(string)})
			r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 4})
			if list := names(r); !inOrder(list, always) {
				t.Errorf("passed %v\nwithout a time %v", list, r.Missing)
			}
			for i, at := range r.Timings {
				if at.Takes.N > 0 && (at.Takes.N != 4 || at.Takes.Median <= 0) {
					t.Errorf("%s takes %+v", at.Name, at.Takes)
				}
				for _, next := range r.Timings[i+1:] {
					if at.Aside || next.Aside {
						continue
					}
					if at.Next != next.Name {
						t.Errorf("%s ends at %s, but %s comes next", at.Name, at.Next, next.Name)
					}
					break
				}
			}
			if !strings.HasPrefix(r.Release, "go"+release) || r.Until != "exit" || last(r).Next != "exit" {
				t.Errorf("built by %s, up to %s", r.Release, r.Until)
			}
			if want := map[string]int{"exit status 0": runs(r)}; r.Ends["exit status 0"] != runs(r) || len(r.Ends) != 1 {
				t.Errorf("ended with %v, want %v", r.Ends, want)
			}
		})
	}
}

// Where a milestone is looked for at the call of a function, the function begins right behind that call: no
// other milestone comes between, on any release.
func TestCallIsBeginning(t *testing.T) {
	t.Parallel()
	ready(t)
	const begins = "the beginning of "
	for _, release := range minors {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Build(t, release, lab.Setup{Gcflags: new(string)})
			milestones := startup.Boot()
			points, err := startup.Find(path, milestones)
			if err != nil {
				t.Fatal(err)
			}
			calls := map[string]bool{}
			for _, p := range points {
				if _, function, ok := strings.Cut(p.Stop, ": CALL "); ok && p.By != "" {
					calls[p.Name] = true
					milestones = append(milestones, startup.Milestone{Name: begins + p.Name, Stops: []string{function}})
				}
			}
			r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 2, Set: 100, Milestones: milestones})
			list, both := names(r), 0
			for i, name := range list {
				if !calls[name] || slices.Index(list, begins+name) < 0 {
					continue // a function without a name of its own
				}
				both++
				if i+1 == len(list) || list[i+1] != begins+name {
					t.Errorf("the call of %s, but the function does not begin next: %v", name, list)
				}
			}
			if both < 15 {
				t.Errorf("only %d calls of functions: %v", both, list)
			}
		})
	}
}

// A milestone is passed once, for each passing costs the program: what is passed again is the loop over the
// runtime's own packages, in three rounds.
func TestPassings(t *testing.T) {
	t.Parallel()
	ready(t)
	for _, release := range minors {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Copy(t, buildtest.Build(t, release, lab.Setup{Gcflags: new(string)}))
			points, err := startup.Find(path, startup.Boot())
			if err != nil {
				t.Fatal(err)
			}
			o := ebpf.Options{Path: path}
			var of []string
			for _, p := range points {
				if p.Aside { // it may end before the other thread comes there
					continue
				}
				for _, site := range p.Sites {
					o.Probes, of = append(o.Probes, ebpf.Probe{Site: site}), append(of, p.Name)
				}
			}
			tracer, err := ebpf.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer tracer.Close()
			passed := make([]int, len(of))
			if _, err := tracer.Run(t.Context(), exec.Command(path), func(e ebpf.Event) bool {
				if e.Kind == ebpf.Passed {
					passed[e.Probe]++
				}
				return true
			}); err != nil {
				t.Fatal(err)
			}
			for i, n := range passed {
				if n != 1 && (of[i] != "runtime.doInit" || n == 0 || n > 3) {
					t.Errorf("%s is passed %d times", of[i], n)
				}
			}
		})
	}
}

// The program reads the same clock as the probes: where both see the same span, they agree.
func TestOtherClock(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = `package main

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

//go:noinline
func now() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

//go:noinline
func first() int64 { return now() }

//go:noinline
func second() int64 { return now() }

func main() {
	from := first()
	for now()-from < 3e6 {
	}
	took := second() - from
	os.Stdout.WriteString(strconv.FormatInt(took, 10) + "\n")
}
`
	path := buildtest.Program(t, source, lab.Setup{})
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r := measured(t, startup.Program{Path: path, Output: out}, startup.Options{
		Runs: 5, Milestones: []startup.Milestone{{Name: "main.first"}, {Name: "main.second"}},
	})
	told, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	var own []time.Duration
	for line := range strings.Lines(string(told)) {
		d, err := time.ParseDuration(strings.TrimSpace(line) + "ns")
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, d)
	}
	least := slices.Min(own)
	span := time.Duration(r.Timings[1].Takes.Median)
	if r.Timings[1].Name != "main.first" || span < least-50*time.Microsecond || span > slices.Max(own)+500*time.Microsecond || least < 3*time.Millisecond {
		t.Errorf("%s takes %s, by its own clock between %s and %s", r.Timings[1].Name, span, least, slices.Max(own))
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Program(t, "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n", lab.Setup{})
	r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 3, Until: "main.main"})
	if r.Ends["stopped at main.main"] != runs(r) || r.Until != "main.main" || last(r).Next != "main.main" {
		t.Errorf("%v, until %s, %+v", r.Ends, r.Until, last(r))
	}
	if r.Probe.N != 3 {
		t.Errorf("a probe takes %+v", r.Probe)
	}
	// The two that say what a probe takes lie behind this end.
	if r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 3, Until: "runtime.check"}); r.Probe.N != 0 || last(r).Next != "runtime.check" {
		t.Errorf("a probe takes %+v, %+v", r.Probe, last(r))
	}
	_, err := startup.Measure(t.Context(), []startup.Program{{Path: path}}, startup.Options{Runs: 3, Timeout: 200 * time.Millisecond})
	if !errors.Is(err, startup.ErrEnd) || !strings.Contains(err.Error(), "--until main.main") {
		t.Errorf("%v, want ErrEnd and the way out", err)
	}
}

// However it ends, what was before is measured, and the end is told.
func TestEnds(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = "package main\n\nimport (\n\t\"io\"\n\t\"os\"\n\t\"syscall\"\n)\n\nvar _ = os.Args\nvar _ = io.EOF\nvar _ = syscall.Kill\n\nfunc main() {\n\t%s\n}\n"
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body, stdin, want string
		args                    []string
	}{
		{"exits", `os.Exit(3)`, "", "exit status 3", nil},
		{"panics", `panic("no")`, "", "exit status 2", nil},
		{"crashes", `syscall.Kill(syscall.Getpid(), syscall.SIGKILL); select {}`, "", "SIGKILL", nil},
		{"arguments", `os.Exit(len(os.Args))`, "", "exit status 4", []string{"a", "--until", "-x"}},
		{"no input", `b, _ := io.ReadAll(os.Stdin); os.Exit(10 + len(b))`, "", "exit status 10", nil},
		{"input", `b, _ := io.ReadAll(os.Stdin); os.Exit(10 + len(b))`, in, "exit status 13", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Program(t, fmt.Sprintf(source, tt.body), lab.Setup{})
			r := measured(t, startup.Program{Path: path, Args: tt.args, Stdin: tt.stdin}, startup.Options{Runs: 2, Warm: 1})
			if r.Ends[tt.want] != runs(r) || !inOrder(names(r), always) {
				t.Errorf("%v, want %s; %v", r.Ends, tt.want, names(r))
			}
		})
	}
}
