package delve

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-delve/delve/pkg/proc"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// spot is a place while the fixture runs.
type spot struct {
	place.Place
	at   []uint64 // where it is in this process
	to   []uint64 // where the range ends in this process
	hits int
	done bool // passed; a range may still be stepped
	// answers has, of a range, what each script has said so far, in the order of the scripts.
	answers []*answered
	// arrivals has the last one of each stack pointer; see again.
	arrivals map[uint64]arrival
}

// walker takes the fixture from place to place and lets the scripts look.
type walker struct {
	*launched
	guard   *guard
	pid     int
	spots   []*spot
	ranges  []*spot // being stepped
	stepped uint64  // where the first thread was after the last step; 0 before a range
	vdso    [2]uint64
	leaving uint64 // where the first thread goes on after the vDSO or a system call; 0 = it is in neither
	armed   map[uint64]bool
	number  int      // of the last breakpoint, for Delve
	until   string   // the stop to end at; "" = walk on until all are served
	aborts  []uint64 // where runtime.abort is
	aborted bool     // it was entered
	scripts *scripts
	walk    observe.Walk
}

func newWalker(l *launched, req observe.Request, g *guard) (*walker, error) {
	w := &walker{launched: l, guard: g, pid: l.target.Pid(), armed: map[uint64]bool{}}
	w.walk.Tool, w.walk.Warnings = tool(), l.warnings
	w.vdso = vdso(w.pid)
	base := l.target.BinInfo().Images[0].StaticBase
	for _, p := range req.Places {
		if p.State != place.Placed {
			continue
		}
		s := &spot{Place: p}
		for _, a := range p.Addrs {
			if l.inClone(a + base) {
				w.walk.Warnings = append(w.walk.Warnings, "Delve cannot stop inside runtime.clone: not looked at "+p.Stop)
				continue
			}
			s.at = append(s.at, a+base)
		}
		for _, a := range p.To {
			s.to = append(s.to, a+base)
		}
		if s.Hit < 1 {
			s.Hit = 1
		}
		w.spots = append(w.spots, s)
	}
	var err error
	w.scripts, err = loadScripts(l, req, g, &w.walk)
	return w, err
}

// withoutDelves clears Delve's own breakpoints (unrecovered panic, fatal throw), which would
// stop a fixture that crashes: it is one like any other.
func (w *walker) withoutDelves() error {
	for addr := range w.target.Breakpoints().M {
		if err := w.target.ClearBreakpoint(addr); err != nil {
			return fmt.Errorf("clear Delve's own breakpoint at %#x: %w", addr, err)
		}
	}
	return nil
}

// inClone reports whether the address is one of runtime.clone, where Delve takes
// no thread for one with a goroutine, forgets that at its own breakpoint, and panics.
func (l *launched) inClone(addr uint64) bool {
	fn := l.target.BinInfo().PCToFunc(addr)
	return fn != nil && fn.Name == "runtime.clone"
}

// run walks until every place was passed, the fixture has ended or the guard
// has interrupted it. Only the unexpected is an error.
func (w *walker) run() error {
	for _, s := range w.spots {
		if s.Exec {
			w.pass(s)
		}
	}
	first := w.target.CurrentThread()
	if err := w.arrive(first); err != nil {
		return err
	}
	if err := w.arm(); err != nil {
		return w.over(err)
	}
	if err := w.watchAbort(); err != nil {
		return w.over(err)
	}
	// There may be a breakpoint under the first instruction now: not to be hit, but stepped over.
	if err := first.SetCurrentBreakpoint(false); err != nil {
		return w.over(err)
	}
	for !w.served() {
		if why := w.guard.interrupted(); why != "" {
			w.walk.Interrupted = why
			return nil
		}
		if err := w.advance(); err != nil {
			return w.over(err)
		}
		if w.aborted {
			w.ended("the program aborted")
			return nil
		}
		if err := w.disarm(); err != nil {
			return w.over(err)
		}
	}
	return nil
}

// watchAbort stops at runtime.abort. Its first instruction ends the program by a signal; Delve
// takes the signal for one of its own, and the loop behind it never ends.
func (w *walker) watchAbort() error {
	for _, fn := range w.target.BinInfo().LookupFunc()["runtime.abort"] {
		if err := w.stopAt(fn.Entry); err != nil {
			return fmt.Errorf("stop at runtime.abort (%#x): %w", fn.Entry, err)
		}
		w.aborts = append(w.aborts, fn.Entry)
	}
	return nil
}

// over tells the end of the fixture from an error.
func (w *walker) over(err error) error {
	if why := w.guard.interrupted(); why != "" {
		w.walk.Interrupted = why
		return nil
	}
	var exited proc.ErrProcessExited
	switch {
	case errors.As(err, &exited) && exited.Status < 0:
		w.ended(fmt.Sprintf("the program was killed by signal %d", -exited.Status))
		return nil
	case errors.As(err, &exited) && exited.Status > 0:
		w.ended(fmt.Sprintf("the program ended with status %d", exited.Status))
		return nil
	case errors.As(err, &exited):
		w.ended("")
		return nil
	case w.gone():
		w.ended("the program died of an instruction that was stepped over")
		return nil
	}
	return fmt.Errorf("walk: %w", err)
}

// ended warns of an end that nobody may have meant: within a range, or how says.
func (w *walker) ended(how string) {
	for _, s := range w.ranges {
		w.walk.Warnings = append(w.walk.Warnings, s.Stop+": the program ended before the end of the range")
	}
	if how != "" {
		w.walk.Warnings = append(w.walk.Warnings, how)
	}
}

func (w *walker) served() bool {
	if w.until != "" {
		return slices.ContainsFunc(w.spots, func(s *spot) bool { return s.Stop == w.until && s.done })
	}
	if len(w.ranges) > 0 {
		return false
	}
	for _, s := range w.spots {
		if !s.done {
			return false
		}
	}
	return true
}

// advance lets the fixture go on: by an instruction of the first thread in a
// range, otherwise to the next breakpoint of any thread.
func (w *walker) advance() error {
	if len(w.ranges) > 0 && w.leaving == 0 {
		if err := w.look(w.pid); err != nil {
			return err
		}
		called, err := w.call()
		if err != nil {
			return err
		}
		if !called {
			if err := w.group.StepInstruction(false); err != nil {
				return err
			}
			return w.arrive(w.target.CurrentThread())
		}
	}
	if err := w.group.Continue(); err != nil {
		return err
	}
	// Several threads may have stopped at once, and all of them will be
	// stepped over their breakpoint when the fixture goes on.
	threads := w.target.ThreadList()
	slices.SortFunc(threads, func(a, b proc.Thread) int { return w.rank(a) - w.rank(b) })
	for _, t := range threads {
		if t.Breakpoint().Breakpoint == nil {
			continue
		}
		if err := w.arrive(t); err != nil {
			return err
		}
	}
	return nil
}

// rank orders threads: the first one of the process first.
func (w *walker) rank(t proc.Thread) int {
	if t.ThreadID() == w.pid {
		return 0
	}
	return t.ThreadID()
}

// look makes a thread the one the words speak of.
func (w *walker) look(tid int) error {
	if w.target.CurrentThread().ThreadID() == tid {
		return nil
	}
	if err := w.target.SwitchThread(tid); err != nil {
		return fmt.Errorf("look at thread %d: %w", tid, err)
	}
	return nil
}

// arrive serves the places a stopped thread stands at.
func (w *walker) arrive(t proc.Thread) error {
	regs, err := t.Registers()
	if err != nil {
		return fmt.Errorf("read the registers of thread %d: %w", t.ThreadID(), err)
	}
	pc, tid := regs.PC(), t.ThreadID()
	isFirst := tid == w.pid
	stepping := isFirst && len(w.ranges) > 0
	if stepping {
		inside, err := w.inVDSO(pc, regs.SP())
		if inside || err != nil {
			return err
		}
		if pc == w.stepped {
			return nil // one round of an instruction with a rep prefix
		}
		w.ranges = slices.DeleteFunc(w.ranges, func(s *spot) bool { return w.rangeEnded(s, pc) })
	}
	if isFirst {
		w.stepped = pc
	}
	for _, s := range w.spots {
		if s.done || s.Exec || !isFirst && !s.AnyThread || !slices.Contains(s.at, pc) {
			continue
		}
		if w.again(s, pc, regs.SP()) {
			continue
		}
		if s.hits++; s.hits < s.Hit {
			continue
		}
		if err := w.look(tid); err != nil {
			return err
		}
		w.pass(s)
	}
	w.aborted = w.aborted || slices.Contains(w.aborts, pc)
	if isFirst {
		for _, s := range w.ranges {
			if err := w.look(tid); err != nil {
				return err
			}
			w.scripts.serve(s)
		}
	}
	return nil
}

// rangeEnded serves a range when its end is reached.
func (w *walker) rangeEnded(s *spot, pc uint64) bool {
	if !slices.Contains(s.to, pc) {
		return false
	}
	for _, a := range s.answers {
		w.walk.Served = append(w.walk.Served, a.served())
	}
	return true
}

// pass notes that a place was passed; a range begins there.
func (w *walker) pass(s *spot) {
	s.done = true
	w.walk.Passed = append(w.walk.Passed, s.Stop)
	if len(s.to) > 0 {
		w.ranges = append(w.ranges, s)
		return
	}
	w.scripts.serve(s)
}

// arm sets a breakpoint at every address of a place that was not passed yet.
func (w *walker) arm() error {
	for _, s := range w.spots {
		if s.done {
			continue
		}
		for _, addr := range s.at {
			if err := w.stopAt(addr); err != nil {
				return fmt.Errorf("stop at %s (%#x): %w", s.Stop, addr, err)
			}
		}
	}
	return nil
}

// stopAt sets a breakpoint where there is none; disarm clears it.
func (w *walker) stopAt(addr uint64) error {
	if w.armed[addr] {
		return nil
	}
	w.number++
	if _, err := w.target.SetBreakpoint(w.number, addr, proc.UserBreakpoint, nil); err != nil {
		return err
	}
	w.armed[addr] = true
	return nil
}

// disarm clears the breakpoints no place needs any more: the fixture may come
// by there a thousand times.
func (w *walker) disarm() error {
	for addr := range w.armed {
		needed := addr == w.leaving || slices.Contains(w.aborts, addr) || slices.ContainsFunc(w.spots, func(s *spot) bool { return !s.done && slices.Contains(s.at, addr) })
		if needed {
			continue
		}
		delete(w.armed, addr)
		if err := w.target.ClearBreakpoint(addr); err != nil {
			return fmt.Errorf("clear the breakpoint at %#x: %w", addr, err)
		}
	}
	return nil
}
