package trace

import (
	"errors"
	"fmt"
	"strings"
)

// check holds a trace against what the format promises, whoever made it.
func (t *Trace) check() error {
	for _, f := range []struct{ key, value string }{
		{"release", t.Release}, {"goos", t.GOOS}, {"goarch", t.GOARCH}, {"setup", t.Setup}, {"fixture", t.Fixture},
	} {
		if f.value == "" || strings.ContainsAny(f.value, "/\\ \t\n") {
			return fmt.Errorf("%q is no value for %s", f.value, f.key)
		}
	}
	if t.To == "" || t.Digest == "" {
		return errors.New("it does not say where it ends, or of what build it is")
	}
	if err := t.checkProgram(); err != nil {
		return err
	}
	for i, v := range t.Vars {
		if v.Name == "" || strings.ContainsAny(v.Name, "\n\t") || v.Size == 0 || v.Addr+v.Size < v.Addr || i > 0 && t.Vars[i-1].Addr+t.Vars[i-1].Size > v.Addr {
			return fmt.Errorf("variable %q at %#x: no name, empty, or out of order", v.Name, v.Addr)
		}
	}
	var end uint64
	for i, m := range t.Memory {
		if len(m.Bytes) == 0 || i > 0 && m.Addr <= end || m.Addr+uint64(len(m.Bytes)) < m.Addr {
			return fmt.Errorf("memory %#x: empty, out of order, or part of what stands before it", m.Addr)
		}
		end = m.Addr + uint64(len(m.Bytes))
	}
	for i, s := range t.Stops {
		if s.Name == "" || strings.ContainsRune(s.Name, '\n') || s.At < 0 || s.At > len(t.Steps) {
			return fmt.Errorf("stop %q at %d: no name, or behind the end", s.Name, s.At)
		}
		if i > 0 && (t.Stops[i-1].At > s.At || t.Stops[i-1].At == s.At && t.Stops[i-1].Name >= s.Name) {
			return fmt.Errorf("stop %q: out of order", s.Name)
		}
	}
	return t.checkSteps()
}

// checkProgram checks what does not depend on the run.
func (t *Trace) checkProgram() error {
	for i, f := range t.Funcs {
		if f.Name == "" || strings.ContainsAny(f.Name, "\n\t") || f.End <= f.Addr || i > 0 && t.Funcs[i-1].End > f.Addr {
			return fmt.Errorf("function %q at %#x: no name, empty, or out of order", f.Name, f.Addr)
		}
	}
	for i, l := range t.Lines {
		if l.File == "" || strings.ContainsAny(l.File, "\n\t") || l.Number < 1 || strings.ContainsRune(l.Text, '\n') {
			return fmt.Errorf("line %s:%d: no file or no line", l.File, l.Number)
		}
		if i > 0 && (t.Lines[i-1].File > l.File || t.Lines[i-1].File == l.File && t.Lines[i-1].Number >= l.Number) {
			return fmt.Errorf("line %s:%d: out of order", l.File, l.Number)
		}
	}
	for i, in := range t.Insts {
		if len(in.Code) == 0 || i > 0 && t.Insts[i-1].Addr+uint64(len(t.Insts[i-1].Code)) > in.Addr {
			return fmt.Errorf("instruction %#x: no code, or out of order", in.Addr)
		}
		if in.Line < -1 || in.Line >= len(t.Lines) || in.Go == "" || in.Intel == "" || strings.ContainsAny(in.Go+in.Intel, "\t\n") {
			return fmt.Errorf("instruction %#x: no such line, or no text", in.Addr)
		}
	}
	if t.InstAt(t.End) < 0 {
		return fmt.Errorf("no instruction %#x, at which it ends", t.End)
	}
	return nil
}

// checkSteps checks what happened: a register is set to what it is not yet,
// and only known memory is written.
func (t *Trace) checkSteps() error {
	regs := t.Start
	known := newSpans(t.Memory)
	for i, s := range t.Steps {
		if s.Inst < 0 || s.Inst >= len(t.Insts) {
			return fmt.Errorf("step %d: no such instruction", i)
		}
		last := -1
		for _, set := range s.Set {
			if int(set.Reg) <= last || int(set.Reg) >= NumRegs || regs[set.Reg] == set.Value {
				return fmt.Errorf("step %d: %s twice, out of order, or set to what it was", i, set.Reg)
			}
			last = int(set.Reg)
			regs[set.Reg] = set.Value
		}
		for _, put := range s.Put {
			if len(put.Bytes) == 0 || !known.hold(put.Addr, len(put.Bytes)) {
				return fmt.Errorf("step %d: writes memory %#x that is not there", i, put.Addr)
			}
		}
		if s.Syscall < -1 || (s.Syscall >= 0) != (s.Name != "") || strings.ContainsAny(s.Name, " \t\n") {
			return fmt.Errorf("step %d: %q is no name of system call %d", i, s.Name, s.Syscall)
		}
	}
	return nil
}
