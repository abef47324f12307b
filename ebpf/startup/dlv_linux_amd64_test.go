package startup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

// peerEvery is in how many rounds dlv is run once: each time it reads the program anew.
const peerEvery = 10

// traced is `dlv trace --ebpf` beside runs without it. It starts the program and stops it before the first
// instruction, for as long as it takes to read it, so the time counts from there on: bpftrace
// notes when the first instruction is passed, which is a cheap one, and when each thread ends, of both alike.
type traced struct {
	dlv, functions string
	with, without  string // copies of the program
	told           bytes.Buffer
	clock          *exec.Cmd
	ended          chan error
	pairs          [][2]string // process ids with dlv and without
}

// tracing starts the clock.
func tracing(b *testing.B, binary string, names []string) (*traced, error) {
	out, err := exec.Command("go", "tool", "-n", "dlv").Output()
	if err != nil {
		return nil, fmt.Errorf("build dlv, a tool of this module: %w", err)
	}
	if _, err := exec.LookPath("bpftrace"); err != nil {
		return nil, fmt.Errorf("its clock: %w (apt install bpftrace)", err)
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	p := &traced{dlv: strings.TrimSpace(string(out)), functions: "^(" + strings.Join(quoted, "|") + ")$",
		with: buildtest.Copy(b, binary), without: buildtest.Copy(b, binary), ended: make(chan error, 1)}
	script := fmt.Sprintf(`BEGIN { printf("ready\n"); }
uprobe:%s:_rt0_amd64_linux, uprobe:%s:_rt0_amd64_linux { @begun[pid] = nsecs; }
tracepoint:sched:sched_process_exit /@begun[pid]/ { printf("%%d %%d\n", pid, nsecs - @begun[pid]); }`, p.with, p.without)
	p.clock = exec.Command("bpftrace", "-e", script)
	p.clock.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	var wrong strings.Builder
	p.clock.Stdout, p.clock.Stderr = writer, &wrong
	err = p.clock.Start()
	writer.Close()
	if err != nil {
		return nil, err
	}
	begun := make(chan struct{})
	go func() {
		defer reader.Close()
		buf := make([]byte, 4096)
		for seen := false; ; {
			n, err := reader.Read(buf)
			p.told.Write(buf[:n])
			if !seen && bytes.Contains(p.told.Bytes(), []byte("ready\n")) {
				seen = true
				close(begun)
			}
			if err != nil {
				p.ended <- p.clock.Wait()
				return
			}
		}
	}()
	b.Cleanup(func() { _ = p.clock.Process.Kill() })
	select {
	case <-begun:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("its clock ended: %v: %s", err, wrong.String())
	case <-time.After(time.Minute):
		return nil, errors.New("its clock does not begin")
	}
}

var exited = regexp.MustCompile(`Process (\d+) has exited with status 0`)

// round runs the program once each way.
func (p *traced) round(b *testing.B) error {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.dlv, "trace", "--ebpf", "--exec", p.with, p.functions)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	pid := exited.FindSubmatch(out)
	if pid == nil {
		return fmt.Errorf("it does not say that the program has ended: %s", out)
	}
	if len(p.pairs) == 0 {
		b.Logf("dlv refuses %d functions", bytes.Count(out, []byte("unable to set tracepoint")))
	}
	bare := exec.CommandContext(ctx, p.without)
	if err := bare.Run(); err != nil {
		return err
	}
	p.pairs = append(p.pairs, [2]string{string(pid[1]), fmt.Sprint(bare.Process.Pid)})
	return nil
}

// ratios stops the clock and reads it.
func (p *traced) ratios(b *testing.B) (ratios []float64) {
	_ = p.clock.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		b.Error("the clock of dlv does not end")
		return nil
	}
	took := map[string]float64{} // of the last thread
	for line := range strings.Lines(p.told.String()) {
		var pid string
		var ns float64
		if _, err := fmt.Sscan(line, &pid, &ns); err == nil {
			took[pid] = max(took[pid], ns)
		}
	}
	for _, pair := range p.pairs {
		if with, without := took[pair[0]], took[pair[1]]; with > 0 && without > 0 {
			ratios = append(ratios, with/without)
		}
	}
	return ratios
}
