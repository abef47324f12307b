package gdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/room"
)

// probe finds gdb and asks it what it can.
func (w *Witness) probe(ctx context.Context) (tool, error) {
	if runtime.GOARCH != "amd64" {
		return tool{}, fmt.Errorf("%w: the gdb witness runs on linux/amd64 only, this is linux/%s", observe.ErrMachine, runtime.GOARCH)
	}
	path, err := exec.LookPath(w.command)
	if err != nil {
		return tool{}, fmt.Errorf("%w: %s is not in PATH (%w); %s", observe.ErrMachine, w.command, err, install)
	}
	room.Sweep()
	text, exit, err := answers(ctx, path)
	if err != nil {
		return tool{}, err
	}
	t, err := assess(tool{path: path}, text, exit)
	if err != nil {
		return t, err
	}
	if err := mayTrace(path); err != nil {
		return t, fmt.Errorf("%w: tracing a child process is not permitted (%w); in a container add --cap-add=SYS_PTRACE or a seccomp profile that allows ptrace, elsewhere look at /proc/sys/kernel/yama/ptrace_scope", observe.ErrMachine, err)
	}
	return t, nil
}

// answers is what a gdb says of itself, and after that to the commands.
func answers(ctx context.Context, path string, commands ...string) (text string, exit, err error) {
	private, err := room.New("gdb")
	if err != nil {
		return "", nil, err
	}
	defer private.Remove()
	args := []string{"-ex", "show version", "-ex", pythonQuestion}
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	cmd := child(ctx, path, private.Path, args...)
	all := &head{}
	cmd.Stdout, cmd.Stderr = all, all
	exit = runChild(cmd)
	return string(all.kept), exit, nil
}

// knowsARM64 reports whether the gdb is good enough and can look at arm64 programs.
func knowsARM64(ctx context.Context, path string) (tool, error) {
	const (
		question = "python gdb.execute('set architecture aarch64', to_string=True); print('rt0lab' + str(8 * 8))"
		answer   = "rt0lab64"
	)
	text, exit, err := answers(ctx, path, question)
	if err != nil {
		return tool{}, err
	}
	t, err := assess(tool{path: path}, text, exit)
	if err == nil && !strings.Contains(text, answer) {
		err = fmt.Errorf("%s (%s) does not know arm64", path, t)
	}
	return t, err
}

// mayTrace starts a program that asks to be traced, and ends it before its first instruction.
func mayTrace(program string) error {
	runtime.LockOSThread() // only the thread that started it is its tracer
	defer runtime.UnlockOSThread()
	p, err := os.StartProcess(program, []string{program}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}})
	if err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSYS) {
			return err
		}
		return fmt.Errorf("start %s: %w", program, err)
	}
	_ = p.Kill()
	_, _ = p.Wait()
	return nil
}

// headSize is how much of the answer to the probe is kept.
const headSize = 16 << 10

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	if room := headSize - len(h.kept); room > 0 {
		h.kept = append(h.kept, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
