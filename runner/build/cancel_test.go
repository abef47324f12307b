//go:build linux

package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

// hanging makes a GOROOT whose go command starts a child that never ends,
// writes both process ids to a pipe, and waits.
func hanging(t *testing.T) (tc release.Toolchain, pids func() []int) {
	t.Helper()
	for _, tool := range []string{"sleep", "touch"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v (apt install coreutils)", err)
		}
	}
	root := t.TempDir()
	pipe := filepath.Join(root, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"bin", "src", "pkg/tool", "pkg/include"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	gocommand := filepath.Join(root, "bin", "go")
	script := "#!/bin/sh\ntouch $GOTMPDIR/left\nsleep 1000 &\necho $$ $! >" + pipe + "\nwait\n"
	if err := os.WriteFile(gocommand, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	return release.Toolchain{Name: "go1.26.8", GOROOT: root, Go: gocommand}, func() []int {
		text, err := os.ReadFile(pipe) // until the script has written and closed it
		if err != nil {
			t.Fatal(err)
		}
		var ids []int
		for _, word := range strings.Fields(string(text)) {
			id, _ := strconv.Atoi(word)
			ids = append(ids, id)
		}
		return ids
	}
}

func TestHangingToolchainIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	tc, pids := hanging(t)
	b := newBuilder(t)
	b.CacheDir = t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user has gone")
	answer := make(chan error)
	go func() {
		_, err := b.Build(ctx, Input{Setup: hello(), Toolchain: tc})
		answer <- err
	}()
	ids := pids()
	if len(ids) != 2 || !running(ids[0]) || !running(ids[1]) {
		t.Fatalf("processes %v are not running: the test cannot see anything", ids)
	}
	if left(t, b.CacheDir) == 0 {
		t.Fatal("no working folder: the test cannot see anything")
	}
	cancel(reason)
	if err := <-answer; !errors.Is(err, reason) || errors.Is(err, ErrCompile) {
		t.Errorf("Build: %v; want %v", err, reason)
	}
	for _, id := range ids {
		if running(id) {
			t.Errorf("process %d is still running", id)
		}
	}
	if n := left(t, b.CacheDir); n != 0 {
		t.Errorf("%d working folders are left", n)
	}
}

// running reports whether a process is there and no zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return len(after) > 0 && after[0] != 'Z' && after[0] != 'X'
}

func left(t *testing.T, cacheDir string) int {
	t.Helper()
	entries, err := os.ReadDir(layoutOf(cacheDir).work)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A real toolchain in the middle of its work, with compilers below it.
func TestCancelledBuild(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	tc := toolchain(t, "go1.26.8")
	// A runtime that was never compiled before, or it would not take long enough.
	name := filepath.Join(tc.GOROOT, "src", "runtime", "proc.go")
	overlay := map[string][]byte{name: fmt.Appendf(read(t, name), "\nconst rt0labNow = %d\n", time.Now().UnixNano())}
	b := newBuilder(t)
	b.CacheDir = t.TempDir()
	b.GoCache = "" // nobody else will ever want this runtime
	ctx, cancel := context.WithCancel(t.Context())
	b.Building = func(*lab.Setup, string) {
		go func() {
			cancelWhenCompiling(b.CacheDir)
			cancel()
		}()
	}
	in := Input{Setup: hello(), Toolchain: tc, Overlay: overlay}
	if _, err := b.Build(ctx, in); !errors.Is(err, context.Canceled) || errors.Is(err, ErrCompile) {
		t.Fatalf("Build: %v; want context.Canceled", err)
	}
	if n := left(t, b.CacheDir); n != 0 {
		t.Errorf("%d working folders are left", n)
	}
	for _, pid := range of(b.CacheDir) {
		t.Errorf("process %d of the build is still running", pid)
	}
	b.Building = nil
	if bin, err := b.Build(t.Context(), in); err != nil || run(t, bin.Path) != "hello, rt0\n" {
		t.Errorf("asked again: %+v, %v", bin, err)
	}
}

// cancelWhenCompiling returns when the go command has children.
func cancelWhenCompiling(cacheDir string) {
	for len(of(cacheDir)) < 2 {
		runtime.Gosched() // looking is slow enough: all of /proc is read
	}
}

// of returns the running processes that have the cache folder in their environment.
func of(cacheDir string) []int {
	var ids []int
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		text, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(text, []byte("GOPATH="+cacheDir)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && running(pid) {
			ids = append(ids, pid)
		}
	}
	return ids
}
