package step_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/trace/step"
)

// BenchmarkSteps goes from the first instruction to runtime.schedinit with the stepper, with gdb's
// stepi and with Delve's step-instruction, each from the start of its process to its end. They take
// turns, so that a busy machine slows all of them. It reports the medians, and how much longer the debuggers take:
//
//	stepper-ms, gdb-ms, dlv-ms, x-vs-gdb, x-vs-dlv, steps
func BenchmarkSteps(b *testing.B) {
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		b.Skipf("needs gdb: %v (apt install gdb)", err)
	}
	out, err := exec.Command("go", "tool", "-n", "dlv").Output()
	if err != nil {
		b.Skipf("needs the go command: %v", err)
	}
	dlv := strings.TrimSpace(string(out))
	o := order(b, "local")
	var mine, byGdb, byDlv []time.Duration
	steps := 0
	for b.Loop() {
		for range 3 {
			begin := time.Now()
			if _, err := step.Run(context.Background(), o.Request); err != nil {
				b.Fatal(err)
			}
			mine = append(mine, time.Since(begin))
			begin = time.Now()
			steps = len(stepi(b, gdb, o.Binary, o.Until[0]))
			byGdb = append(byGdb, time.Since(begin))
			begin = time.Now()
			stepInstruction(b, dlv, o.Binary, o.Until[0])
			byDlv = append(byDlv, time.Since(begin))
		}
	}
	median := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)/2].Microseconds()) / 1000
	}
	m, g, d := median(mine), median(byGdb), median(byDlv)
	b.ReportMetric(m, "stepper-ms")
	b.ReportMetric(g, "gdb-ms")
	b.ReportMetric(d, "dlv-ms")
	b.ReportMetric(g/m, "x-vs-gdb")
	b.ReportMetric(d/m, "x-vs-dlv")
	b.ReportMetric(float64(steps), "steps")
	b.ReportMetric(0, "ns/op") // of all together: it says nothing
}

// stepInstruction lets Delve step to an address.
func stepInstruction(b *testing.B, dlv, binary string, until uint64) {
	b.Helper()
	dir := b.TempDir()
	script, init := filepath.Join(dir, "steps.star"), filepath.Join(dir, "init")
	star := fmt.Sprintf(`def main():
    for i in range(100000):
        if raw_command("stepInstruction").State.CurrentThread.PC == %d:
            print("there after", i + 1)
            return
`, until)
	for file, text := range map[string]string{script: star, init: "source " + script + "\nexit\n"} {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, dlv, "exec", "--check-go-version=false", "--allow-non-terminal-interactive=true", "--init", init, binary)
	cmd.Stdin = strings.NewReader("y\n")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "there after") {
		b.Fatalf("dlv: %v\n%s", err, out)
	}
}
