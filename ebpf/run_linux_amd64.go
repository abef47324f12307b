package ebpf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// Run starts the program and hands its events to seen, in their order, until it has ended.
// When seen returns false, or ctx ends, the program is killed; what
// it did until then is still handed out. It is killed with its process group
// if cmd.SysProcAttr gives it one.
//
// cmd must run Options.Copy.Path(), or else Options.Path; Run starts it and waits for it. The error wraps
// ErrLost when events were lost, however few: Run's other results are good nevertheless.
func (t *Tracer) Run(ctx context.Context, cmd *exec.Cmd, seen func(Event) (more bool)) (Run, error) {
	missed, err := t.reset()
	if err != nil {
		return Run{}, fmt.Errorf("prepare probes: %w", err)
	}
	started, ended := make(chan error), make(chan struct{})
	t.options.Copy.do(func() { t.start(cmd, started, ended) })
	if err := <-started; err != nil {
		return Run{}, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	run := Run{Pid: cmd.Process.Pid}
	enough := make(chan struct{})
	finished := make(chan bool)
	go func() {
		stopped := false
		select {
		case <-ended:
		case <-ctx.Done():
			stopped = true
		case <-enough:
			stopped = true
		}
		if stopped {
			kill(cmd)
			<-ended
		}
		_ = t.reader.Flush() // all that it did is in the ring: Read returns that, and then ErrFlushed
		finished <- stopped
	}()
	zero, err := t.read(seen, enough)
	run.Stopped = <-finished
	t.forget()
	run.ExitCode = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		run.Signal = unix.SignalName(status.Signal())
	}
	if err != nil {
		return run, fmt.Errorf("read the events of probes: %w", err)
	}
	if run.First, err = t.first(zero); err != nil {
		return run, fmt.Errorf("read what probes have noted: %w", err)
	}
	if err := t.whole(missed); err != nil {
		return run, err
	}
	if zero == 0 {
		return run, fmt.Errorf("%w: %s, as process %d", ErrOther, cmd.Path, run.Pid)
	}
	return run, nil
}

// first is when the probes with Once were passed; zero is when the program began.
func (t *Tracer) first(zero uint64) (map[int]time.Duration, error) {
	if !slices.ContainsFunc(t.options.Probes, func(p Probe) bool { return p.Once }) {
		return nil, nil
	}
	noted := make([]byte, len(t.fresh))
	if _, err := t.probes.ReadAt(noted, 0); err != nil {
		return nil, err
	}
	all := make([]startProbe, len(t.options.Probes))
	if _, err := binary.Decode(noted, binary.NativeEndian, all); err != nil {
		return nil, err
	}
	first := map[int]time.Duration{}
	for i, p := range all {
		if p.First != 0 {
			first[i] = time.Duration(p.First - zero)
		}
	}
	return first, nil
}

// start runs the program on a thread that has told the kernel that it is the
// starter, and that lives as long as the program: Pdeathsig is about threads.
func (t *Tracer) start(cmd *exec.Cmd, started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := t.mark(cmd)
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		close(ended)
	}
}

func (t *Tracer) mark(cmd *exec.Cmd) error {
	if _, err := t.coll.Programs[startProgMark].Run(&ebpf.RunOptions{}); err != nil {
		return fmt.Errorf("tell the kernel who starts it: %w", err)
	}
	if t.options.FixedAddresses {
		if before, err := personality(queryPersonality); err == nil {
			// Where it is not allowed (a container), the addresses vary: no reason not to look.
			_, _ = personality(before | addrNoRandomize)
			defer personality(before)
		}
	}
	if t.options.Copy == nil || cmd.Path != t.options.Copy.Name() {
		return cmd.Start()
	}
	return again(cmd, (*exec.Cmd).Start)
}

// again starts what is run from memory. Linux 6.18 refuses one in ten thousand such starts while other threads
// fork, too, also to root: "permission denied" for a link in /proc/self/fd, which it grants a moment later.
func again(cmd *exec.Cmd, start func(*exec.Cmd) error) error {
	fresh := *cmd
	err := start(cmd)
	for left := 3; left > 0 && errors.Is(err, os.ErrPermission); left-- {
		*cmd = fresh
		err = start(cmd)
	}
	return err
}

const (
	queryPersonality = 0xffffffff
	addrNoRandomize  = 0x0040000
)

func personality(persona uintptr) (uintptr, error) {
	before, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, persona, 0, 0)
	if e != 0 {
		return 0, e
	}
	return before, nil
}

func kill(cmd *exec.Cmd) {
	pid := cmd.Process.Pid
	if a := cmd.SysProcAttr; a != nil && (a.Setsid || a.Setpgid && a.Pgid == 0) {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	_ = cmd.Process.Kill()
}

// read hands events out until the ring is flushed. enough is closed when seen wants no more. zero is
// when the program began, on the kernel's clock; 0 = it did not.
func (t *Tracer) read(seen func(Event) bool, enough chan<- struct{}) (zero uint64, err error) {
	wants := true
	var rec ringbuf.Record
	for {
		switch err := t.reader.ReadInto(&rec); {
		case errors.Is(err, ringbuf.ErrFlushed):
			return zero, nil
		case err != nil:
			if wants {
				close(enough)
			}
			return zero, err
		}
		e, at, ok := decode(rec.RawSample)
		if !ok {
			continue
		}
		if e.Kind == Exec {
			zero = at
		}
		e.Time = time.Duration(at - zero)
		if wants && !seen(e) {
			wants = false
			close(enough)
		}
	}
}

// Sizes of the events in the ring: struct event and struct call of start.c.
const (
	eventSize = 32
	callSize  = eventSize + 6*8
)

// decode reads one record. at is its time on the kernel's clock.
func decode(b []byte) (e Event, at uint64, ok bool) {
	if len(b) < eventSize {
		return e, 0, false
	}
	word, half := binary.LittleEndian.Uint64, binary.LittleEndian.Uint32
	flags := startFlag(half(b[28:]))
	e = Event{Kind: Kind(half(b[24:])), Goid: word(b[8:]), Thread: half(b[16:]), Again: flags&startFlagAGAIN != 0, HasGoid: flags&startFlagNO_GOROUTINE == 0}
	switch id := half(b[20:]); e.Kind {
	case Passed:
		e.Probe = int(id)
	case Exit:
		e.Process = id
	case Syscall:
		if len(b) < callSize {
			return e, 0, false
		}
		e.Number = int(id)
		for i := range e.Args {
			e.Args[i] = word(b[eventSize+8*i:])
		}
	}
	return e, word(b), true
}

// reset makes the counters ready for another run, and returns how often the
// programs could not run until now.
func (t *Tracer) reset() (missed uint64, err error) {
	if err := t.coll.Variables[startVarLost].Set(uint64(0)); err != nil {
		return 0, err
	}
	if len(t.fresh) > 0 {
		if _, err := t.probes.WriteAt(t.fresh, 0); err != nil {
			return 0, err
		}
	}
	return t.missed()
}

// missed is how often the kernel did not run a program because it was already running there.
func (t *Tracer) missed() (n uint64, err error) {
	for _, p := range t.coll.Programs {
		s, err := p.Stats()
		if err != nil {
			return 0, err
		}
		n += s.RecursionMisses
	}
	return n, nil
}

// forget ends the kernel's interest in the process, whose number another one may get.
func (t *Tracer) forget() {
	for _, name := range []string{startVarStarter, startVarTarget} {
		_ = t.coll.Variables[name].Set(uint32(0))
	}
}

// whole returns an error that wraps ErrLost unless every event arrived.
func (t *Tracer) whole(before uint64) error {
	var lost uint64
	if err := t.coll.Variables[startVarLost].Get(&lost); err != nil {
		return fmt.Errorf("read how many events were lost: %w", err)
	}
	if lost > 0 {
		return fmt.Errorf("%w: %d found no room in the ring of %d bytes", ErrLost, lost, ringSize(t.options.Ring))
	}
	switch now, err := t.missed(); {
	case err != nil:
		return fmt.Errorf("read how many events were lost: %w", err)
	case now > before:
		return fmt.Errorf("%w: %d came while another one was being noted", ErrLost, now-before)
	}
	return nil
}
