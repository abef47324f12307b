// Package trace keeps a boot trace: every instruction of a start, from the
// process's first on, with the registers and the memory it changed. A file
// holds all that is needed to look at it: names, instructions, the lines of
// source; neither the binary nor the toolchain is asked again. How it is
// written is told in docs/boot-trace.md.
//
// The package starts nothing and works on every system; what makes traces is
// package step, below.
package trace

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
)

// Version is the version of the file's format.
const Version = 1

// Trace is one recorded start, seen from its first thread.
//
// A position is a number from 0 to len(Steps): at position p the process is
// about to make Steps[p]; at the last one it stands at End.
type Trace struct {
	Header
	Funcs  []Func   // sorted by address, disjoint
	Lines  []Line   // sorted by file and number
	Insts  []Inst   // sorted by address, disjoint; the whole body of each function passed
	Vars   []Var    // sorted by address, disjoint; those in Memory
	Memory []Memory // sorted by address, disjoint, not adjacent
	Start  Regs     // at position 0
	Steps  []Step
	End    uint64 // address of the instruction at which it ends, which is not executed
	Stops  []Stop // sorted by position and name
}

// Header says what was traced and where.
type Header struct {
	Release string `json:"release"` // "go1.26.8"
	GOOS    string `json:"goos"`
	GOARCH  string `json:"goarch"`
	Setup   string `json:"setup"`
	Fixture string `json:"fixture"`
	// Digest names the inputs of the build.
	Digest string   `json:"digest"`
	To     string   `json:"to"`   // the stop at which it ends
	Args   []string `json:"args"` // the whole argv
	Env    []string `json:"env"`
	Host   Host     `json:"host"`
}

// Host is what a start depends on besides the binary: on two equal hosts it
// takes the same way, instruction by instruction.
type Host struct {
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"` // processors it may run on
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
}

// Func is a function that the start passes through.
type Func struct {
	Name      string // without ".abi0"
	Addr, End uint64 // first byte, first byte behind it
}

// Line is a line of source that an instruction belongs to.
type Line struct {
	File   string // from below GOROOT/src: "runtime/asm_amd64.s"
	Number int
	Text   string // as it stands there, without the end of the line; "" when not known
}

// Inst is one instruction of the program, passed or not.
type Inst struct {
	Addr uint64
	Code []byte
	Line int // index into Lines; -1 = none
	// Go and Intel are the instruction in package insn's two spellings.
	Go, Intel string
}

// Var is a variable of the program, a field or an element of one.
type Var struct {
	Addr, Size uint64
	Name       string // "runtime.g0.stack.lo"
}

// Memory is what stood in a range of memory when the trace first met it:
// what was there at the start, or was put there later by somebody else.
type Memory struct {
	Addr  uint64
	Bytes []byte
}

// Step is one instruction that was executed. One with a rep prefix is one step.
type Step struct {
	Inst int // index into Insts
	Set  []Set
	Put  []Put
	// Syscall is the number of the system call it makes; -1 = none. Its result is
	// what it leaves in rax. What the kernel wrote in the meantime is in Put as
	// far as the trace knew that memory.
	Syscall int
	Name    string // of the system call
}

// Set is a register that changed.
type Set struct {
	Reg   Reg
	Value uint64
}

// Put is memory that was written, be it with what was there before.
type Put struct {
	Addr  uint64
	Bytes []byte
}

// Stop is a stop of the scripts that the start passes.
type Stop struct {
	Name string // as the scripts spell it
	At   int    // position
}

// Reg is a register.
type Reg uint8

// The registers a trace keeps, in the order of the file. Rip is implied by the
// instructions; those for vectors and floating point are not kept.
const (
	RAX Reg = iota
	RBX
	RCX
	RDX
	RSI
	RDI
	RBP
	RSP
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	RFLAGS
	FSBase
	GSBase
	NumRegs = iota
)

var regNames = [NumRegs]string{
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rflags", "fs_base", "gs_base",
}

// String is the register's name as the scripts spell it: "rax", "fs_base".
func (r Reg) String() string {
	if int(r) < len(regNames) {
		return regNames[r]
	}
	return "register " + strconv.Itoa(int(r))
}

// RegNamed finds a register by its name.
func RegNamed(name string) (Reg, bool) {
	i := slices.Index(regNames[:], name)
	return Reg(max(i, 0)), i >= 0
}

// Regs are the values of all registers.
type Regs [NumRegs]uint64

// Path is where the trace is kept below the data folder, with slashes. Labs
// that trace the same setup share it.
func (h *Header) Path() string {
	return Dir(h.Setup) + "/" + h.Release + "-" + h.GOOS + "-" + h.GOARCH + Extension
}

// Extension ends the name of a file with a trace.
const Extension = ".trace"

// Dir is where the traces of a setup are kept below the data folder.
func Dir(setup string) string { return "labs/traces/" + setup }

// InstAt finds the instruction that begins at an address; -1 = none.
func (t *Trace) InstAt(addr uint64) int {
	i, ok := slices.BinarySearchFunc(t.Insts, addr, func(in Inst, a uint64) int { return cmp.Compare(in.Addr, a) })
	if !ok {
		return -1
	}
	return i
}

// FuncAt finds the function that holds an address; -1 = none.
func (t *Trace) FuncAt(addr uint64) int {
	i := sort.Search(len(t.Funcs), func(i int) bool { return t.Funcs[i].End > addr })
	if i < len(t.Funcs) && t.Funcs[i].Addr <= addr {
		return i
	}
	return -1
}

// PC is the address of the instruction at a position.
func (t *Trace) PC(at int) uint64 {
	if at < len(t.Steps) {
		return t.Insts[t.Steps[at].Inst].Addr
	}
	return t.End
}
