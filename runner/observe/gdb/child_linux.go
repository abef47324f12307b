package gdb

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run runs the gdb over the binary until it ends by itself or ctx does, and returns
// the end of its output. Neither gdb nor the fixture is alive when it returns.
func run(ctx context.Context, gdb, room, binary string) (last string, err error) {
	cmd := child(ctx, gdb, room, "-x", filepath.Join(room, libFile), "-x", filepath.Join(room, walkFile),
		"-x", filepath.Join(room, startFile), "-x", filepath.Join(room, driveFile), binary)
	cmd.Env = append(cmd.Env, requestVariable+"="+filepath.Join(room, requestFile))
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	err = runChild(cmd)
	return out.String(), err
}

// waitDelay is how long the pipes of a gdb that was killed may stay open.
const waitDelay = 2 * time.Second

// child is a gdb with nothing of the user's: no start-up files, no history, no
// settings from the environment, a private home.
func child(ctx context.Context, path, room string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, append([]string{"-nx", "-q", "-batch", "-iex", "set auto-load no"}, args...)...)
	cmd.Dir = room
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + room, "TMPDIR=" + room, "SHELL=/bin/sh", "TERM=dumb", "LC_ALL=C.UTF-8",
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		killSession(cmd.Process.Pid)
		return nil
	}
	cmd.WaitDelay = waitDelay
	return cmd
}

// runChild runs cmd on a thread that lives until it has ended: the kernel sends
// Pdeathsig when the thread that started the child ends, not the process.
func runChild(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		killSession(cmd.Process.Pid) // it outlives its leader when something is left in it
	}
	return err
}

// killSession kills every process of a session. gdb gives the fixture a process
// group of its own, and the kernel takes a traced fixture along only once gdb
// has asked for it: neither the group nor gdb's end is enough.
func killSession(sid int) {
	for range 100 { // one may fork while the others are listed
		left := session(sid)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 {
			return
		}
		if slices.Equal(left, []int{sid}) {
			return // gdb itself, dead by now: its end is waited for elsewhere
		}
	}
}

// session lists the living processes of a session.
func session(sid int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp session …; the name may hold anything.
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && len(f) > 3 && f[3] == strconv.Itoa(sid) && f[0] != "Z" && f[0] != "X" {
			pids = append(pids, pid)
		}
	}
	return pids
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
