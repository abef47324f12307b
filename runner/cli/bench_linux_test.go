package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
)

// verifies is how often the one verify is run between the debuggers of the single claims.
const verifies = 7

// BenchmarkPerClaim judges the claims of the plain setup on the local release, everything built, with
// both debuggers: through one `rt0lab verify`, and through one `gdb -batch` and one `dlv exec --init` per claim that
// stop where the claim's fact is read and read one variable. All of them look at the same binary, and
// they take turns, so that a busy machine slows all of them. It reports
//
//	verify-ms                       one verify, all claims; the median
//	gdb-ms, dlv-ms                  one claim; the medians
//	x-vs-gdb, x-vs-dlv, x-vs-gdb+dlv  how much longer all claims take one by one: N medians over one
//	verify-MB, gdb-MB, dlv-MB       the largest process of each
func BenchmarkPerClaim(b *testing.B) {
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		b.Skipf("needs gdb: %v (apt install gdb)", err)
	}
	dlv := output(b, "go", "tool", "-n", "dlv")
	rt0lab := filepath.Join(b.TempDir(), "rt0lab")
	output(b, "go", "build", "-o", rt0lab, "../..")
	binary, claims, at := plain(b)
	ids := []string{"--data", "../..", "verify", "--witness", "delve,gdb", "--format", "jsonl"}
	for _, c := range claims {
		ids = append(ids, c.ID)
	}
	whole := func() run { return timed(b, rt0lab, "", `"claim"`, ids...) }
	whole() // warm
	for b.Loop() {
		var all, byGdb, byDlv []run
		for i, c := range claims {
			if i%(len(claims)/verifies+1) == 0 {
				all = append(all, whole())
			}
			stop := at[c.ID]
			byGdb = append(byGdb, timed(b, gdb, "", "hi = ", gdbArgs(binary, stop)...))
			init := filepath.Join(b.TempDir(), "init")
			text := "regs\nprint runtime.g0.stack\nexit\n"
			if !stop.Exec {
				text = fmt.Sprintf("break *%#x\ncontinue\n", stop.Addrs[0]) + text
			}
			if err := os.WriteFile(init, []byte(text), 0o666); err != nil {
				b.Fatal(err)
			}
			byDlv = append(byDlv, timed(b, dlv, "y\n", "hi: ", "exec", "--check-go-version=false", "--allow-non-terminal-interactive=true", "--init", init, binary))
		}
		n, v, g, d := float64(len(claims)), median(all), median(byGdb), median(byDlv)
		b.ReportMetric(n, "claims")
		b.ReportMetric(v, "verify-ms")
		b.ReportMetric(g, "gdb-ms")
		b.ReportMetric(d, "dlv-ms")
		b.ReportMetric(n*g/v, "x-vs-gdb")
		b.ReportMetric(n*d/v, "x-vs-dlv")
		b.ReportMetric(n*(g+d)/v, "x-vs-gdb+dlv")
		b.ReportMetric(largest(all), "verify-MB")
		b.ReportMetric(largest(byGdb), "gdb-MB")
		b.ReportMetric(largest(byDlv), "dlv-MB")
	}
	b.ReportMetric(0, "ns/op") // of all rounds together: it says nothing
}

func gdbArgs(binary string, stop place.Place) []string {
	args := []string{"-nx", "-q", "-batch", "-iex", "set auto-load no", "-ex", "set confirm off"}
	if stop.Exec {
		args = append(args, "-ex", "starti")
	} else {
		args = append(args, "-ex", fmt.Sprintf("break *%#x", stop.Addrs[0]), "-ex", "run")
	}
	return append(args, "-ex", "info registers", "-ex", "print 'runtime.g0'.stack", "-ex", "kill", binary)
}

// plain returns the plain setup's binary, the claims that both debuggers are asked for in it, and
// for each the first place where its fact is read.
func plain(b *testing.B) (binary string, claims []*lab.Claim, at map[string]place.Place) {
	b.Helper()
	files := os.DirFS("../..")
	data, err := lab.Load(files)
	if err != nil {
		b.Fatal(err)
	}
	tc, err := (&release.Store{Offline: true}).Resolve(context.Background(), "local")
	if err != nil {
		b.Skip(err)
	}
	cache, err := build.DefaultDir()
	if err != nil {
		b.Fatal(err)
	}
	var setup *lab.Setup
	isPlain := func(c *lab.Claim) bool {
		return c.Setup == lab.DefaultSetup && c.Fact != "" && slices.Contains(c.Witnesses, "delve") && slices.Contains(c.Witnesses, "gdb")
	}
	var stops []string
	for _, l := range data.Labs {
		for _, c := range l.Claims {
			// A claim's id stands for its parts, too, which may be of another setup.
			chosen, err := lab.Select(data, []string{c.ID}, "")
			if err != nil {
				b.Fatal(err)
			}
			if isPlain(c) && !slices.ContainsFunc(chosen, func(c *lab.Claim) bool { return !isPlain(c) }) {
				claims, setup = append(claims, c), data.SetupOf(c)
				stops = append(stops, data.Catalogue[c.Fact].At...)
			}
		}
	}
	stops = slices.DeleteFunc(stops, func(s string) bool { return s == place.Image })
	slices.Sort(stops)
	builder := &build.Builder{CacheDir: cache, Fixtures: os.DirFS("../../fixtures")}
	bin, err := builder.Build(context.Background(), build.Input{Setup: setup, Toolchain: tc})
	if err != nil {
		b.Fatal(err)
	}
	r, err := place.Open(bin.Path)
	if err != nil {
		b.Fatal(err)
	}
	places, err := r.Places(slices.Compact(stops))
	if err != nil {
		b.Fatal(err)
	}
	at = map[string]place.Place{}
	claims = slices.DeleteFunc(claims, func(c *lab.Claim) bool {
		for _, stop := range data.Catalogue[c.Fact].At {
			i := slices.IndexFunc(places, func(p place.Place) bool { return p.Stop == stop && p.State == place.Placed })
			if i >= 0 {
				at[c.ID] = places[i]
				return false
			}
		}
		return true // not to be seen on this release
	})
	return bin.Path, claims, at
}

// run is one program that has ended.
type run struct {
	took time.Duration
	kib  int64 // of its largest process, itself or one it waited for
}

// timed runs a program, which has to say want.
func timed(b *testing.B, program, input, want string, args ...string) run {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "HOME="+os.TempDir()) // no history, no settings of the user
	if cache, err := build.DefaultDir(); err == nil {
		cmd.Env = append(cmd.Env, build.EnvCache+"="+cache)
	}
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1 is drift, which is no matter of speed
		b.Fatalf("%s: %v\n%.2000s", strings.Join(cmd.Args, " "), err, out)
	}
	if !strings.Contains(string(out), want) && !strings.Contains(string(out), "has exited") { // some places are never passed
		b.Fatalf("%s: no %q in what it says:\n%.2000s", strings.Join(cmd.Args, " "), want, out)
	}
	return run{took: took, kib: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss}
}

func median(runs []run) float64 {
	runs = slices.SortedFunc(slices.Values(runs), func(x, y run) int { return int(x.took - y.took) })
	return float64(runs[len(runs)/2].took.Microseconds()) / 1000
}

func largest(runs []run) float64 {
	most := slices.MaxFunc(runs, func(x, y run) int { return int(x.kib - y.kib) })
	return float64(most.kib) / 1024
}

func output(b *testing.B, name string, args ...string) string {
	b.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
