//go:build unix

package gocmd

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// ownGroup starts the command in a new process group and kills all of it when the context ends:
// a go command has compilers, linkers and gcc below it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endGroup kills what is left of the command's group and waits until it is
// gone, so that nobody writes any more to folders that are about to be
// removed. It gives up after the limit: a zombie that nobody reaps counts as a member.
func endGroup(cmd *exec.Cmd, limit time.Duration) {
	if cmd.Process == nil {
		return
	}
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
			return
		}
	}
}
