package step

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The other threads of the program stand still while the first one is stepped:
// what it sees does not change under it, and nobody takes its processor away.
// They run while it is in a system call, which it may leave only when they have done something.

// thread is one of the others.
type thread struct {
	running bool
	signal  unix.Signal // to be delivered when it goes on
}

// event is what wait4 told of a thread.
type event struct {
	tid    int
	status unix.WaitStatus
}

// wait waits for any thread of the program. It asks for those of this thread
// alone (__WNOTHREAD): other parts of rt0lab have children of their own.
func (s *stepper) wait() (event, error) {
	for {
		var ev event
		tid, err := unix.Wait4(-1, &ev.status, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return ev, fmt.Errorf("wait for the program: %w", err)
		}
		ev.tid = tid
		return ev, nil
	}
}

// stopped waits until the first thread stands behind a step; what happens to others meanwhile is seen to.
func (s *stepper) stopped() error {
	for {
		ev, err := s.wait()
		if err != nil {
			return err
		}
		if ev.tid != s.pid {
			if err := s.other(ev); err != nil {
				return err
			}
			continue
		}
		switch st := ev.status; {
		case st.Exited():
			return fmt.Errorf("%w: the program ended with status %d", ErrNotReached, st.ExitStatus())
		case st.Signaled():
			return fmt.Errorf("%w: the program was ended by %v", ErrNotReached, st.Signal())
		case !st.Stopped():
			continue
		case st.StopSignal() == unix.SIGTRAP && st.TrapCause() == unix.PTRACE_EVENT_CLONE:
			if err := s.cloned(); err != nil {
				return err
			}
			err = unix.PtraceSingleStep(s.pid) // to the end of the system call
		case st.StopSignal() == unix.SIGTRAP:
			return nil
		case st.StopSignal() == unix.SIGURG:
			// The scheduler wants the processor back, because single-stepping takes so long. It is not to have it.
			err = unix.PtraceSingleStep(s.pid)
		default:
			return fmt.Errorf("%w: the program got %v at %#x", ErrNotReached, st.StopSignal(), s.regs.Rip)
		}
		if err != nil {
			return s.gone(fmt.Errorf("step: %w", err))
		}
	}
}

// cloned notes the thread that the first one has just made.
func (s *stepper) cloned() error {
	tid, err := unix.PtraceGetEventMsg(s.pid)
	if err != nil {
		return s.gone(fmt.Errorf("ask for the new thread: %w", err))
	}
	if s.others[int(tid)] == nil {
		s.others[int(tid)] = &thread{running: true} // until it is seen to stop at its beginning
	}
	return nil
}

// other sees to what happened to another thread: while the first is in a system call it goes on at once.
func (s *stepper) other(ev event) error {
	if ev.status.Exited() || ev.status.Signaled() {
		delete(s.others, ev.tid)
		return nil
	}
	if !ev.status.Stopped() {
		return nil
	}
	t := s.others[ev.tid]
	if t == nil { // its beginning is told before the event of who made it
		t = &thread{}
		s.others[ev.tid] = t
	}
	t.running = false
	switch sig := ev.status.StopSignal(); {
	case sig == unix.SIGTRAP && ev.status.TrapCause() == unix.PTRACE_EVENT_CLONE:
		if tid, err := unix.PtraceGetEventMsg(ev.tid); err == nil && s.others[int(tid)] == nil {
			s.others[int(tid)] = &thread{running: true}
		}
	case sig == unix.SIGTRAP, sig == unix.SIGSTOP: // its beginning, or that it was told to stop
	default:
		t.signal = sig
	}
	if s.released {
		return s.resume(ev.tid, t)
	}
	return nil
}

func (s *stepper) resume(tid int, t *thread) error {
	err := unix.PtraceCont(tid, int(t.signal))
	if errors.Is(err, unix.ESRCH) {
		return nil // killed; its end is told by wait
	}
	if err != nil {
		return fmt.Errorf("let thread %d run: %w", tid, err)
	}
	t.running, t.signal = true, 0
	return nil
}

// release lets the others run.
func (s *stepper) release() error {
	s.released = true
	for tid, t := range s.others {
		if !t.running {
			if err := s.resume(tid, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold stops the others, and returns when all of them stand.
func (s *stepper) hold() error {
	s.released = false
	for tid, t := range s.others {
		if t.running {
			if err := unix.Tgkill(s.pid, tid, unix.SIGSTOP); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("stop thread %d: %w", tid, err)
			}
		}
	}
	for s.anyRunning() {
		ev, err := s.wait()
		if err != nil {
			return err
		}
		if ev.tid == s.pid {
			return fmt.Errorf("%w: the program ended in a thread of its own", ErrNotReached)
		}
		if err := s.other(ev); err != nil {
			return err
		}
	}
	return nil
}

func (s *stepper) anyRunning() bool {
	for _, t := range s.others {
		if t.running {
			return true
		}
	}
	return false
}
