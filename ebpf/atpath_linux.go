package ebpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// AtPath copies the program at from, and lets the copy stand at path, where its original lies: for those alone
// that a Tracer starts, and their children. They find themselves there, and what lies beside. The copy has the owner, the
// mode and the capabilities of the file at path. The error wraps ErrPath when this is not possible here: it takes
// CAP_SYS_ADMIN, for it is a mount in a mount namespace of its own, which ends with the copy and its processes.
func AtPath(from, path string) (*Copy, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	c := &Copy{path: path, work: make(chan func())}
	done := make(chan error)
	go onThreadToLose(func() {
		err := c.stand(from)
		done <- err
		if err != nil {
			return
		}
		for f := range c.work {
			f()
		}
	})
	if err := <-done; err != nil {
		if c.file != nil {
			c.file.Close()
		}
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("%w: %s: %w (it takes root, or CAP_SYS_ADMIN)", ErrPath, path, err)
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrPath, path, err)
	}
	return c, nil
}

// onThreadToLose runs f on a thread that ends with it, and with the thread what it did to itself. The first
// thread never ends, and stands for the process in /proc: it is not taken.
func onThreadToLose(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return // without unlocking, so the thread ends
	}
	taken := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(taken)
		f()
	}()
	<-taken
	runtime.UnlockOSThread()
}

// staging is a directory that is covered for a moment, in a namespace that nobody sees. No program lies below it.
const staging = "/sys"

// stand moves the calling thread into a mount namespace where the copy stands at its path.
func (c *Copy) stand(from string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare mounts: %w", err)
	}
	// What is mounted elsewhere later comes in; nothing goes out.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("unshare mounts: %w", err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(c.path, &fs); err != nil {
		return err
	}
	flags := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV)
	if err := unix.Mount("rt0lab", staging, "tmpfs", flags, "mode=0700"); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	staged := filepath.Join(staging, "program")
	if err := c.fill(staged, from); err != nil {
		return err
	}
	if err := unix.Mount(staged, c.path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the copy: %w", err)
	}
	if err := unix.Unmount(staging, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("put %s back: %w", staging, err)
	}
	return nil
}

// fill writes the copy and opens it.
func (c *Copy) fill(staged, from string) error {
	data, err := os.Open(from)
	if err != nil {
		return err
	}
	defer data.Close()
	// See InMemory.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(staged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer to.Close()
	if _, err := io.Copy(to, data); err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	if err := dress(to, c.path); err != nil {
		return fmt.Errorf("give the copy what its original has: %w", err)
	}
	c.file, err = os.Open(staged)
	return err
}

// capabilities is the name of the attribute that holds a file's.
const capabilities = "security.capability"

// dress gives a file the owner, the mode, the capabilities and the time of another one.
func dress(file *os.File, like string) error {
	var st unix.Stat_t
	if err := unix.Stat(like, &st); err != nil {
		return err
	}
	if err := file.Chown(int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	// A change of the owner takes both away.
	if err := unix.Fchmod(int(file.Fd()), st.Mode&0o7777); err != nil {
		return err
	}
	value := make([]byte, 64)
	switch n, err := unix.Getxattr(like, capabilities, value); {
	case err == nil:
		if err := unix.Fsetxattr(int(file.Fd()), capabilities, value[:n], 0); err != nil {
			return err
		}
	case err != unix.ENODATA && err != unix.ENOTSUP:
		return err
	}
	times := []unix.Timespec{st.Atim, st.Mtim}
	return unix.UtimesNanoAt(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), times, 0)
}
