package room

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// lock keeps a folder from being taken for one of a process that is gone, as it
// looks from another container that shares the folder above: there this
// process has another number or none. The kernel ends the lock with the process.
func lock(path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		_ = f.Close()
		return nil
	}
	return f
}

// name is the pattern of New's names; the first group is the process.
var name = regexp.MustCompile(`^rt0lab-[a-z]+-([1-9]\d*)-\d+$`)

// Sweep removes the rooms that processes of this user left behind when they
// were killed. What it cannot remove stays: it is in nobody's way.
func Sweep() {
	entries, _ := os.ReadDir(os.TempDir())
	for _, e := range entries {
		m := name.FindStringSubmatch(e.Name())
		if m == nil || !e.IsDir() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != uint32(os.Getuid()) {
			continue
		}
		pid, err := strconv.Atoi(m[1])
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		path := filepath.Join(os.TempDir(), e.Name())
		if f := lock(path); f != nil {
			_ = os.RemoveAll(path)
			_ = f.Close()
		}
	}
}
