package delve

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// Exit statuses of a child. Its answer says more; they are for people who look
// at the process from outside.
const (
	exitOK      = 0
	exitUsage   = 2 // started by hand, without an order
	exitStopped = 3 // the parent is gone or has given up
)

// Child is the whole of a process that a witness has started: it carries out
// the one order it is given, and returns the exit status. A program's hidden
// command, or a test's TestMain, calls it before it starts anything else, with the
// arguments that stand behind those which brought it here.
func Child(args ...string) int {
	if len(args) > 0 && args[0] == debugArg {
		return debugChild()
	}
	unix.CloseOnExec(resultFD) // not for the fixture
	out := os.NewFile(resultFD, "result")
	if _, err := unix.FcntlInt(resultFD, unix.F_GETFD, 0); err != nil {
		fmt.Fprintln(os.Stderr, "this command is the Delve half of rt0lab, which starts it by itself")
		return exitUsage
	}
	return obey(os.Stdin, out)
}

// obey reads one order from in, carries it out and writes one answer to
// out. It keeps reading from in: the end of in means that the parent has given
// up, and then the fixture is killed and the process ends. It owns the
// process: it changes its environment and waits for any child.
func obey(in io.Reader, out io.Writer) int {
	dec := json.NewDecoder(in)
	var o order
	if err := dec.Decode(&o); err != nil {
		fmt.Fprintf(os.Stderr, "read the order: %v\n", err)
		return exitUsage
	}
	// A child lives for a tenth of a second: collecting garbage would cost a tenth of that.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)

	g := &guard{}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		killChildren()
		os.Exit(exitStopped)
	}()
	if !o.Deadline.IsZero() {
		t := time.AfterFunc(time.Until(o.Deadline), func() { g.interrupt("not finished in time") })
		defer t.Stop()
	}

	a := carryOut(o, g)
	if err := json.NewEncoder(out).Encode(a); err != nil {
		fmt.Fprintf(os.Stderr, "write the answer: %v\n", err)
		return exitUsage
	}
	return exitOK
}

func carryOut(o order, g *guard) (a answer) {
	if o.Probe {
		if err := mayTrace(); err != nil {
			return answer{Machine: true, Error: err.Error()}
		}
		return answer{}
	}
	// Delve panics on some damaged binaries; the message is worth more than the trace.
	defer func() {
		if p := recover(); p != nil {
			killChildren()
			a = answer{Error: fmt.Sprintf("Delve panicked: %v", p)}
			fmt.Fprintf(os.Stderr, "%s", debug.Stack())
		}
	}()
	w, err := observeOnce(o.Request, g)
	killChildren()
	why := g.interrupted()
	switch {
	case err == nil:
		return answer{Walk: w.walk}
	case why != "":
		return answer{Error: fmt.Sprintf("%s: Delve had not started %s yet", why, o.Request.Binary)}
	case w == nil: // not started at all: perhaps nothing can be
		if probe := mayTrace(); probe != nil {
			return answer{Machine: true, Error: probe.Error()}
		}
	}
	return answer{Error: err.Error()}
}

// observeOnce starts the fixture and walks. Without a walker there was no fixture.
func observeOnce(req observe.Request, g *guard) (*walker, error) {
	l, err := launch(req, false)
	if err != nil {
		return nil, err
	}
	w, err := newWalker(l, req, g)
	if err != nil {
		return w, err
	}
	if err := w.withoutDelves(); err != nil {
		return w, err
	}
	return w, w.run()
}

// guard lets a timer end the walk from outside.
type guard struct {
	mu     sync.Mutex
	why    string
	cancel func(reason string) // what the walker waits for besides the fixture
}

// interrupt kills the fixture, so that Delve stops waiting for it, and cancels
// the script that is running.
func (g *guard) interrupt(why string) {
	g.mu.Lock()
	g.why = why
	cancel := g.cancel
	g.mu.Unlock()
	if cancel != nil {
		cancel(why)
	}
	for _, pid := range below() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

func (g *guard) interrupted() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// onInterrupt sets what else to cancel; a late caller is cancelled at once.
func (g *guard) onInterrupt(cancel func(reason string)) {
	g.mu.Lock()
	g.cancel = cancel
	why := g.why
	g.mu.Unlock()
	if why != "" && cancel != nil {
		cancel(why)
	}
}

// below lists what this process has started: all of its session when that is its
// own; the session of one that has a terminal is the shell's, and then its children.
func below() []int {
	self := unix.Getpid()
	if sid, err := unix.Getsid(0); err != nil || sid != self {
		return children()
	}
	return slices.DeleteFunc(session(self), func(pid int) bool { return pid == self })
}

// killChildren kills all that this process has started, and waits for those that are
// its children. Delve's own kill sleeps 200 ms.
func killChildren() {
	for _, pid := range below() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	for {
		// __WALL: also the fixture's threads, which report to their tracer.
		_, err := unix.Wait4(-1, nil, unix.WALL, nil)
		if err != nil && err != syscall.EINTR {
			return // ECHILD: none left
		}
	}
}
