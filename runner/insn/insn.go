// Package insn decodes machine code into the two spellings rt0lab uses: Go's
// own (Plan 9) for stops, and one normalised Intel spelling for facts, which
// every witness must produce letter by letter.
//
// # The normalised Intel spelling
//
// It is what gdb prints after "set disassembly-flavor intel", changed by these
// steps, in this order. S is the text of one instruction, without address,
// offset and the tab behind them.
//
//  1. Cut S at the first "#" (gdb's comment) after having taken the hexadecimal
//     number N that follows it, if there is one.
//  2. Remove from the first " <" to the last ">" (a symbol behind an address; it may hold blanks).
//  3. Lower case; trim blanks; every run of blanks is one blank.
//  4. Remove the size words: "byte ptr ", "word ptr ", "dword ptr ", "qword ptr ",
//     "tbyte ptr ", "fword ptr ", "xmmword ptr ", "ymmword ptr ", "zmmword ptr ".
//  5. A no-op of any form is "nop": S (after prefixes such as "data16", "cs") begins
//     with "nop", or is "xchg ax,ax".
//  6. An operand with rip in it, "[rip+0x…]", becomes "[N]".
//  7. Remove "+0x0" in front of "]" (a displacement of zero that was encoded).
//  8. A decimal operand becomes hexadecimal: "sar rcx,1" is "sar rcx,0x1". Not
//     meant are the scale in "[rax+rcx*8]", the digit in a register's name and "st(1)".
//  9. No blank after a comma.
//
// Mnemonics, the order of operands, immediates ("and rsp,0xfffffffffffffff0":
// sign-extended to the size of the operand), negative displacements
// ("[rsp-0x10000]"), thread-local operands ("fs:0xfffffffffffffff8") and
// prefixes ("lock ", "rep ", "repz ", "repnz ") stay as gdb prints them. As a
// regular expression in Python, for step 8: (?<![\w*(])(\d+)(?![\w)]).
//
// Bytes that are no instruction are "?", one byte each (gdb: "(bad)"; four bytes on arm64).
package insn

import (
	"errors"
	"fmt"
	"strings"
)

// ErrArch is wrapped by Decode for a GOARCH it has no decoder for.
var ErrArch = errors.New("no decoder for this GOARCH")

// Bad is the text of a byte that does not begin an instruction, in both spellings.
const Bad = "?"

// Inst is one decoded instruction.
type Inst struct {
	Addr uint64
	Len  int // bytes
	// Go is the instruction in Go's syntax, symbols resolved, "(SB)" and ".abi0"
	// dropped: "CALL runtime.check", "SUBQ $0x27, SP".
	Go string
	// Intel is the normalised Intel spelling (see the package's comment); for arm64 GNU's.
	Intel string
	// Target is where a direct call or jump goes; 0 = none.
	Target uint64
	Call   bool
	Ret    bool
	Jump   bool // conditional or not; calls are none
	// Operand is what an indirect call or jump goes through: "rax", "[rcx+0x8]".
	Operand string
}

// Symbols finds the symbol that contains an address; name is "" when there is none.
type Symbols = func(addr uint64) (name string, base uint64)

// Decode decodes code, which starts at the address pc, to its end. symbol may
// be nil. Bytes that are no instruction become instructions of one byte (arm64:
// of four) with the text Bad, so Len always adds up to len(code). The only error is ErrArch.
func Decode(goarch string, code []byte, pc uint64, symbol Symbols) ([]Inst, error) {
	var one func(code []byte, pc uint64, symbol Symbols) Inst
	average := 4 // bytes an instruction
	switch goarch {
	case "amd64":
		one = decodeAMD64
	case "arm64":
		one = decodeARM64
	default:
		return nil, fmt.Errorf("decode %d bytes at %#x: %w: %s (amd64 and arm64 have one)", len(code), pc, ErrArch, goarch)
	}
	named := func(addr uint64) (string, uint64) {
		if symbol == nil {
			return "", 0
		}
		name, base := symbol(addr)
		return strings.TrimSuffix(name, ".abi0"), base
	}
	insts := make([]Inst, 0, len(code)/average+1)
	for off := 0; off < len(code); {
		in := one(code[off:], pc+uint64(off), named)
		if in.Len <= 0 || in.Len > len(code)-off {
			in = Inst{Len: 1, Go: Bad, Intel: Bad}
		}
		in.Addr = pc + uint64(off)
		in.Go = strings.ReplaceAll(in.Go, "(SB)", "")
		insts = append(insts, in)
		off += in.Len
	}
	return insts, nil
}
