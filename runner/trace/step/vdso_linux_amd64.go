package step

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// mapping is a part of the process's memory, [lo, hi).
type mapping struct{ lo, hi uint64 }

// mappingOf finds the first mapping of the process that is the wanted one; it is empty when there is none.
func mappingOf(pid int, wanted func(m mapping, name string) bool) (mapping, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return mapping{}, fmt.Errorf("read the map of the process: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var m mapping
		if _, err := fmt.Sscanf(line, "%x-%x", &m.lo, &m.hi); err != nil {
			continue
		}
		if f := strings.Fields(line); wanted(m, f[len(f)-1]) {
			return m, nil
		}
	}
	return mapping{}, nil
}

// reading are the functions of the vDSO that read the clock. Stepped, they begin again for ever:
// they read what the kernel changes at every tick, until it has not changed meanwhile.
var reading = map[string]bool{"__vdso_clock_gettime": true, "__vdso_gettimeofday": true, "__vdso_time": true}

// vdso finds the functions of the vDSO.
func (s *stepper) vdso() error {
	m, err := mappingOf(s.pid, func(_ mapping, name string) bool { return name == "[vdso]" })
	if err != nil || m.hi == 0 {
		return err // a kernel without one has none to be stepped
	}
	image := make([]byte, m.hi-m.lo)
	if !s.mem.read(m.lo, image) {
		return fmt.Errorf("read the vDSO at %#x", m.lo)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return fmt.Errorf("read the vDSO: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("read the names of the vDSO: %w", err)
	}
	s.clocks = map[uint64]bool{}
	for _, sym := range symbols {
		if elf.ST_TYPE(sym.Info) != elf.STT_FUNC || !strings.HasPrefix(sym.Name, "__vdso_") {
			continue
		}
		addr := m.lo + sym.Value
		s.clocks[addr] = reading[sym.Name]
		if sym.Size > 0 {
			s.walk.VDSO = append(s.walk.VDSO, trace.Func{Name: sym.Name, Addr: addr, End: addr + sym.Size})
		}
	}
	return nil
}

// through runs a function of the vDSO to its end, as one step.
func (s *stepper) through() error {
	const breakpoint = 0xcc
	var back [8]byte
	if !s.mem.read(s.regs.Rsp, back[:]) {
		return fmt.Errorf("read where the vDSO returns to")
	}
	to := binary.LittleEndian.Uint64(back[:])
	var code [1]byte
	if !s.mem.read(to, code[:]) {
		return fmt.Errorf("read the code at %#x, behind the vDSO", to)
	}
	if _, err := unix.PtracePokeText(s.pid, uintptr(to), []byte{breakpoint}); err != nil {
		return s.gone(fmt.Errorf("set a breakpoint behind the vDSO: %w", err))
	}
	if err := unix.PtraceCont(s.pid, 0); err != nil {
		return s.gone(fmt.Errorf("run the vDSO: %w", err))
	}
	if err := s.stopped(); err != nil {
		return err
	}
	if err := s.getRegs(); err != nil {
		return err
	}
	if s.regs.Rip != to+1 {
		return fmt.Errorf("the vDSO went to %#x, not to %#x", s.regs.Rip, to)
	}
	if _, err := unix.PtracePokeText(s.pid, uintptr(to), code[:]); err != nil {
		return s.gone(fmt.Errorf("remove the breakpoint behind the vDSO: %w", err))
	}
	s.regs.Rip = to
	if err := unix.PtraceSetRegs(s.pid, &s.regs); err != nil {
		return s.gone(fmt.Errorf("write registers: %w", err))
	}
	return nil
}
