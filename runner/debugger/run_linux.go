package debugger

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Run runs a debugger that has the terminal, until it ends. The keys that send
// signals are for the debugger: this process takes no notice of them from now on. When Run
// returns the terminal is as it was and no process of the binary is left below this one.
//
// This process becomes the one that orphans below it are given to, and stays it.
func Run(cmd *exec.Cmd, binary string) error {
	if f, ok := cmd.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if before, err := term.GetState(int(f.Fd())); err == nil {
			defer func() {
				// A program that was killed with the terminal in its hands leaves it there.
				_ = term.Restore(int(f.Fd()), before)
			}()
			defer takeBack(int(f.Fd()))
		}
	}
	// Reset, because the command line has asked to be told of ^C. Not ignored: that
	// would be handed on to the debugger.
	keys := []os.Signal{syscall.SIGINT, syscall.SIGQUIT}
	signal.Reset(keys...)
	signal.Notify(make(chan os.Signal, 1), keys...)
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	err := cmd.Run()
	reap(binary)
	return err
}

// takeBack makes this process's group the terminal's foreground again, which a
// debugger that was killed may have given to the program.
func takeBack(fd int) {
	now, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	own := unix.Getpgrp()
	if err != nil || now == own || unix.Kill(-now, 0) == nil {
		return
	}
	signal.Ignore(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, own)
	signal.Reset(syscall.SIGTTOU)
}

// reap kills the processes of the binary that a debugger left to this one.
func reap(binary string) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, file := range tasks {
		list, _ := os.ReadFile(file)
		for _, f := range bytes.Fields(list) {
			pid, err := strconv.Atoi(string(f))
			if err != nil {
				continue
			}
			if exe, err := os.Readlink("/proc/" + string(f) + "/exe"); err != nil || exe != binary {
				continue
			}
			_ = unix.Kill(-pid, unix.SIGKILL) // debuggers give it a group of its own
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, 0, nil)
		}
	}
}
