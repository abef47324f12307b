package trace

import (
	"golang.org/x/arch/x86/x86asm"

	"github.com/rt0lab/rt0lab/runner/insn"
)

// Access is memory that an instruction is about to use.
type Access struct {
	Addr  uint64
	Size  int // bytes
	Write bool
}

// maxAccess bounds what one instruction is taken to use: a rep with an absurd
// count ends in a fault long before.
const maxAccess = 1 << 26

// Op is an instruction of amd64, decoded for Accesses.
type Op struct {
	inst x86asm.Inst
	ok   bool
}

// DecodeOp decodes the instruction that code begins with. What cannot be decoded accesses nothing.
func DecodeOp(code []byte) Op {
	x, ok := insn.DecodeAMD64(code)
	return Op{inst: x, ok: ok}
}

// Len is how many bytes the instruction has; 0 when it could not be decoded.
func (o Op) Len() int {
	if !o.ok {
		return 0
	}
	return o.inst.Len
}

// IsSyscall reports whether the kernel is called.
func (o Op) IsSyscall() bool { return o.ok && o.inst.Op == x86asm.SYSCALL }

// IsCall and IsReturn tell what enters and leaves functions.
func (o Op) IsCall() bool { return o.ok && o.inst.Op == x86asm.CALL }

// IsReturn reports whether the instruction is a RET.
func (o Op) IsReturn() bool { return o.ok && o.inst.Op == x86asm.RET }

// IsCPUID reports whether the processor is asked what it is.
func (o Op) IsCPUID() bool { return o.ok && o.inst.Op == x86asm.CPUID }

// Repeats reports whether the instruction has a rep prefix, and is executed
// again and again by single-stepping.
func (o Op) Repeats() bool {
	_, isString := stringOps[o.inst.Op]
	return o.ok && isString && hasRep(&o.inst)
}

// The string operations and the bytes of one element. How they use memory follows from their names.
var stringOps = map[x86asm.Op]int{
	x86asm.MOVSB: 1, x86asm.MOVSW: 2, x86asm.MOVSD: 4, x86asm.MOVSQ: 8,
	x86asm.STOSB: 1, x86asm.STOSW: 2, x86asm.STOSD: 4, x86asm.STOSQ: 8,
	x86asm.LODSB: 1, x86asm.LODSW: 2, x86asm.LODSD: 4, x86asm.LODSQ: 8,
	x86asm.SCASB: 1, x86asm.SCASW: 2, x86asm.SCASD: 4, x86asm.SCASQ: 8,
	x86asm.CMPSB: 1, x86asm.CMPSW: 2, x86asm.CMPSD: 4, x86asm.CMPSQ: 8,
}

func hasRep(x *x86asm.Inst) bool {
	for _, p := range x.Prefix {
		if p&0xff == x86asm.PrefixREP || p&0xff == x86asm.PrefixREPN {
			return true
		}
	}
	return false
}

// reads are the instructions that only read the memory they name first.
var reads = map[x86asm.Op]bool{
	x86asm.CMP: true, x86asm.TEST: true, x86asm.CALL: true, x86asm.JMP: true, x86asm.PUSH: true, x86asm.BT: true,
	x86asm.MUL: true, x86asm.DIV: true, x86asm.IDIV: true, x86asm.IMUL: true, x86asm.LDMXCSR: true, x86asm.FLDCW: true,
	x86asm.FLD: true, x86asm.FILD: true, x86asm.FXRSTOR: true, x86asm.FXRSTOR64: true, x86asm.XRSTOR: true, x86asm.LGDT: true, x86asm.LIDT: true,
	x86asm.COMISS: true, x86asm.COMISD: true, x86asm.UCOMISS: true, x86asm.UCOMISD: true, x86asm.PTEST: true,
}

// nowhere are the instructions that name memory and leave it alone.
var nowhere = map[x86asm.Op]bool{
	x86asm.LEA: true, x86asm.NOP: true, x86asm.PREFETCHNTA: true, x86asm.PREFETCHT0: true, x86asm.PREFETCHT1: true,
	x86asm.PREFETCHT2: true, x86asm.PREFETCHW: true, x86asm.CLFLUSH: true, x86asm.INVLPG: true,
}

// Accesses are the ranges of memory that the instruction at pc uses when the
// registers are r: what its operands name, what it pushes and pops, and all
// that a rep goes through. What the kernel does in a system call is not among them.
func (o Op) Accesses(pc uint64, r *Regs) (list []Access) {
	if !o.ok || nowhere[o.inst.Op] {
		return nil
	}
	x := &o.inst
	if size, ok := stringOps[x.Op]; ok {
		return stringAccesses(x, size, r)
	}
	word := 8
	if x.DataSize == 16 {
		word = 2
	}
	push := Access{Addr: r[RSP] - uint64(word), Size: word, Write: true}
	pop := Access{Addr: r[RSP], Size: word}
	switch x.Op {
	case x86asm.CALL, x86asm.PUSH, x86asm.PUSHF, x86asm.PUSHFQ:
		list = append(list, push)
	case x86asm.POP, x86asm.POPF, x86asm.POPFQ, x86asm.RET:
		list = append(list, pop)
	case x86asm.LEAVE:
		list = append(list, Access{Addr: r[RBP], Size: 8})
	}
	for i, a := range x.Args {
		m, ok := a.(x86asm.Mem)
		if !ok {
			continue
		}
		base := *r
		if x.Op == x86asm.POP {
			base[RSP] += uint64(word) // the address is taken after the pop
		}
		write := i == 0 && !reads[x.Op] || x.Op == x86asm.XCHG || x.Op == x86asm.XADD
		list = append(list, Access{Addr: effective(x, m, pc, &base), Size: memorySize(x), Write: write})
	}
	return list
}

const directionFlag = 1 << 10

func stringAccesses(x *x86asm.Inst, size int, r *Regs) []Access {
	n := uint64(1)
	if hasRep(x) {
		n = min(r[RCX], maxAccess/uint64(size))
	}
	if n == 0 {
		return nil
	}
	at := func(reg Reg, write bool) Access {
		addr := r[reg]
		if r[RFLAGS]&directionFlag != 0 { // downwards
			addr -= (n - 1) * uint64(size)
		}
		return Access{Addr: addr, Size: int(n) * size, Write: write}
	}
	switch x.Op {
	case x86asm.STOSB, x86asm.STOSW, x86asm.STOSD, x86asm.STOSQ:
		return []Access{at(RDI, true)}
	case x86asm.MOVSB, x86asm.MOVSW, x86asm.MOVSD, x86asm.MOVSQ:
		return []Access{at(RDI, true), at(RSI, false)}
	case x86asm.LODSB, x86asm.LODSW, x86asm.LODSD, x86asm.LODSQ:
		return []Access{at(RSI, false)}
	case x86asm.SCASB, x86asm.SCASW, x86asm.SCASD, x86asm.SCASQ:
		return []Access{at(RDI, false)}
	}
	return []Access{at(RDI, false), at(RSI, false)}
}

// memorySize is how many bytes the memory operand has.
func memorySize(x *x86asm.Inst) int {
	switch x.Op {
	case x86asm.FXSAVE, x86asm.FXSAVE64, x86asm.FXRSTOR, x86asm.FXRSTOR64, x86asm.XSAVE, x86asm.XRSTOR:
		return 512
	case x86asm.CMPXCHG16B:
		return 16
	}
	if x.MemBytes > 0 {
		return x.MemBytes
	}
	return 8
}

// effective is the address of a memory operand.
func effective(x *x86asm.Inst, m x86asm.Mem, pc uint64, r *Regs) uint64 {
	addr := uint64(m.Disp)
	if m.Base == x86asm.RIP {
		addr += pc + uint64(x.Len)
	} else {
		addr += value(m.Base, r)
	}
	if m.Scale != 0 {
		addr += value(m.Index, r) * uint64(m.Scale)
	}
	if x.AddrSize == 32 {
		addr = uint64(uint32(addr))
	}
	switch m.Segment {
	case x86asm.FS:
		addr += r[FSBase]
	case x86asm.GS:
		addr += r[GSBase]
	}
	return addr
}

// value is that of a general register, as it is used in an address.
func value(reg x86asm.Reg, r *Regs) uint64 {
	// The order of the decoder: ax cx dx bx sp bp si di r8 …
	order := [...]Reg{RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15}
	switch {
	case x86asm.RAX <= reg && reg <= x86asm.R15:
		return r[order[reg-x86asm.RAX]]
	case x86asm.EAX <= reg && reg <= x86asm.R15L:
		return uint64(uint32(r[order[reg-x86asm.EAX]]))
	}
	return 0
}
