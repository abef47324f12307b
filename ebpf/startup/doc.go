// Package startup measures where the start of a Go program spends its time, with
// probes so cheap that the numbers are those of the program alone.
//
// A Program is run again and again. In each run only a few Milestones have
// probes (a set), so that the sets do not bias what they measure; the runs of all sets
// are shuffled, and runs without any probe stand between them: the ratio of the two is
// the observer effect, which every Result states. What is told of a milestone is a median
// with a confidence interval that assumes no distribution.
//
// A span ends where the next milestone is passed, never at a return: a probe
// there would move the return address, which crashes Go programs when a stack is copied.
// Time zero is the kernel's exec, after it has loaded the file; the end is the last
// thread's exit, or the milestone Options.Until, at which the
// kernel kills the program before it goes on.
package startup

import (
	"errors"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
)

var (
	// ErrProgram is wrapped when a file cannot be measured: no executable, no Go program, of another system.
	ErrProgram = errors.New("not a program whose start can be measured")
	// ErrMilestone is wrapped when a milestone is asked for that is not in the program, or none is left.
	ErrMilestone = errors.New("no such milestone")
	// ErrEnd is wrapped when a run does not reach its end: the program ends
	// before Options.Until, or runs on after Options.Timeout.
	ErrEnd = errors.New("the end was not reached")
	// ErrChanged is wrapped when a file changes while it is being copied.
	ErrChanged = errors.New("the program changed while it was read")
)

// Milestone is a place on the way from exec to main.main.
type Milestone struct {
	// Name is what it is called in every release.
	Name string
	// Stops are where it may be, in the words of package place; the first one
	// that the binary has is taken. None means that it is Name.
	Stops []string
	// By is the function that calls it on this way, if it does so at one place: then the probe stands at
	// that call, which is passed only once, and next to the calls before and after it. Each page
	// of code with a probe in it costs the program a third of a microsecond. "" = wherever it is called.
	By string
	// Any is set when all of Stops are it, and whichever is passed first counts.
	Any bool
	// What says in a few words what begins there.
	What string
	// Package is set when it is where the init functions of that package begin.
	Package string
	// Aside is set for what other threads pass: it has a time, but no span begins or ends there.
	Aside bool
}

// Point is a milestone in one binary.
type Point struct {
	Milestone
	// Stop is the one of Stops that was placed.
	Stop  string
	Sites []ebpf.Site // any of them is the milestone
	// Reason says why there is no site; "" when there is one.
	Reason string
}

// Program is what is started.
type Program struct {
	// Name is what the report calls it; "" means Path.
	Name string
	Path string
	Args []string // without the program's own name
	Env  []string // nil means this process's
	Dir  string
	// Stdin is a file that each run reads from its beginning; "" is /dev/null.
	Stdin string
	// Output gets what the program writes to stdout and stderr: a file that is
	// handed to it as it is. Nil is /dev/null.
	Output Output
	// As is who runs it; the zero User is this process's.
	As User
}

// Options say how to measure. The zero value measures the boot up to the exit.
type Options struct {
	// Milestones are looked for; nil means Boot.
	Milestones []Milestone
	// Inits looks for the init functions of each program instead (see the function of that
	// name), and asks the runtime for its own account of them.
	Inits bool
	// Until is the name of the milestone at which the program is killed; "" = it runs to its end.
	Until string
	// Set is how many spans are measured in one run; 0 means DefaultSet.
	// With Inits it means InitSet.
	Set int
	// Runs is how often each set is run. 0 means as often as Precision takes, up to Most.
	Runs int
	Most int // 0 means DefaultMost
	// Precision is the wanted half-width of every interval, as a part of the whole; 0 means DefaultPrecision.
	Precision float64
	// Warm is how many runs come first and are not counted; 0 means DefaultWarm.
	Warm int
	// Timeout ends a run; 0 means DefaultTimeout.
	Timeout time.Duration
	// Memory is the most bytes that copies of programs may take at a time, if one set of each fits in; 0 means DefaultMemory.
	Memory int64
	// Progress is told after every run how many were made and how many it may become. It may be nil.
	Progress func(done, most int)
}

// The defaults of Options.
const (
	DefaultSet       = 4
	DefaultMost      = 200
	DefaultPrecision = 0.02
	DefaultWarm      = 3
	DefaultTimeout   = 10 * time.Second
	DefaultMemory    = 1 << 30
	// Confidence is that of every interval.
	Confidence = 0.95
)

// Bare is the Sample.Set of runs without probes.
const Bare = -1

// Sample is one run.
type Sample struct {
	// Batch counts the parts of a measurement whose copies do not fit into the memory together; the
	// rounds of each are counted from 0.
	Batch, Round int
	// Set is the number of the set of milestones that had probes, or Bare.
	Set int
	// At is when the milestones of the set were passed first, since exec.
	At map[string]time.Duration
	// Whole is the time from exec to the end.
	Whole time.Duration
	End   ebpf.Run
	// Stopped is set when the program was killed at Options.Until.
	Stopped bool

	told []byte // of a run with GODEBUG=inittrace=1
}

// Interval is a median with its confidence interval.
type Interval struct {
	Median, Low, High float64
	N                 int
	// Confidence is what the interval has; 0 when there were too few runs for one.
	Confidence float64
}

// Timing is a milestone that was passed. Times are in nanoseconds.
type Timing struct {
	Point
	// At is the time since exec.
	At Interval
	// Takes is the time up to the next milestone, measured within one run; N is 0 for what is aside.
	Takes Interval
	// Trace is what GODEBUG=inittrace=1 says of the package; N is 0 where it says nothing.
	Trace Interval
	// Next is where the span ends: the next milestone, or "exit".
	Next string

	set int // in which it was measured
}

// Missing is a milestone that has no time.
type Missing struct {
	Milestone
	Reason string
}

// Result is what became of one Program.
type Result struct {
	Program Program
	Release string // the Go release that built it; "" = unknown
	Until   string // where the runs end: a milestone, or "exit"
	// Timings begin with "exec" and are in the order in which the milestones are passed.
	Timings []Timing
	Missing []Missing
	// Whole is the time of the runs with probes in nanoseconds, Bare of those without; when
	// the runs end at a milestone, these have the probe of that one alone.
	Whole, Bare Interval
	// Observer is the ratio of the two, by rounds: 1.01 means that the probes cost one percent.
	Observer Interval
	// Probe is the time between two probes with nothing but a call between them, in nanoseconds: each span has one
	// in it, and one as short as that is nothing else. N is 0 where there is no such place.
	Probe  Interval
	Rounds int
	// Lost counts the runs that are left out because events were lost in them.
	Lost int
	// Ends counts how the runs ended: "exit status 0", "SIGSEGV", "stopped at main.main".
	Ends map[string]int
	// Moved says why the program ran as a copy in memory, where it finds neither itself nor what
	// lies beside it; "" when it ran at its own path.
	Moved string
	// Changed is set when the file is not any more what was measured.
	Changed bool
	Samples []Sample
}
