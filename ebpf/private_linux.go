package ebpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Private copies a program into memory: probes are in every process that
// runs a file, and nobody else runs this one. It is run by the path that its Name
// is; there is no file left when it is closed and nobody runs it any more,
// however this process ends. The error wraps ErrRights where no program may be kept in memory.
func Private(path string) (*os.File, error) {
	from, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	// A child that is forked while the copy can be written to would keep it from being executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.MemfdCreate("rt0lab", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // MFD_EXEC is new in 6.3; before, every one could be executed
		fd, err = unix.MemfdCreate("rt0lab", unix.MFD_CLOEXEC)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: no program may be kept in memory: %w (sysctl vm.memfd_noexec=1, or 0)", ErrRights, err)
	}
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	to := os.NewFile(uintptr(fd), path)
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	// A descriptor that cannot write, and whose name is its own path.
	read, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	return os.NewFile(uintptr(read), fmt.Sprintf("/proc/self/fd/%d", read)), nil
}
