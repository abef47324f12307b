package insn

import (
	"bytes"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
)

func decodeARM64(code []byte, pc uint64, symbol Symbols) Inst {
	x, err := arm64asm.Decode(code)
	if err != nil { // every instruction has four bytes: stay in step
		return Inst{Len: min(4, len(code)), Go: Bad, Intel: Bad}
	}
	in := Inst{Len: 4, Go: arm64asm.GoSyntax(x, pc, symbol, bytes.NewReader(nil)), Intel: strings.ToLower(arm64asm.GNUSyntax(x))}
	switch x.Op {
	case arm64asm.BL, arm64asm.BLR:
		in.Call = true
	case arm64asm.RET, arm64asm.ERET:
		in.Ret = true
	case arm64asm.B, arm64asm.BR, arm64asm.CBZ, arm64asm.CBNZ, arm64asm.TBZ, arm64asm.TBNZ:
		in.Jump = true
	}
	if !in.Call && !in.Jump {
		return in
	}
	for _, a := range x.Args {
		if rel, ok := a.(arm64asm.PCRel); ok {
			in.Target = pc + uint64(rel)
		}
	}
	if in.Target == 0 && x.Args[0] != nil {
		in.Operand = strings.ToLower(x.Args[0].String())
	}
	return in
}
