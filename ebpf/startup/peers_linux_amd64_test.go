package startup_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
)

// bpftrace counts the entries of functions, until the benchmark is over.
func bpftrace(b *testing.B, path string, names []string, _ []ebpf.Probe) error {
	if _, err := exec.LookPath("bpftrace"); err != nil {
		return fmt.Errorf("%w (apt install bpftrace)", err)
	}
	var script strings.Builder
	for i, name := range names {
		if i > 0 {
			script.WriteString(",\n")
		}
		fmt.Fprintf(&script, "uprobe:%s:%q", path, name)
	}
	cmd := exec.Command("bpftrace", "-e", "BEGIN { printf(\"ready\\n\"); }\n"+script.String()+" { @[probe] = nsecs; }")
	return beside(b, cmd, "ready")
}

// perf records the entries of functions, system-wide, until the benchmark is over.
func perf(b *testing.B, path string, _ []string, probes []ebpf.Probe) error {
	if _, err := exec.LookPath("perf"); err != nil {
		return fmt.Errorf("%w (apt install linux-perf)", err)
	}
	const list = "/sys/kernel/tracing/uprobe_events"
	file, err := os.OpenFile(list, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("%w (mount -t tracefs nodev /sys/kernel/tracing)", err)
	}
	defer file.Close()
	group := fmt.Sprintf("rt0lab_%d_%d", os.Getpid(), len(probes))
	for i, p := range probes {
		if _, err := fmt.Fprintf(file, "p:%s/at%d %s:%#x\n", group, i, path, p.Site.Offset); err != nil {
			return err
		}
		b.Cleanup(func() {
			if file, err := os.OpenFile(list, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				fmt.Fprintf(file, "-:%s/at%d\n", group, i)
				file.Close()
			}
		})
	}
	// It acknowledges on a pipe that it records.
	dir := b.TempDir()
	for _, name := range []string{"control", "ack"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("perf", "record", "-q", "-a", "-D", "-1", "-e", group+":*", "-o", filepath.Join(dir, "data"), "--control", "fifo:"+filepath.Join(dir, "control")+","+filepath.Join(dir, "ack"))
	if err := beside(b, cmd, ""); err != nil {
		return err
	}
	control, err := os.OpenFile(filepath.Join(dir, "control"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	ack, err := os.OpenFile(filepath.Join(dir, "ack"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer ack.Close()
	if _, err := io.WriteString(control, "enable\n"); err != nil {
		return err
	}
	if err := ack.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	_, err = bufio.NewReader(ack).ReadString('\n')
	return err
}

// beside starts a tool that runs until the benchmark is over; it is there once it has written a line.
func beside(b *testing.B, cmd *exec.Cmd, line string) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var wrong strings.Builder
	cmd.Stderr = &wrong
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	slow := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer slow.Stop()
	for scan := bufio.NewScanner(out); line != ""; {
		if !scan.Scan() {
			return fmt.Errorf("%s ended: %s", cmd.Path, wrong.String())
		}
		if scan.Text() == line {
			break
		}
	}
	return nil
}
