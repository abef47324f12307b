package static

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
)

// decode returns the instructions of a function's real body; ok is false when it does not exist.
func (s *session) decode(name string) (insts []insn.Inst, ok bool, err error) {
	if insts, ok := s.decoded[name]; ok {
		return insts, insts != nil, nil
	}
	f, ok, err := s.im.Func(name)
	if err != nil {
		return nil, false, err
	}
	if ok {
		code, err := s.im.Bytes(f.Entry, int(f.End-f.Entry))
		if err != nil {
			return nil, false, fmt.Errorf("read code of %s: %w", name, err)
		}
		if insts, err = insn.Decode(s.goarch, code, f.Entry, s.im.NameAt); err != nil {
			return nil, false, err
		}
		if insts == nil {
			insts = []insn.Inst{}
		}
	}
	if s.decoded == nil {
		s.decoded = map[string][]insn.Inst{}
	}
	s.decoded[name] = insts
	return insts, ok, nil
}

func (s *session) listing(name string, text func(insn.Inst) string) (starlark.Value, error) {
	insts, ok, err := s.decode(name)
	if err != nil || !ok {
		return starlark.None, err
	}
	lines := make([]starlark.Value, len(insts))
	for i, in := range insts {
		lines[i] = starlark.NewList([]starlark.Value{starlark.MakeUint64(in.Addr), starlark.String(text(in))})
	}
	return starlark.NewList(lines), nil
}

func disasm(s *session, name string) (starlark.Value, error) {
	return s.listing(name, func(in insn.Inst) string { return in.Intel })
}

func goDisasm(s *session, name string) (starlark.Value, error) {
	return s.listing(name, func(in insn.Inst) string { return in.Go })
}

// code is disasm without addresses and padding, where jumps and calls have the names of their targets.
func code(s *session, name string) (starlark.Value, error) {
	insts, ok, err := s.decode(name)
	if err != nil || !ok {
		return starlark.None, err
	}
	lines := []string{}
	for _, in := range insts {
		text := in.Intel
		verb, to, _ := strings.Cut(text, " ")
		switch verb {
		case "int3", "nop":
			continue
		case "jmp", "call", "b", "bl":
			if strings.HasPrefix(to, "0x") {
				text = verb + " ?"
				if f, ok, err := s.im.FuncAt(in.Target); err == nil && ok {
					text = verb + " " + f.Name
				}
			}
		}
		lines = append(lines, text)
	}
	return texts(lines), nil
}

// calls names the targets of the calls, not of jumps to other functions. A
// target without a name is its address in hexadecimal.
func calls(s *session, name string) (starlark.Value, error) {
	insts, ok, err := s.decode(name)
	if err != nil || !ok {
		return starlark.None, err
	}
	names := []string{}
	for _, in := range insts {
		if !in.Call {
			continue
		}
		target := in.Operand
		if in.Target != 0 {
			target = fmt.Sprintf("%#x", in.Target)
			if f, ok, err := s.im.FuncAt(in.Target); err == nil && ok {
				target = f.Name
			}
		}
		names = append(names, target)
	}
	return texts(names), nil
}

func symbol(s *session, a uint64) (starlark.Value, error) {
	f, ok, err := s.im.FuncAt(a)
	return orNone(ok, starlark.String(f.Name), err)
}

func line(s *session, a uint64) (starlark.Value, error) {
	file, n, ok, err := s.im.Line(a)
	return orNone(ok, starlark.NewList([]starlark.Value{starlark.String(file), starlark.MakeInt(n)}), err)
}

// source is the file of an instruction, below GOROOT/src where it lies there.
func source(s *session, a uint64) (starlark.Value, error) {
	file, ok, err := s.im.Source(a)
	return orNone(ok, starlark.String(file), err)
}

// packages are those that have code in the binary.
func packages(s *session) (starlark.Value, error) {
	names, err := s.im.Packages()
	if err != nil {
		return nil, err
	}
	return texts(names), nil
}

// inlined names what the compiler put into a function instead of calling it.
func inlined(s *session, name string) (starlark.Value, error) {
	names, ok, err := s.im.Inlined(name)
	return orNone(ok, texts(names), err)
}

func params(s *session, name string) (starlark.Value, error) {
	names, ok, err := s.im.Params(name)
	return orNone(ok, texts(names), err)
}

func producer(s *session, pkg string) (starlark.Value, error) {
	p, ok, err := s.im.Producer(pkg)
	return orNone(ok, starlark.String(p), err)
}

// funcFlags names the flags that exist in the release; a release without any
// (up to 1.16) has no list either.
func funcFlags(s *session, name string) (starlark.Value, error) {
	release, known := minorOf(s.release)
	if known && release < 17 {
		return starlark.None, nil
	}
	f, ok, err := s.im.Func(name)
	if err != nil || !ok {
		return starlark.None, err
	}
	flags, ok, err := s.im.Flags(f)
	if err != nil || !ok {
		return starlark.None, err
	}
	names := []string{}
	for _, flag := range []struct {
		bit  image.Flags
		name string
	}{{image.FlagTopFrame, "topframe"}, {image.FlagSPWrite, "spwrite"}, {image.FlagAsm, "asm"}} {
		if flags&flag.bit != 0 {
			names = append(names, flag.name)
		}
	}
	return texts(names), nil
}
