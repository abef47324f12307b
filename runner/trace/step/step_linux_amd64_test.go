package step_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/trace"
	"github.com/rt0lab/rt0lab/runner/trace/step"
)

// environment is what the fixtures of these tests get.
var environment = []string{"HOME=/", "LANG=C", "PATH=/usr/bin:/bin"}

// order is a trace of the fixture hello to schedinit, or the test is skipped.
func order(tb testing.TB, release string) step.Order {
	tb.Helper()
	if err := step.Ready(); err != nil {
		tb.Skip(err)
	}
	binary := buildtest.Hello(tb, release)
	img, err := image.Open(binary)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := place.Open(binary)
	if err != nil {
		tb.Fatal(err)
	}
	places, err := r.Places([]string{"runtime.rt0_go: CPUID #2", "exec", "runtime.rt0_go .. runtime.settls", "main.main", "runtime.schedinit"})
	if err != nil {
		tb.Fatal(err)
	}
	return step.Order{
		Request: step.Request{Binary: binary, Env: environment, Until: places[4].Addrs},
		Header: trace.Header{
			Release: "go" + strings.TrimPrefix(release, "go"), GOOS: "linux", GOARCH: "amd64",
			Setup: "plain", Fixture: "hello", Digest: "0", To: "runtime.schedinit",
		},
		Image: img, Places: places, Source: os.DirFS(filepath.Join(buildtest.Toolchain(tb, release).GOROOT, "src")),
	}
}

func make1(tb testing.TB, o step.Order) *trace.Trace {
	tb.Helper()
	t, err := step.Make(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// addresses are those of the instructions, in their order.
func addresses(t *trace.Trace) (list []uint64) {
	for at := range len(t.Steps) + 1 {
		list = append(list, t.PC(at))
	}
	return list
}

// TestSameAsGdb holds the way to schedinit against gdb's stepi.
func TestSameAsGdb(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.10", "1.27.4"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			gdb, err := exec.LookPath("gdb")
			if err != nil {
				t.Skipf("needs gdb: %v (apt install gdb)", err)
			}
			o := order(t, release)
			// gdb stops behind each repetition of a rep.
			want := slices.Compact(stepi(t, gdb, o.Binary, o.Until[0]))
			tr := make1(t, o)
			if diff := firstDifference(want, addresses(tr)); diff != "" {
				t.Error(diff)
			}
			if len(want) < 2000 {
				t.Errorf("gdb made %d steps only", len(want))
			}
			// A trace that lacks a step, or has another one, must be told.
			lacks := *tr
			lacks.Steps = slices.Delete(slices.Clone(tr.Steps), 100, 101)
			if firstDifference(want, addresses(&lacks)) == "" || trace.Compare(tr, &lacks) == nil {
				t.Error("a step was removed and nothing noticed")
			}
			other := *tr
			other.Steps = slices.Clone(tr.Steps)
			other.Steps[200].Inst++
			if firstDifference(want, addresses(&other)) == "" || trace.Compare(tr, &other) == nil {
				t.Error("a step was altered and nothing noticed")
			}
		})
	}
}

func firstDifference(want, got []uint64) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("step %d: %#x, gdb has none", i, got[i])
		case i >= len(got):
			return fmt.Sprintf("step %d: none, gdb has %#x", i, want[i])
		case want[i] != got[i]:
			return fmt.Sprintf("step %d: %#x, gdb has %#x", i, got[i], want[i])
		}
	}
	return ""
}

// stepi lets gdb step to an address and returns the addresses on the way.
func stepi(tb testing.TB, gdb, binary string, until uint64) (list []uint64) {
	tb.Helper()
	script := filepath.Join(tb.TempDir(), "steps.py")
	var env strings.Builder
	for _, kv := range environment {
		name, value, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&env, "gdb.execute('set environment %s %s')\n", name, value)
	}
	text := fmt.Sprintf(`import gdb
for line in ("set pagination off", "set confirm off", "set startup-with-shell off", "unset environment"):
    gdb.execute(line)
%sgdb.execute("starti", to_string=True)
out = []
pc = int(gdb.parse_and_eval("$pc"))
while True:
    out.append("%%x" %% pc)
    if pc == %#x:
        break
    gdb.execute("stepi", to_string=True)
    pc = int(gdb.selected_frame().pc())
print("\n".join(out))
gdb.execute("kill")
`, env.String(), until)
	if err := os.WriteFile(script, []byte(text), 0o666); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, gdb, "-nx", "-q", "-batch", "-iex", "set auto-load no", "-x", script, binary)
	var says bytes.Buffer
	cmd.Stderr = &says
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("gdb: %v\n%s", err, says.String())
	}
	for line := range strings.Lines(string(out)) {
		if pc, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64); err == nil {
			list = append(list, pc)
		}
	}
	return list
}

// TestTwice holds that two starts are the same, byte by byte, and what a trace says of its program.
func TestTwice(t *testing.T) {
	t.Parallel()
	o := order(t, "1.26.8")
	a, b := make1(t, o), make1(t, o)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two starts differ:\n%s", diff)
	}
	if ds := trace.Compare(a, b); ds != nil {
		t.Error(ds)
	}
	file, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trace.Decode("again", file); err != nil {
		t.Error(err)
	}
	var stops []string
	for _, s := range a.Stops {
		stops = append(stops, s.Name)
	}
	if want := []string{"exec", "runtime.rt0_go: CPUID #2", "runtime.rt0_go .. runtime.settls", "runtime.schedinit"}; !slices.Equal(stops, want) {
		t.Errorf("stops %q, want %q", stops, want)
	}
	p := trace.NewPlayer(a)
	settls := p.Entered("runtime.settls", -1, false)
	if settls < 0 || p.Depth(settls) != 1 || p.FuncName(p.Out(settls)) != "runtime.rt0_go" || p.OutBack(settls) != settls-1 {
		t.Errorf("settls is entered at %d", settls)
	}
	// The test of the thread-local storage: 0x123 through FS, found in m0.
	var tls trace.Var
	for _, v := range a.Vars {
		if v.Name == "runtime.m0.tls[0]" {
			tls = v
		}
	}
	at := p.Written(tls.Addr, 8, 0, true)
	if at < 0 {
		t.Fatal("nobody writes m0.tls[0]")
	}
	p.Go(at + 1)
	if word, known := p.Read(tls.Addr, 8); !known[0] || word[0] != 0x23 || word[1] != 1 {
		t.Errorf("m0.tls[0] is % x behind step %d", word, at)
	}
	var calls []string
	for _, s := range a.Steps {
		if s.Syscall >= 0 {
			calls = append(calls, s.Name)
		}
	}
	if !slices.Contains(calls, "arch_prctl") || !slices.Contains(calls, "sched_getaffinity") {
		t.Errorf("system calls %q", calls)
	}
}

// TestNotReached ends a trace of a place that is never reached.
func TestNotReached(t *testing.T) {
	t.Parallel()
	o := order(t, "local")
	o.Binary = buildtest.Copy(t, o.Binary) // nobody else's processes run it
	mine := o.Binary
	o.Until = []uint64{1}
	o.Timeout = 100 * time.Millisecond
	if _, err := step.Run(context.Background(), o.Request); !errors.Is(err, step.ErrNotReached) {
		t.Errorf("never reached: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("the user has gone")
	o.Timeout = 0
	time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
	if _, err := step.Run(ctx, o.Request); !errors.Is(err, gone) {
		t.Errorf("interrupted: %v", err)
	}
	o.Binary = filepath.Join(t.TempDir(), "none")
	if _, err := step.Run(context.Background(), o.Request); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
	if left := running(t, mine); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if self, err := os.Executable(); err != nil || !slices.Contains(running(t, self), os.Getpid()) {
		t.Errorf("%v: the test does not even see its own process", err)
	}
}

// running lists the processes that run a program.
func running(t *testing.T, program string) (pids []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if exe, _ := os.Readlink(link); exe == program {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestToMain goes on to main.main, where there are threads, signals and the clock of the vDSO. That every
// byte that changed was written by a step is checked by the stepper itself.
func TestToMain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some ten seconds; run without -short")
	}
	o := order(t, "local")
	o.Until = o.Places[3].Addrs
	o.Header.To = "main.main"
	tr := make1(t, o)
	if len(tr.Steps) < 100_000 || tr.FuncAt(tr.End) < 0 || tr.Funcs[tr.FuncAt(tr.End)].Name != "main.main" {
		t.Errorf("%d steps to %#x", len(tr.Steps), tr.End)
	}
	file, err := tr.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trace.Decode("again", file); err != nil {
		t.Error(err)
	}
	calls := map[string]int{}
	for _, s := range tr.Steps {
		if s.Syscall >= 0 {
			calls[s.Name]++
		}
	}
	if calls["clone"] == 0 || calls["mmap"] == 0 || calls["rt_sigaction"] == 0 {
		t.Errorf("system calls: %v", calls)
	}
	p := trace.NewPlayer(tr)
	at := p.Entered("runtime.main", -1, false)
	if at < 0 || p.FuncName(len(tr.Steps)) != "main.main" {
		t.Errorf("runtime.main is entered at %d", at)
	}
	p.Go(len(tr.Steps))
	p.Go(0)
	if p.Regs() != tr.Start {
		t.Error("the way back does not lead to the start")
	}
}
