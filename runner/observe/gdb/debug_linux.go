package gdb

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/rt0lab/rt0lab/runner/debugger"
)

// talk runs gdb with the terminal until the person leaves it. It stays in this session: one of
// its own would have no terminal. gdb ends with this process, and the kernel ends what it traces.
func talk(ctx context.Context, gdb, room string, s debugger.Session) error {
	args := []string{"-nx", "-q", "-iex", "set auto-load no"}
	for _, file := range []string{libFile, walkFile, startFile, sessionFile} {
		args = append(args, "-x", filepath.Join(room, file))
	}
	cmd := exec.CommandContext(ctx, gdb, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DEBUGINFOD_URLS=") { // it would ask whether to look there
			cmd.Env = append(cmd.Env, kv)
		}
	}
	// The words of the prompt are not ASCII in every language.
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1", requestVariable+"="+filepath.Join(room, requestFile))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = waitDelay
	runtime.LockOSThread() // Pdeathsig is of the thread that starts it
	defer runtime.UnlockOSThread()
	return debugger.Run(cmd, s.Binary)
}
