package step

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// noRandomize makes the kernel put everything at the same addresses each time (personality(2)).
const noRandomize = 0x0040000

// stepper is one traced process. All of it runs on one locked thread, from
// which alone the kernel takes the requests.
type stepper struct {
	pid   int
	until []uint64
	mem   memory
	regs  unix.PtraceRegs
	ops   map[uint64]trace.Op // by address
	walk  *Walk

	clocks   map[uint64]bool // the functions of the vDSO that cannot be stepped, by address
	others   map[int]*thread // but for the first, by thread id
	released bool            // they may run
}

func run(ctx context.Context, req Request) (*Walk, error) {
	if req.Timeout <= 0 {
		req.Timeout = DefaultTimeout
	}
	timed, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	type answer struct {
		walk *Walk
		err  error
	}
	done := make(chan answer)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and the kernel with it whatever it still traces.
		runtime.LockOSThread()
		walk, err := trail(timed, req)
		done <- answer{walk, err}
	}()
	a := <-done
	switch {
	case a.err == nil:
		return a.walk, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("trace %s: %w", req.Binary, context.Cause(ctx))
	case timed.Err() != nil:
		return nil, fmt.Errorf("trace %s: %w within %s (give it more time)", req.Binary, ErrNotReached, req.Timeout)
	}
	return nil, fmt.Errorf("trace %s: %w", req.Binary, a.err)
}

// trail starts the program, steps through it and kills it.
func trail(ctx context.Context, req Request) (*Walk, error) {
	argv := append([]string{"./" + filepath.Base(req.Binary)}, req.Args...)
	process, err := launch(filepath.Dir(req.Binary), argv, req.Env)
	if err != nil {
		return nil, err
	}
	s := &stepper{
		pid: process.Pid, until: req.Until, mem: memory{pid: process.Pid, pages: map[uint64]*page{}},
		ops: map[uint64]trace.Op{}, others: map[int]*thread{}, walk: &Walk{Argv: argv, Code: map[uint64][]byte{}},
	}
	// The process is a handle on the kernel's own, which nobody else can get the number of.
	stop := context.AfterFunc(ctx, func() { _ = process.Kill() })
	defer s.end(process)
	defer stop()
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := s.walkAll(); err != nil {
		return nil, err
	}
	if missed := s.mem.changes(); len(missed) > 0 {
		return nil, fmt.Errorf("%d bytes at %#x changed and no instruction was seen to write them: please report it", len(missed[0].Bytes), missed[0].Addr)
	}
	s.walk.Memory = s.mem.firsts()
	return s.walk, nil
}

// launch starts the program so that it stops behind its exec.
func launch(dir string, argv, env []string) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer null.Close()
	// The child inherits the personality of the thread; nobody else runs on this one.
	if _, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, noRandomize, 0, 0); e != 0 {
		return nil, fmt.Errorf("%w: switch address randomisation off: %w", ErrMachine, e)
	}
	if env == nil {
		env = []string{}
	}
	process, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir: dir, Env: env, Files: []*os.File{null, null, null},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("%w: no right to trace a child process: %w; %s", ErrMachine, err, traceHint())
	}
	if err != nil {
		return nil, fmt.Errorf("start the program: %w", err)
	}
	return process, nil
}

// end kills the program and waits for it.
func (s *stepper) end(process *os.Process) {
	_ = process.Kill()
	for {
		ev, err := s.wait()
		if err != nil || ev.tid == s.pid && (ev.status.Exited() || ev.status.Signaled()) {
			break
		}
	}
	_ = process.Release()
}

// begin looks at the process at its first instruction.
func (s *stepper) begin() error {
	if err := s.stopped(); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(s.pid, unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACECLONE); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	if err := s.getRegs(); err != nil {
		return err
	}
	if err := s.stack(); err != nil {
		return err
	}
	if err := s.vdso(); err != nil {
		return err
	}
	s.walk.Host = host(s.pid)
	s.beside()
	s.walk.Start = values(&s.regs)
	return nil
}

// beside moves this thread to the processor of the program: the two take turns, and to wake
// somebody on another processor takes twice as long. The program itself may go where it likes,
// because it counts the processors it may run on.
func (s *stepper) beside() {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		return
	}
	// pid (name) state …: the processor is the 39th, the name may hold anything.
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const processor = 39 - 3
	if len(f) <= processor {
		return
	}
	if cpu, err := strconv.Atoi(f[processor]); err == nil {
		var one unix.CPUSet
		one.Set(cpu)
		_ = unix.SchedSetaffinity(0, &one) // slower without, no more
	}
}

// stack makes all that the kernel left on the stack known, and puts zeros in
// the place of its 16 random bytes, so that each start takes the same way.
func (s *stepper) stack() error {
	sp := s.regs.Rsp
	m, err := mappingOf(s.pid, func(m mapping, _ string) bool { return m.lo <= sp && sp < m.hi })
	if err != nil {
		return err
	}
	end := m.hi
	if end == 0 || end-sp > 1<<20 {
		return fmt.Errorf("no end of the stack at %#x", sp)
	}
	content := make([]byte, end-sp)
	if !s.mem.read(sp, content) {
		return fmt.Errorf("read the stack at %#x", sp)
	}
	if at := random(content); at >= sp && at+16 <= end {
		if _, err := unix.PtracePokeData(s.pid, uintptr(at), make([]byte, 16)); err != nil {
			return fmt.Errorf("write the random bytes: %w", err)
		}
	}
	if !s.mem.meet(sp, len(content)) {
		return fmt.Errorf("read the stack at %#x", sp)
	}
	return nil
}

// random finds where the auxiliary vector says the random bytes are: 0 = nowhere.
func random(stack []byte) uint64 {
	const atRandom = 25
	word := func(i uint64) uint64 {
		if (i+1)*8 > uint64(len(stack)) {
			return 0
		}
		return binary.LittleEndian.Uint64(stack[i*8:])
	}
	at := word(0) + 2 // argc, argv and its end
	for word(at) != 0 {
		at++
	}
	for at++; word(at) != 0; at += 2 {
		if word(at) == atRandom {
			return word(at + 1)
		}
	}
	return 0
}

// walkAll steps until one of the ends.
func (s *stepper) walkAll() error {
	for !slices.Contains(s.until, s.regs.Rip) {
		if len(s.walk.Steps) == maxSteps {
			return fmt.Errorf("%w in %d instructions", ErrNotReached, maxSteps)
		}
		if err := s.step(); err != nil {
			return fmt.Errorf("behind %d instructions: %w", len(s.walk.Steps), err)
		}
	}
	s.walk.End = s.regs.Rip
	return nil
}

// step executes one instruction, to the end of its repetitions.
func (s *stepper) step() error {
	pc := s.regs.Rip
	op, err := s.op(pc)
	if err != nil {
		return err
	}
	before := values(&s.regs)
	step := Step{PC: pc, Syscall: -1}
	accesses := op.Accesses(pc, &before)
	if s.clocks[pc] {
		accesses = nil // of a whole function: what it writes is found as what a system call writes
	}
	for i, a := range accesses {
		if !s.mem.meet(a.Addr, a.Size) {
			accesses[i].Write = false // it faults, which the program has to live with
		}
	}
	if op.IsSyscall() {
		step.Syscall = int(int32(before[trace.RAX]))
	}
	if err := s.execute(pc, op); err != nil {
		return err
	}
	if op.IsCPUID() && before[trace.RAX] == 1 {
		// Which processor it ran on is another each time.
		s.regs.Rbx &= 0x00ffffff
		if err := unix.PtraceSetRegs(s.pid, &s.regs); err != nil {
			return s.gone(fmt.Errorf("write registers: %w", err))
		}
	}
	for _, a := range accesses {
		if !a.Write {
			continue
		}
		put, ok := s.mem.written(a.Addr, a.Size)
		if !ok {
			return fmt.Errorf("read %d bytes at %#x", a.Size, a.Addr)
		}
		step.Put = append(step.Put, put)
	}
	if op.IsSyscall() || s.clocks[pc] {
		step.Put = s.mem.changes()
	}
	after := values(&s.regs)
	step.Set = differences(&before, &after)
	s.walk.Steps = append(s.walk.Steps, step)
	return nil
}

// execute lets the processor execute the instruction at pc: to the end of its
// repetitions, of its system call, or of its function in the vDSO.
func (s *stepper) execute(pc uint64, op trace.Op) error {
	if s.clocks[pc] {
		return s.through()
	}
	if op.IsSyscall() && len(s.others) > 0 {
		if err := s.release(); err != nil {
			return err
		}
	}
	for {
		if err := unix.PtraceSingleStep(s.pid); err != nil {
			return s.gone(fmt.Errorf("step: %w", err))
		}
		if err := s.stopped(); err != nil {
			return err
		}
		if err := s.getRegs(); err != nil {
			return err
		}
		if s.regs.Rip != pc || !op.Repeats() {
			break
		}
	}
	if op.IsSyscall() {
		return s.hold()
	}
	return nil
}

// op decodes the instruction at pc, once.
func (s *stepper) op(pc uint64) (trace.Op, error) {
	op, ok := s.ops[pc]
	if ok {
		return op, nil
	}
	const longest = 15 // bytes an instruction can have
	var code [longest]byte
	n := longest
	for n > 0 && !s.mem.read(pc, code[:n]) {
		n-- // the page behind it may not be there
	}
	if op = trace.DecodeOp(code[:n]); op.Len() == 0 {
		return op, fmt.Errorf("no instruction at %#x (% x)", pc, code[:n])
	}
	s.ops[pc], s.walk.Code[pc] = op, bytes.Clone(code[:op.Len()])
	return op, nil
}

// gone explains a request that failed because the program is no more.
func (s *stepper) gone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return s.stopped()
	}
	return err
}

func (s *stepper) getRegs() error {
	if err := unix.PtraceGetRegs(s.pid, &s.regs); err != nil {
		return s.gone(fmt.Errorf("read registers: %w", err))
	}
	return nil
}

func values(r *unix.PtraceRegs) trace.Regs {
	return trace.Regs{
		r.Rax, r.Rbx, r.Rcx, r.Rdx, r.Rsi, r.Rdi, r.Rbp, r.Rsp,
		r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15, r.Eflags, r.Fs_base, r.Gs_base,
	}
}

// differences are the registers that are not what they were.
func differences(before, after *trace.Regs) (list []trace.Set) {
	for reg := range after {
		if after[reg] != before[reg] {
			list = append(list, trace.Set{Reg: trace.Reg(reg), Value: after[reg]})
		}
	}
	return list
}
