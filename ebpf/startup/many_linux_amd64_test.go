package startup_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Not parallel: it counts what this process has open, and who runs. A thousand runs lose
// nothing, and leave nothing behind.
func TestThousandRuns(t *testing.T) {
	ready(t)
	if testing.Short() {
		t.Skip("a thousand runs; run without -short")
	}
	path := buildtest.Copy(t, buildtest.Build(t, "local", lab.Setup{Gcflags: new(string)}))
	o := startup.Options{Runs: 1, Warm: 1}
	measured(t, startup.Program{Path: path}, o) // what is kept for the next time is opened now
	before, pinned := descriptors(t), pins()
	o.Runs = 112 // of eight sets at least and one without probes
	r := measured(t, startup.Program{Path: path}, o)
	if len(r.Samples) < 1000 || r.Lost != 0 || r.Ends["exit status 0"] != runs(r) {
		t.Errorf("%d runs, %d with lost events, %v", len(r.Samples), r.Lost, r.Ends)
	}
	for _, sample := range r.Samples {
		if sample.Set != startup.Bare && len(sample.At) < 2 {
			t.Errorf("a run without events: %+v", sample)
		}
	}
	// Probes go away in the background, since nobody else runs that copy.
	if after := settled(t, before); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	if now := pins(); !slices.Equal(now, pinned) {
		t.Errorf("in the file system of BPF there is %v, there was %v", now, pinned)
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), path+"\x00") {
			t.Errorf("%s still runs", file)
		}
	}
}

// pins are what outlives its process: there is nothing where no file system of BPF is mounted.
func pins() (list []string) {
	list, _ = filepath.Glob("/sys/fs/bpf/*")
	return list
}

func descriptors(tb testing.TB) int {
	tb.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(list)
}

// settled waits until no more than so many descriptors are open, but not for ever.
func settled(tb testing.TB, want int) (n int) {
	tb.Helper()
	for from := time.Now(); ; {
		if n = descriptors(tb); n <= want || time.Since(from) > 20*time.Second {
			return n
		}
	}
}

// The ends of ten thousand threads find room in the ring, also when nobody reads them before the program has ended.
func TestThreads(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = `package main

import (
	"runtime"
	"sync"
)

func main() {
	for i := 0; i < 40; i++ {
		var all sync.WaitGroup
		for j := 0; j < 250; j++ {
			all.Add(1)
			go func() {
				runtime.LockOSThread() // and so the thread ends with it
				all.Done()
			}()
		}
		all.Wait()
	}
}
`
	r := measured(t, startup.Program{Path: buildtest.Program(t, source, lab.Setup{})}, startup.Options{Runs: 2, Warm: 1, Milestones: []startup.Milestone{{Name: "main.main"}}})
	if r.Lost != 0 || r.Ends["exit status 0"] != runs(r) || r.Timings[len(r.Timings)-1].Takes.N != 2 {
		t.Errorf("%d runs with lost events, %v, %+v", r.Lost, r.Ends, r.Timings)
	}
}
