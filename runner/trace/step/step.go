// Package step makes boot traces: it starts a program and goes through it
// instruction by instruction with ptrace, some thirty times faster than
// through a debugger. Only Linux on amd64 has it.
package step

import (
	"context"
	"errors"
	"time"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// ErrMachine is wrapped when the reason lies in this machine: another system,
// no right to trace. The text says how to get it.
var ErrMachine = errors.New("not possible on this machine")

// ErrNotReached is wrapped when the program ended, or time ran out, before it
// came to where the trace was to end.
var ErrNotReached = errors.New("the end of the trace was not reached")

// DefaultTimeout bounds one trace when the request does not.
const DefaultTimeout = time.Minute

// maxSteps bounds what is kept of a program that never arrives.
const maxSteps = 5_000_000

// Request is one start of a program that is to be traced.
type Request struct {
	Binary string // absolute path
	// Args is argv without argv[0], which is "./" and the name of the file, so
	// that the trace does not depend on the folder.
	Args []string
	Env  []string // the whole environment
	// Until are the addresses at which the trace ends; the instruction there is not executed.
	Until   []uint64
	Timeout time.Duration // 0 means DefaultTimeout
}

// Walk is what was seen, without names.
type Walk struct {
	Argv   []string
	Host   trace.Host
	Start  trace.Regs
	Memory []trace.Memory
	Steps  []Step
	End    uint64
	// VDSO are the functions of the kernel's that lie in every process, as far as they have names.
	VDSO []trace.Func
	// Code has the bytes of each instruction that was executed, by address.
	Code map[uint64][]byte
}

// Step is one instruction that was executed.
type Step struct {
	PC      uint64
	Set     []trace.Set
	Put     []trace.Put
	Syscall int // -1 = none
}

// Run starts the program and follows its first thread; the others run only while that is in a
// system call. Nothing of the program
// is alive when it returns. The error wraps ErrMachine, ErrNotReached or ctx's.
func Run(ctx context.Context, req Request) (*Walk, error) { return run(ctx, req) }

// Ready returns nil, or an error that wraps ErrMachine and says what is missing.
func Ready() error { return ready() }
