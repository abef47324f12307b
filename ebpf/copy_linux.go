package ebpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Copy is a program that nobody else runs, for probes are in every process that runs a file. No file
// is left when it is closed and nobody runs it any more, however this process ends.
type Copy struct {
	file *os.File
	path string      // of the original, when it stands there
	work chan func() // what is done where it stands there; nil = nowhere
}

// Name is by which path this process reads the copy.
func (c *Copy) Name() string { return fmt.Sprintf("/proc/self/fd/%d", c.file.Fd()) }

// Path is by which path a Tracer with Options.Copy starts it: that of the original if the copy is AtPath.
func (c *Copy) Path() string {
	if c.path == "" {
		return c.Name()
	}
	return c.path
}

// Leave makes Path the copy's Name, for the original's path may come to mean another file.
func (c *Copy) Leave() { c.path = "" }

// do runs f where Path means the copy, and does not wait for it.
func (c *Copy) do(f func()) {
	if c == nil || c.work == nil {
		go f()
		return
	}
	c.work <- f
}

// Close gives the copy up; programs that run go on.
func (c *Copy) Close() error {
	if c.work != nil {
		close(c.work)
	}
	return c.file.Close()
}

// InMemory copies a program into memory. It runs by a path that says nothing, so that it finds neither
// itself nor what lies beside it. The error wraps ErrRights where no program may be kept in memory.
func InMemory(path string) (*Copy, error) {
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
	file, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd)) // that cannot write
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	return &Copy{file: file}, nil
}

// identity is what the kernel knows the copy by, in its own numbers.
func (c *Copy) identity() (inode uint64, device uint32, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(c.file.Fd()), &st); err != nil {
		return 0, 0, fmt.Errorf("look at the copy: %w", err)
	}
	return st.Ino, unix.Major(st.Dev)<<20 | unix.Minor(st.Dev), nil // MKDEV of linux/kdev_t.h
}
