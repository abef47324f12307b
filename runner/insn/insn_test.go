package insn

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func symbols(addr uint64) (string, uint64) {
	switch {
	case addr >= 0x1000 && addr < 0x1010:
		return "runtime.check.abi0", 0x1000
	case addr == 0x2000:
		return "runtime.g0", 0x2000
	}
	return "", 0
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, goarch string
		code         []byte
		pc           uint64
		want         []Inst
	}{
		{"direct call", "amd64", []byte{0xe8, 0xfb, 0x0f, 0, 0, 0xc3}, 0, []Inst{
			{Addr: 0, Len: 5, Go: "CALL .+4091", Intel: "call 0x1000", Target: 0x1000, Call: true}, {Addr: 5, Len: 1, Go: "RET", Intel: "ret", Ret: true}}},
		{"direct call elsewhere", "amd64", []byte{0xe8, 0xfb, 0xff, 0xff, 0xff}, 0x1000, []Inst{
			{Addr: 0x1000, Len: 5, Go: "CALL runtime.check", Intel: "call 0x1000", Target: 0x1000, Call: true}}},
		{"indirect call", "amd64", []byte{0xff, 0xd0, 0xff, 0x51, 0x08}, 0x10, []Inst{
			{Addr: 0x10, Len: 2, Go: "CALL AX", Intel: "call rax", Call: true, Operand: "rax"},
			{Addr: 0x12, Len: 3, Go: "CALL 0x8(CX)", Intel: "call [rcx+0x8]", Call: true, Operand: "[rcx+0x8]"}}},
		{"jump", "amd64", []byte{0x74, 0xfe}, 0x10, []Inst{{Addr: 0x10, Len: 2, Go: "JE 0x10", Intel: "je 0x10", Target: 0x10, Jump: true}}},
		{"signed", "amd64", []byte{0x48, 0x8d, 0x9c, 0x24, 0, 0, 0xff, 0xff, 0x48, 0x83, 0xe4, 0xf0}, 0x10, []Inst{
			{Addr: 0x10, Len: 8, Go: "LEAQ -0x10000(SP), BX", Intel: "lea rbx,[rsp-0x10000]"},
			{Addr: 0x18, Len: 4, Go: "ANDQ $-0x10, SP", Intel: "and rsp,0xfffffffffffffff0"}}},
		{"rip-relative backwards", "amd64", []byte{0x48, 0x8d, 0x35, 0xf9, 0xef, 0xff, 0xff}, 0x3000, []Inst{
			{Addr: 0x3000, Len: 7, Go: "LEAQ runtime.g0, SI", Intel: "lea rsi,[0x2000]"}}},
		{"thread-local", "amd64", []byte{0x64, 0x48, 0x89, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff}, 0x10, []Inst{
			{Addr: 0x10, Len: 9, Go: "MOVQ CX, FS:-0x8", Intel: "mov fs:0xfffffffffffffff8,rcx"}}},
		{"number that is an address", "amd64", []byte{0xb8, 0, 0x20, 0, 0}, 0x10, []Inst{
			{Addr: 0x10, Len: 5, Go: "MOVL $0x2000, AX", Intel: "mov eax,0x2000"}}},
		{"no instruction", "amd64", []byte{0x60, 0x06, 0xc3}, 0x10, []Inst{
			{Addr: 0x10, Len: 1, Go: Bad, Intel: Bad}, {Addr: 0x11, Len: 1, Go: Bad, Intel: Bad}, {Addr: 0x12, Len: 1, Go: "RET", Intel: "ret", Ret: true}}},
		{"cut off", "amd64", []byte{0xe8, 0xfb}, 0x10, []Inst{
			{Addr: 0x10, Len: 1, Go: Bad, Intel: Bad}, {Addr: 0x11, Len: 1, Go: "STI", Intel: "sti"}}},
		{"long no-op", "amd64", []byte{0x66, 0x0f, 0x1f, 0x44, 0, 0, 0x66, 0x90}, 0x10, []Inst{
			{Addr: 0x10, Len: 6, Go: "NOPW 0(AX)(AX*1)", Intel: "nop"}, {Addr: 0x16, Len: 2, Go: "NOPW", Intel: "nop"}}},
		{"no operands behind it", "amd64", []byte{0xc5, 0xf8, 0x77, 0x48, 0x83, 0xfb, 0x08, 0xc4, 0xe1, 0x78, 0x77, 0xc3}, 0x10, []Inst{
			{Addr: 0x10, Len: 3, Go: "VZEROUPPER", Intel: "vzeroupper"}, {Addr: 0x13, Len: 4, Go: "CMPQ BX, $0x8", Intel: "cmp rbx,0x8"},
			{Addr: 0x17, Len: 4, Go: "VZEROUPPER", Intel: "vzeroupper"}, {Addr: 0x1b, Len: 1, Go: "RET", Intel: "ret", Ret: true}}},
		{"empty", "amd64", nil, 0x10, []Inst{}},
		{"arm64", "arm64", []byte{0, 0, 0, 0x94, 0xc0, 0x03, 0x5f, 0xd6, 0x80, 0x01, 0x3f, 0xd6, 0, 0, 0, 0}, 0x1000, []Inst{
			{Addr: 0x1000, Len: 4, Go: "CALL runtime.check", Intel: "bl .+0x0", Target: 0x1000, Call: true},
			{Addr: 0x1004, Len: 4, Go: "RET", Intel: "ret", Ret: true},
			{Addr: 0x1008, Len: 4, Go: "CALL (R12)", Intel: "blr x12", Call: true, Operand: "x12"},
			{Addr: 0x100c, Len: 4, Go: Bad, Intel: Bad}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(tt.goarch, tt.code, tt.pc, symbols)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDecodeUnknownArch(t *testing.T) {
	t.Parallel()
	if _, err := Decode("riscv64", []byte{1}, 0, nil); !errors.Is(err, ErrArch) {
		t.Errorf("got %v, want ErrArch", err)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"CPUID", "CPUID", true},
		{"CPUID", "CPUIDX", false},
		{"CALL runtime.check", "CALL runtime.check", true},
		{"CALL runtime.check(SB)", "CALL runtime.check", true},
		{"CALL runtime.check.abi0", "CALL runtime.check", true},
		{"CALL runtime.check", "CALL runtime.checkASM", false},
		{"CALL", "CALL runtime.check", true},
		{"CALL", "CALL AX", true},
		{"MOVQ $0x123, *", "MOVQ $0x123, FS:-0x8", true},
		{"MOVQ $0x123,*", "MOVQ $0x123, FS:-0x8", true},
		{"MOVQ $0x123, *", "MOVQ $0x1234, FS:-0x8", false},
		{"MOVQ $0x123, *", "MOVL $0x123, AX", false},
		{"MOV* *, SP", "MOVQ AX, SP", true},
		{"MOV* *, SP", "MOVQ SP, AX", false},
		{"CMPXCHGL", "LOCK CMPXCHGL DX, 0(CX)", true},
		{"LOCK CMPXCHGL", "LOCK CMPXCHGL DX, 0(CX)", true},
		{"LOCK CMPXCHGL", "CMPXCHGL DX, 0(CX)", false},
		{"STOSQ", "REP; STOSQ AX, ES:0(DI)", true},
		{"REP; STOSQ", "REP; STOSQ AX, ES:0(DI)", true},
		{"REP STOSQ", "REP; STOSQ AX, ES:0(DI)", true},
		{"*", "RET", true},
		{"", "RET", false},
		{"RET", "", false},
		{"**a*", "RET", false},
	}
	for _, tt := range tests {
		if got := Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xe8, 0xfb, 0x0f, 0, 0, 0xc3}, uint64(0x1000))
	f.Add([]byte{0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x05, 0xb6, 0x6f, 0x07, 0x00}, uint64(0))
	f.Add([]byte{0xf3, 0x48, 0xab, 0xf0, 0x0f, 0xb1, 0x11}, ^uint64(0))
	f.Add([]byte{0, 0, 0, 0x94, 0xc0, 0x03, 0x5f, 0xd6}, uint64(1))
	f.Fuzz(func(t *testing.T, code []byte, pc uint64) {
		for _, goarch := range []string{"amd64", "arm64"} {
			insts, err := Decode(goarch, code, pc, symbols)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, in := range insts {
				if in.Addr != pc+uint64(n) || in.Len < 1 || in.Go == "" || in.Intel == "" {
					t.Fatalf("%s: %+v at %d of % x", goarch, in, n, code)
				}
				n += in.Len
			}
			if n != len(code) {
				t.Fatalf("%s: %d bytes decoded of % x", goarch, n, code)
			}
		}
	})
}
