//go:build linux && amd64

package delve_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// own copies a fixture to a path of its own, by which its processes are known.
func own(t *testing.T, name string) string {
	t.Helper()
	return buildtest.Copy(t, program(t, name))
}

// running lists the processes that run a binary, zombies included when they
// still have a name, and the parent of the first.
func running(t *testing.T, binary string) (pids []int, parent int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != binary {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		pids = append(pids, pid)
		parent, _ = strconv.Atoi(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[1])
	}
	return pids, parent
}

// until waits for a condition of the system outside, which tells nobody.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("still not: %s", what)
		}
	}
}

func gone(t *testing.T, binary string) {
	t.Helper()
	if pids, _ := running(t, binary); len(pids) > 0 {
		t.Errorf("processes %v of the fixture are left", pids)
	}
}

// forEver asks for a stop that the hanging fixture never passes.
func forEver(t *testing.T, binary string) observe.Request {
	c := fact.Catalogue{}
	spec(c, "t.x", fact.TypeInt, "runtime.exit")
	req := request(t, binary, "stops = {\"runtime.exit\": lambda seen: {\"t.x\": 1}}", c)
	req.Timeout = 0
	return req
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := ready(t)
	for _, name := range []string{"hangs", "spins"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin := own(t, name)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				until(t, "the fixture runs", func() bool { pids, _ := running(t, bin); return len(pids) > 0 })
				cancel()
			}()
			_, err := w.Observe(ctx, forEver(t, bin))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want one that wraps context.Canceled", err)
			}
			gone(t, bin)
		})
	}
	t.Run("before the start", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		bin := own(t, "hangs")
		if _, err := w.Observe(ctx, forEver(t, bin)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want one that wraps context.Canceled", err)
		}
		gone(t, bin)
	})
}

func TestChildIsKilled(t *testing.T) {
	t.Parallel()
	w := ready(t)
	bin := own(t, "hangs")
	go func() {
		until(t, "the fixture runs", func() bool { pids, _ := running(t, bin); return len(pids) > 0 })
		_, child := running(t, bin)
		_ = syscall.Kill(child, syscall.SIGKILL)
	}()
	_, err := w.Observe(context.Background(), forEver(t, bin))
	if err == nil || errors.Is(err, observe.ErrMachine) {
		t.Errorf("error %v, want one that does not blame the machine", err)
	}
	gone(t, bin)
}

func TestParentIsKilled(t *testing.T) {
	t.Parallel()
	ready(t)
	bin := own(t, "hangs")
	exe, _ := self()
	parent := exec.Command(exe, parentArg, bin)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the fixture runs", func() bool { pids, _ := running(t, bin); return len(pids) > 0 })
	_, child := running(t, bin)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	until(t, "the fixture has ended", func() bool { pids, _ := running(t, bin); return len(pids) == 0 })
	until(t, "the child has ended", func() bool {
		_, err := os.Readlink("/proc/" + strconv.Itoa(child) + "/exe")
		return err != nil
	})
}

func TestSideBySide(t *testing.T) {
	t.Parallel()
	w := ready(t)
	req := request(t, program(t, "hello"), walkStar, walkSpecs())
	results := make(chan map[string]observe.Seen)
	for range 4 {
		go func() {
			o, err := w.Observe(context.Background(), req)
			if err != nil {
				t.Error(err)
			}
			results <- o.Facts
		}()
	}
	first := <-results
	for range 3 {
		for name, s := range <-results {
			if say(s) != say(first[name]) {
				t.Errorf("%s differs: %s, %s", name, say(s), say(first[name]))
			}
		}
	}
}
