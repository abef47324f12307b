package room

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skipf("needs the command true: %v", err)
	}
	pid := gone.Process.Pid // waited for: nobody has it
	own, err := New("gdb")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Remove()
	folder := func(format string, args ...any) string {
		path := filepath.Join(dir, fmt.Sprintf(format, args...))
		if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "request.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := filepath.Join(dir, fmt.Sprintf("rt0lab-gdb-%d-5", pid))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	target := folder("target")
	link := filepath.Join(dir, fmt.Sprintf("rt0lab-gdb-%d-6", pid))
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	elsewhere := folder("rt0lab-gdb-%d-3", pid) // of another container, where this number is somebody's
	held := lock(elsewhere)
	if held == nil {
		t.Skip("needs a file system with flock(2)")
	}
	defer held.Close()
	stays := map[string]bool{
		own.Path: true, folder("rt0lab-gdb-%d-1", os.Getpid()): true, folder("rt0lab-gdb-%d-2", pid): false, folder("rt0lab-debug-%d-2", pid): false, elsewhere: true,
		folder("rt0lab-gdb-%d", pid): true, folder("rt0lab-gdb-%d-x", pid): true, folder("other-%d-1", pid): true,
		file: true, link: true, target: true, folder("rt0lab-gdb-99999999999999999999-1"): true,
	}
	Sweep()
	for path, want := range stays {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
}
