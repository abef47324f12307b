package insn

import (
	"strconv"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// DecodeAMD64 decodes the one instruction that code begins with, for who asks
// for its operands and not for its text. ok is false when there is none.
func DecodeAMD64(code []byte) (x x86asm.Inst, ok bool) {
	x, err := x86asm.Decode(code, 64)
	if err != nil || x.Op == 0 || x.Len == 0 {
		return x86asm.Inst{}, false
	}
	if x.Op == x86asm.VZEROUPPER || x.Op == x86asm.VZEROALL {
		// x86asm takes a ModRM byte for theirs that they do not have, and what that asks for.
		x.Len = 3 // two bytes of prefix and the opcode
		if code[0] == 0xc4 {
			x.Len++
		}
	}
	repairAddresses(&x, code)
	return x, true
}

func decodeAMD64(code []byte, pc uint64, symbol Symbols) Inst {
	x, ok := DecodeAMD64(code)
	if !ok {
		return Inst{Len: 1, Go: Bad, Intel: Bad}
	}
	in := Inst{Len: x.Len, Intel: intel(x, pc)}
	in.Go = x86asm.GoSyntax(x, pc, withoutImmediates(x, symbol))
	switch x.Op {
	case x86asm.CALL, x86asm.LCALL:
		in.Call = true
	case x86asm.RET, x86asm.LRET, x86asm.IRET, x86asm.IRETD, x86asm.IRETQ:
		in.Ret = true
	default:
		in.Jump = jumps[x.Op]
	}
	if in.Call || in.Jump {
		if rel, ok := x.Args[0].(x86asm.Rel); ok {
			in.Target = pc + uint64(x.Len) + uint64(rel)
		} else {
			_, in.Operand, _ = strings.Cut(in.Intel, " ")
		}
	}
	return in
}

// repairAddresses gives 32-bit displacements their sign, which x86asm leaves
// out (-0x10000(SP) would be 0xffff0000(SP), and what lies before a
// rip-relative instruction would be 4 GiB behind it), and rip-relative
// operands of AVX-512 instructions their base.
func repairAddresses(x *x86asm.Inst, code []byte) {
	if op := x.Opcode >> 24; x.Op == x86asm.MOV && op&^3 == 0xa0 { // a 64-bit address
		return
	}
	for i, a := range x.Args {
		m, ok := a.(x86asm.Mem)
		if !ok {
			continue
		}
		if uint64(m.Disp)>>32 == 0 {
			m.Disp = int64(int32(m.Disp))
		}
		// Four bytes of prefix and the opcode stand before the ModRM byte.
		if m.Base == 0 && m.Index == 0 && x.Prefix[0].IsEVEX() && x.Len > 5 && code[5]&0xc7 == 0x05 {
			m.Base = x86asm.RIP
		}
		x.Args[i] = m
	}
}

// withoutImmediates hides the symbol at an address that stands in the
// instruction as a plain number: GoSyntax would spell the number as a symbol,
// which is meant for 386.
func withoutImmediates(x x86asm.Inst, symbol Symbols) Symbols {
	return func(addr uint64) (string, uint64) {
		for _, a := range x.Args {
			if imm, ok := a.(x86asm.Imm); ok && uint64(imm) == addr {
				return "", 0
			}
		}
		return symbol(addr)
	}
}

var jumps = map[x86asm.Op]bool{
	x86asm.JMP: true, x86asm.LJMP: true, x86asm.JA: true, x86asm.JAE: true, x86asm.JB: true, x86asm.JBE: true,
	x86asm.JE: true, x86asm.JNE: true, x86asm.JG: true, x86asm.JGE: true, x86asm.JL: true, x86asm.JLE: true,
	x86asm.JO: true, x86asm.JNO: true, x86asm.JP: true, x86asm.JNP: true, x86asm.JS: true, x86asm.JNS: true,
	x86asm.JCXZ: true, x86asm.JECXZ: true, x86asm.JRCXZ: true,
	x86asm.LOOP: true, x86asm.LOOPE: true, x86asm.LOOPNE: true,
}

// intel spells x as gdb does, normalised: see the package's comment. x86asm's own
// Intel spelling follows another assembler and has lost what is needed to get from there to gdb's.
func intel(x x86asm.Inst, pc uint64) string {
	op := mnemonic(x)
	if op == "nop" || op == "int3" {
		return op
	}
	var args []string
	for i, a := range x.Args {
		if a == nil {
			break
		}
		text := operand(x, a, pc)
		if r, ok := a.(x86asm.Reg); ok && i == 1 && x86asm.K1 <= r && r <= x86asm.K7 && !strings.HasPrefix(op, "k") { // a mask
			args[0] += "{" + text + "}"
			if x.Zeroing {
				args[0] += "{z}"
			}
			continue
		}
		args = append(args, text)
	}
	if op == "xchg" && len(args) == 2 && args[0] == "ax" && args[1] == "ax" {
		return "nop"
	}
	if named := comparison(x, op); named != "" {
		op, args = named, args[:len(args)-1]
	}
	text := prefixOf(x) + op
	if len(args) > 0 {
		text += " " + strings.Join(args, ",")
	}
	return text
}

// names are the mnemonics where gdb's is not x86asm's in lower case.
var names = map[x86asm.Op]string{
	x86asm.MOVSD_XMM: "movsd", x86asm.CMPSD_XMM: "cmpsd", x86asm.LCALL: "call", x86asm.LJMP: "jmp",
	x86asm.LRET: "retf", x86asm.PUSHFQ: "pushf", x86asm.POPFQ: "popf", x86asm.ICEBP: "int1",
	x86asm.MOVSB: "movs", x86asm.MOVSW: "movs", x86asm.MOVSD: "movs", x86asm.MOVSQ: "movs",
	x86asm.STOSB: "stos", x86asm.STOSW: "stos", x86asm.STOSD: "stos", x86asm.STOSQ: "stos",
	x86asm.LODSB: "lods", x86asm.LODSW: "lods", x86asm.LODSD: "lods", x86asm.LODSQ: "lods",
	x86asm.SCASB: "scas", x86asm.SCASW: "scas", x86asm.SCASD: "scas", x86asm.SCASQ: "scas",
	x86asm.CMPSB: "cmps", x86asm.CMPSW: "cmps", x86asm.CMPSD: "cmps", x86asm.CMPSQ: "cmps",
}

func mnemonic(x x86asm.Inst) string {
	switch x.Op {
	case x86asm.MOV:
		if _, ok := x.Args[1].(x86asm.Imm); ok && x.Opcode>>24&^7 == 0xb8 && x.DataSize == 64 {
			return "movabs"
		}
	case x86asm.INT:
		if x.Opcode>>24 == 0xcc {
			return "int3"
		}
	}
	if s := names[x.Op]; s != "" {
		return s
	}
	return strings.ToLower(x.Op.String())
}

// predicates are the comparisons that have names of their own: the immediate moves into the mnemonic.
var predicates = [...]string{"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"}

func comparison(x x86asm.Inst, op string) string {
	n := len(x.Args)
	for n > 0 && x.Args[n-1] == nil {
		n--
	}
	if n == 0 {
		return ""
	}
	imm, ok := x.Args[n-1].(x86asm.Imm)
	if !ok || imm < 0 || int(imm) >= len(predicates) {
		return ""
	}
	switch x.Op {
	case x86asm.CMPPS, x86asm.CMPPD, x86asm.CMPSS, x86asm.CMPSD_XMM:
		return "cmp" + predicates[imm] + op[len("cmp"):]
	case x86asm.VPCMPB, x86asm.VPCMPW, x86asm.VPCMPD, x86asm.VPCMPQ, x86asm.VPCMPUB, x86asm.VPCMPUW, x86asm.VPCMPUD, x86asm.VPCMPUQ:
		if imm&3 != 3 { // "false" and "true" have none
			return "vpcmp" + predicates[imm] + op[len("vpcmp"):]
		}
	}
	return ""
}

func prefixOf(x x86asm.Inst) string {
	text := ""
	for _, p := range x.Prefix {
		if p == 0 || p.IsVEX() || p.IsEVEX() { // what follows is no prefix
			break
		}
		if p&x86asm.PrefixImplicit != 0 && p&0xff != x86asm.PrefixLOCK {
			continue
		}
		switch p & 0xff {
		case x86asm.PrefixLOCK:
			text += "lock "
		case x86asm.PrefixREP:
			switch x.Op {
			case x86asm.CMPSB, x86asm.CMPSW, x86asm.CMPSD, x86asm.CMPSQ, x86asm.SCASB, x86asm.SCASW, x86asm.SCASD, x86asm.SCASQ, x86asm.RET:
				text += "repz "
			default:
				text += "rep "
			}
		case x86asm.PrefixREPN:
			text += "repnz "
		}
	}
	return text
}

func operand(x x86asm.Inst, arg x86asm.Arg, pc uint64) string {
	switch a := arg.(type) {
	case x86asm.Reg:
		return register(a)
	case x86asm.Rel:
		return hex(pc + uint64(x.Len) + uint64(a))
	case x86asm.Imm:
		return hex(uint64(a) & immediateMask(x))
	case x86asm.Mem:
		return memory(x, a, pc)
	}
	return strings.ToLower(arg.String())
}

func hex(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

// immediateMask cuts a sign-extended immediate to the operand it is used
// with. Operations on other than general registers take one unsigned byte.
func immediateMask(x x86asm.Inst) uint64 {
	switch x.Op {
	case x86asm.SHL, x86asm.SHR, x86asm.SAR, x86asm.ROL, x86asm.ROR, x86asm.RCL, x86asm.RCR,
		x86asm.SHLD, x86asm.SHRD, x86asm.BT, x86asm.BTC, x86asm.BTR, x86asm.BTS, x86asm.INT, x86asm.IN, x86asm.OUT, x86asm.RORX:
		return 0xff
	case x86asm.RET, x86asm.LRET, x86asm.ENTER:
		return 0xffff
	case x86asm.PUSH:
		return ^uint64(0)
	}
	size := x.MemBytes
	if r, ok := x.Args[0].(x86asm.Reg); ok {
		size = registerSize(r)
	}
	switch size {
	case 1:
		return 0xff
	case 2:
		return 0xffff
	case 4:
		return 0xffffffff
	case 8:
		return ^uint64(0)
	}
	return 0xff
}

func registerSize(r x86asm.Reg) int {
	switch {
	case x86asm.AL <= r && r <= x86asm.R15B:
		return 1
	case x86asm.AX <= r && r <= x86asm.R15W:
		return 2
	case x86asm.EAX <= r && r <= x86asm.R15L:
		return 4
	case x86asm.RAX <= r && r <= x86asm.R15:
		return 8
	}
	return 0
}

func register(r x86asm.Reg) string {
	switch {
	case x86asm.SPB <= r && r <= x86asm.DIB:
		return [...]string{"spl", "bpl", "sil", "dil"}[r-x86asm.SPB]
	case x86asm.R8L <= r && r <= x86asm.R15L:
		return "r" + strconv.Itoa(int(r-x86asm.R8L)+8) + "d"
	case x86asm.F0 <= r && r <= x86asm.F7:
		return "st(" + strconv.Itoa(int(r-x86asm.F0)) + ")"
	case x86asm.M0 <= r && r <= x86asm.M7:
		return "mm" + strconv.Itoa(int(r-x86asm.M0))
	case x86asm.X0 <= r && r <= x86asm.X31:
		return "xmm" + strconv.Itoa(int(r-x86asm.X0))
	case x86asm.Y0 <= r && r <= x86asm.Y31:
		return "ymm" + strconv.Itoa(int(r-x86asm.Y0))
	case x86asm.Z0 <= r && r <= x86asm.Z31:
		return "zmm" + strconv.Itoa(int(r-x86asm.Z0))
	}
	return strings.ToLower(r.String())
}

func memory(x x86asm.Inst, m x86asm.Mem, pc uint64) string {
	var b strings.Builder
	switch m.Segment {
	case x86asm.FS, x86asm.GS:
		b.WriteString(strings.ToLower(m.Segment.String()) + ":")
	case x86asm.ES, x86asm.DS:
		if s := names[x.Op]; s != "" && len(s) == 4 { // a string instruction
			b.WriteString(strings.ToLower(m.Segment.String()) + ":")
		}
	}
	switch {
	case m.Base == x86asm.RIP && m.Index == 0:
		b.WriteString("[" + hex(pc+uint64(x.Len)+uint64(m.Disp)) + "]")
		return b.String()
	case m.Base == 0 && (m.Index == 0 || m.Scale == 0):
		if b.Len() == 0 {
			b.WriteString("ds:")
		}
		b.WriteString(hex(uint64(m.Disp)))
		return b.String()
	}
	b.WriteByte('[')
	if m.Base != 0 {
		b.WriteString(register(m.Base))
	}
	if m.Index != 0 && m.Scale != 0 {
		if m.Base != 0 {
			b.WriteByte('+')
		}
		b.WriteString(register(m.Index) + "*" + strconv.Itoa(int(m.Scale)))
	}
	switch {
	case m.Disp < 0:
		b.WriteString("-" + hex(uint64(-m.Disp)))
	case m.Disp > 0:
		b.WriteString("+" + hex(uint64(m.Disp)))
	}
	b.WriteByte(']')
	return b.String()
}
