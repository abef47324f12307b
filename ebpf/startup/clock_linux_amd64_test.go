package startup_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/perf/benchmath"
	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

var minors = []string{
	"1.10", "1.11.13", "1.12.17", "1.13.1", "1.14.15", "1.15.15", "1.16.15", "1.17", "1.18.10",
	"1.19.13", "1.20.14", "1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.0", "1.26.8", "1.27.4",
}

// With all milestones in one set every run passes all of them in their order, and its spans
// add up to the whole to the nanosecond.
func TestSum(t *testing.T) {
	t.Parallel()
	ready(t)
	for _, release := range minors {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			r := measured(t, startup.Program{Path: buildtest.Build(t, release, lab.Setup{Gcflags: new(string)})}, startup.Options{Runs: 5, Set: 100})
			if list := names(r); !inOrder(list, always) {
				t.Errorf("passed %v", list)
			}
			for _, sample := range r.Samples {
				if sample.Set == startup.Bare {
					continue
				}
				var sum, last time.Duration
				at := func(name string) time.Duration {
					switch at, ok := sample.At[name]; {
					case name == "exec":
						return 0
					case name == "exit":
						return sample.Whole
					case !ok:
						t.Errorf("%s was not passed", name)
						fallthrough
					default:
						return at
					}
				}
				for _, m := range r.Timings {
					if m.Aside {
						continue
					}
					from, to := at(m.Name), at(m.Next)
					if to <= from || from != last {
						t.Errorf("%s is passed after %s, and %s after %s", m.Name, from, m.Next, to)
					}
					sum, last = sum+to-from, to
				}
				if sum != sample.Whole {
					t.Errorf("the spans add up to %s, the whole is %s", sum, sample.Whole)
				}
			}
		})
	}
}

// telling is a program that reads the clock by itself, when main.main begins and before it ends.
const telling = `package main

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

func now() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func main() {
	begun := now()
	pid := strconv.Itoa(os.Getpid())
	os.Stdout.WriteString(pid + " " + strconv.FormatInt(begun, 10) + " " + strconv.FormatInt(now(), 10) + "\n")
}
`

// Nobody else's clock contradicts the report: the kernel's process events, which know nothing of BPF,
// tell when each run began and when nothing was left of it, and the program itself when it was in
// main.main and that it had not ended yet. All of them look at the very runs that the report is about.
func TestOtherClocks(t *testing.T) {
	ready(t)
	seen := processEvents(t)
	for _, release := range minors {
		t.Run(release, func(t *testing.T) {
			path := buildtest.ProgramOf(t, release, telling, lab.Setup{Gcflags: new(string)})
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			r := measured(t, startup.Program{Path: path, Output: out}, startup.Options{Runs: 12, Set: 8})
			own := map[int][2]uint64{}
			told, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(told)) {
				var pid int
				var at [2]uint64
				if _, err := fmt.Sscan(line, &pid, &at[0], &at[1]); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				own[pid] = at
			}
			var toMain, least, most, leastBare, mostBare []float64
			for _, sample := range r.Samples {
				process, at := seen.of(sample.End.Pid), own[sample.End.Pid]
				if process.fork == 0 || process.exec == 0 || process.exit == 0 || at[0] == 0 {
					t.Fatalf("of process %d the events say %+v, itself %v", sample.End.Pid, process, at)
				}
				from, to := float64(at[1]-process.exec), float64(process.exit-process.exec)
				// The kernel sends its event a moment after the probe's exec, or much later when something comes between.
				if whole, all := float64(sample.Whole), float64(process.exit-process.fork); whole < from || whole > all {
					t.Errorf("took %.0f ns; it had not ended after %.0f ns, and from fork until nothing was left of it there were %.0f ns", whole, from, all)
				}
				if sample.Set == startup.Bare {
					leastBare, mostBare = append(leastBare, from), append(mostBare, to)
					continue
				}
				least, most = append(least, from), append(most, to)
				if _, ok := sample.At["main.main"]; ok {
					toMain = append(toMain, float64(at[0]-process.exec))
				}
			}
			at := last(r)
			for _, i := range []struct {
				name string
				startup.Interval
				low, high float64
			}{
				{"to main.main", at.At, middle(toMain), middle(toMain)},
				{"with probes", r.Whole, middle(least), middle(most)},
				{"without", r.Bare, middle(leastBare), middle(mostBare)},
			} {
				t.Logf("%-12s %.1f µs [%.1f – %.1f]; by the other clocks %.1f – %.1f", i.name, i.Median/1e3, i.Low/1e3, i.High/1e3, i.low/1e3, i.high/1e3)
				if at.Name != "main.main" || i.Confidence == 0 || i.high < i.Low || i.low > i.High {
					t.Errorf("%s: %+v; by the other clocks %.0f to %.0f ns", i.name, i.Interval, i.low, i.high)
				}
			}
		})
	}
}

// What the runtime itself says of its init functions agrees with the probes wherever it says anything: of a
// package that takes its time the intervals meet, when each is widened by what is no difference, and the
// runtime's by the digits that it leaves out.
func TestTraceAgrees(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = `package main

import (
	_ "os"
	"time"
)

var x = burn()

//go:noinline
func burn() int {
	n := 0
	for from := time.Now(); time.Since(from) < 2*time.Millisecond; n++ {
	}
	return n
}

func main() { println(x) }
`
	for _, release := range minors[slices.Index(minors, "1.16.15"):] {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.ProgramOf(t, release, source, lab.Setup{Gcflags: new(string)})
			r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 15, Inits: true, Until: "main.main"})
			packages := map[string]bool{}
			for _, at := range r.Timings {
				if at.Package == "" || at.Trace.N == 0 {
					continue
				}
				packages[at.Package] = true
				if at.Package == "main" {
					least := r.Resolution()
					if at.Trace.Confidence == 0 || at.Takes.High+least < at.Trace.Low || at.Trace.High+leftOut(at.Trace.High)+least < at.Takes.Low {
						t.Errorf("main: %+v, by the runtime's own account %+v", at.Takes, at.Trace)
					}
					t.Logf("%s: main takes %.1f µs [%.1f – %.1f], by its own account %.1f µs [%.1f – %.1f]", release,
						at.Takes.Median/1e3, at.Takes.Low/1e3, at.Takes.High/1e3, at.Trace.Median/1e3, at.Trace.Low/1e3, at.Trace.High/1e3)
				}
			}
			if !packages["main"] || len(packages) < 3 {
				t.Errorf("inittrace tells of %v", packages)
			}
		})
	}
}

// leftOut is what inittrace leaves out of ns nanoseconds: it writes whole microseconds, and of them the first two digits.
func leftOut(ns float64) float64 {
	unit := 1e3
	for ns >= 100*unit {
		unit *= 10
	}
	return unit
}

func middle(values []float64) float64 {
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95).Center
}

// life is what the kernel's connector says of a process, in ns on the monotonic clock.
type life struct {
	fork, exec, exit uint64
	threads          int // that have not ended
}

type lives struct {
	sync.Mutex
	by map[uint32]life
}

// of is what was told of a process when it has no thread any more. Who waits for it may go on a bit earlier.
func (l *lives) of(pid int) (one life) {
	for from := time.Now(); time.Since(from) < 10*time.Second; {
		l.Lock()
		one = l.by[uint32(pid)]
		l.Unlock()
		if one.exec != 0 && one.threads == 0 {
			break
		}
	}
	return one
}

// Of linux/connector.h and linux/cn_proc.h.
const (
	connectorProc = 1 // CN_IDX_PROC and CN_VAL_PROC
	listen        = 1 // PROC_CN_MCAST_LISTEN
	eventFork     = 0x1
	eventExec     = 0x2
	eventExit     = 0x80000000
	headers       = 16 + 20 // of netlink and of the connector
)

// processEvents listens to the connector until the test is over.
func processEvents(t *testing.T) *lives {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_CONNECTOR)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: connectorProc})
	}
	if err != nil {
		t.Skipf("needs the kernel's process events: %v (CONFIG_PROC_EVENTS=y, and CAP_NET_ADMIN in the first network namespace: run as root)", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) // others start processes, too
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, headers+4)
	order := binary.NativeEndian
	order.PutUint32(message, uint32(len(message)))
	order.PutUint16(message[4:], unix.NLMSG_DONE)
	order.PutUint32(message[16:], connectorProc)
	order.PutUint32(message[20:], connectorProc)
	order.PutUint16(message[32:], 4)
	order.PutUint32(message[headers:], listen)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Skipf("needs the kernel's process events: %v (run as root)", err)
	}
	l := &lives{by: map[uint32]life{}}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go l.read(fd, stop, stopped)
	t.Cleanup(func() {
		close(stop)
		<-stopped
		unix.Close(fd)
	})
	return l
}

func (l *lives) read(fd int, stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	order, buf := binary.NativeEndian, make([]byte, 1<<16)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) || n < headers+32 {
			continue
		}
		event := buf[headers:]
		what, at, tgid := order.Uint32(event), order.Uint64(event[8:]), order.Uint32(event[20:])
		thread := order.Uint32(event[16:])
		if what == eventFork {
			thread, tgid = order.Uint32(event[24:]), order.Uint32(event[28:]) // the child's
		}
		l.Lock()
		one := l.by[tgid]
		switch what {
		case eventFork:
			one.threads++
			if thread == tgid {
				one.fork = at
			}
		case eventExec:
			one.exec = at
		case eventExit:
			one.exit = max(one.exit, at)
			one.threads--
		}
		l.by[tgid] = one
		l.Unlock()
	}
}
