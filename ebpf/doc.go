// Package ebpf watches a program start without a debugger: the kernel notes
// which places the program passes, when, on which thread and on which goroutine, and
// which system calls it makes.
//
// A Chooser says where a probe for a place stands best (see Site). Open loads
// the BPF program and puts the probes into the file, Tracer.Run starts the
// program as often as one likes and hands its events out in their order. Nothing
// has to be told about the process beforehand: the probes are there before it
// begins, and the kernel takes the next exec of a child of the starting thread for it.
//
// Ready says what a machine lacks. Loading needs CAP_BPF and CAP_PERFMON and runs on
// linux/amd64; choosing sites works everywhere.
package ebpf

import (
	"errors"
	"time"
)

var (
	// ErrRights is wrapped when this process may not load or attach BPF programs; the
	// text names the missing capabilities and how to get them.
	ErrRights = errors.New("no right to use eBPF probes")
	// ErrFeature is wrapped when the system or its kernel lacks something; the text names it.
	ErrFeature = errors.New("the kernel lacks a feature for eBPF probes")
	// ErrLost is wrapped by Run when events were lost: what was seen then has
	// holes, and nobody knows where.
	ErrLost = errors.New("events of probes were lost")
	// ErrPath is wrapped when a copy cannot stand at the path of its original; the text says what it takes.
	ErrPath = errors.New("the program cannot run at its own path")
	// ErrOther is wrapped by Run when the process that was started did not become the program: nobody
	// knows what it was instead. With a Copy it may be that the file at its path was replaced, see Copy.Leave.
	ErrOther = errors.New("something else than the program was started")
)

// Kind says what an Event is about.
type Kind uint32

// The kinds of events; the numbers are those of start.c.
const (
	Exec    Kind = 1 + iota // the program begins: time zero
	Passed                  // a probe was passed
	Syscall                 // a system call begins
	Exit                    // a thread ends
)

// Event is one thing that the kernel noted.
type Event struct {
	Kind Kind
	// Time is since the exec of the same run.
	Time time.Duration
	// Probe is the index of the probe in Options.Probes.
	Probe int
	// Again is set when the thread is about to enter the function once more
	// for the same call (see Site.ChecksStack).
	Again bool
	// Thread and Process are ids in the first PID namespace. The first thread's is the process's.
	Thread, Process uint32
	// Goid is the number of the goroutine, 0 for that of a thread's own stack.
	// It is valid if HasGoid is set: before the thread has its thread-local storage there is none.
	Goid    uint64
	HasGoid bool
	// Number and Args are of a Syscall; see SyscallName.
	Number int
	Args   [6]uint64
}

// Probe is a site with what is to be told of it.
type Probe struct {
	Site Site
	// FirstThread leaves the other threads out.
	FirstThread bool
	// Last kills the program (SIGKILL) when it passes, before it goes on. The event is told.
	Last bool
	// Most is how many passings are told in one run, events with Again not counted; 0 = all.
	// A place in a loop would flood the ring otherwise.
	Most uint32
	// Once notes the first passing alone, also if it would have Again, and it is no event: Run.First has it
	// when the run has ended. It takes the program a tenth of a microsecond less and cannot be lost.
	Once bool
}

// Options are what a Tracer looks at.
type Options struct {
	// Copy is what has the probes and is run, instead of the file at Path.
	Copy *Copy
	// Path is the executable. The probes are in every process that runs the
	// file, also one under a debugger, which they disturb: give a file
	// that nobody else runs, such as a Copy.
	Path   string
	Probes []Probe
	// GoidOffset is where goid lies in runtime.g; 0 = unknown, then no event has a Goid.
	GoidOffset uint64
	// GOffset is where a thread's g is, see the function of that name; 0 means -8.
	GOffset int64
	// Syscalls turns events for system calls on.
	Syscalls bool
	// FixedAddresses turns the randomisation of addresses off, as debuggers do.
	FixedAddresses bool
	// Quiet hands events out when about a quarter of the ring is full or the program has ended: waking
	// the reader for each takes time from the program where processors are few. When seen
	// then wants no more, the program has run on meanwhile; see Probe.Last.
	Quiet bool
	// Ring is the room for events not yet read, in bytes; 0 means DefaultRing. It is rounded up to a
	// power of two of pages. An event takes 40 bytes, a system call 88.
	Ring int
}

// DefaultRing has room for 100,000 passings or 47,000 system calls that nobody has read yet.
const DefaultRing = 4 << 20

// Run is what became of one start of the program.
type Run struct {
	Pid      int // as this process sees it
	ExitCode int // -1 when a signal ended it
	Signal   string
	// Stopped is set when the caller or ctx ended the program.
	Stopped bool
	// First is when the probes with Once were passed first, since exec, by their index in
	// Options.Probes; those that were not passed are not in it.
	First map[int]time.Duration
}
