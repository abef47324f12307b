package uprobe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/ebpf"
)

// copyOf copies a program into memory; the copy is gone when it is closed and
// nobody runs it, however this process ends.
func copyOf(from *os.File) (*os.File, error) {
	// A child that is forked while the copy can be written to would keep it from being executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.MemfdCreate("rt0lab", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // MFD_EXEC is new in 6.3; before, every one could be executed
		fd, err = unix.MemfdCreate("rt0lab", unix.MFD_CLOEXEC)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: no program may be kept in memory: %w (sysctl vm.memfd_noexec=1, or 0)", ebpf.ErrRights, err)
	}
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", from.Name(), err)
	}
	to := os.NewFile(uintptr(fd), from.Name())
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		return nil, fmt.Errorf("copy %s: %w", from.Name(), err)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// apart gives the program a session of its own, and an end when this process ends.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

func tool() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Sprintf("ebpf %d", version)
	}
	kernel, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
	return fmt.Sprintf("ebpf %d, linux %s", version, kernel)
}
