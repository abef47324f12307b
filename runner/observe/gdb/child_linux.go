package gdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run runs gdb over the binary until it ends by itself or ctx does, and returns
// the end of its output. Neither gdb nor the fixture is alive when it returns.
func (w *Witness) run(ctx context.Context, room, binary string) (last string, err error) {
	cmd := child(ctx, w.tool.path, room, "-x", filepath.Join(room, libFile), "-x", filepath.Join(room, driveFile), binary)
	cmd.Env = append(cmd.Env, requestVariable+"="+filepath.Join(room, requestFile))
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	err = runChild(cmd)
	return out.String(), err
}

// child is a gdb with nothing of the user's: no start-up files, no history, no
// settings from the environment, a private home.
func child(ctx context.Context, path, room string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, append([]string{"-nx", "-q", "-batch", "-iex", "set auto-load no"}, args...)...)
	cmd.Dir = room
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + room, "TMPDIR=" + room, "SHELL=/bin/sh", "TERM=dumb", "LC_ALL=C.UTF-8",
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		killTree(cmd.Process.Pid)
		return nil
	}
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// runChild runs cmd on a thread that lives until it has ended: the kernel sends
// Pdeathsig when the thread that started the child ends, not the process.
func runChild(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		// The group outlives its leader: something of gdb's is left in it.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return err
}

// killTree kills gdb, its group, and first the fixture, to which gdb gives a
// group of its own: while the kernel would take a traced fixture along, it
// does not do so in the moments before gdb has asked for it.
func killTree(gdb int) {
	for _, pid := range children(gdb) {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = syscall.Kill(-gdb, syscall.SIGKILL)
	_ = syscall.Kill(gdb, syscall.SIGKILL)
}

// children are the processes that any thread of pid has started.
func children(pid int) []int {
	var all []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(field); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}

// tailSize is how much of gdb's output is kept: enough for the last words.
const tailSize = 2048

// tail keeps the end of what is written to it. os/exec writes from one goroutine only,
// because Stdout and Stderr are the same.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > tailSize {
		p = p[n-tailSize:]
	}
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailSize; extra > 0 {
		t.kept = t.kept[extra:]
	}
	return n, nil
}

// String is the kept text on one line, without control characters.
func (t *tail) String() string {
	text := string(bytes.ToValidUTF8(t.kept, []byte("?")))
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
