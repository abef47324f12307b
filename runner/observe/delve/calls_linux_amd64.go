package delve

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-delve/delve/pkg/proc/linutil"
	"golang.org/x/sys/unix"
)

// vdso is where the kernel has put its own code in a process, [first, end).
func vdso(pid int) (bounds [2]uint64) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
	for line := range strings.Lines(string(text)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			_, _ = fmt.Sscanf(line, "%x-%x", &bounds[0], &bounds[1])
		}
	}
	return bounds
}

// inVDSO reports whether the first thread, being stepped, is in a function of
// the vDSO, and lets it run to the end of that. The kernel changes the data of
// its clock with every tick, and these functions begin again when that happens:
// stepped, they are never fast enough to come to their end.
func (w *walker) inVDSO(pc, sp uint64) (bool, error) {
	if pc == w.leaving {
		w.leaving = 0
	}
	if w.leaving != 0 || pc < w.vdso[0] || pc >= w.vdso[1] {
		return w.leaving != 0, nil
	}
	back := make([]byte, 8) // the step before was the call
	if _, err := w.target.Memory().ReadMemory(back, sp); err != nil {
		return false, fmt.Errorf("read where the vDSO returns to: %w", err)
	}
	return true, w.runTo(binary.LittleEndian.Uint64(back))
}

// stepped are the system calls that do not come back behind their SYSCALL, or
// come back there twice.
var stepped = []uint64{unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_RT_SIGRETURN, unix.SYS_EXECVE}

// call reports whether the first thread, being stepped, is about to make a
// system call, which it then makes while all threads run: Delve steps one
// thread alone, and that may wait for another for ever.
func (w *walker) call() (bool, error) {
	regs, err := w.target.CurrentThread().Registers()
	if err != nil {
		return false, fmt.Errorf("read the registers of thread %d: %w", w.pid, err)
	}
	pc := regs.PC()
	code := make([]byte, 2)
	if n, err := w.target.Memory().ReadMemory(code, pc); err != nil || n != len(code) {
		return false, nil // the step will tell what is wrong
	}
	if bp := w.target.CurrentThread().Breakpoint().Breakpoint; bp != nil && bp.Addr == pc {
		code[0] = bp.OriginalData[0]
	}
	if code[0] != 0x0f || code[1] != 0x05 {
		return false, nil
	}
	r, ok := regs.(*linutil.AMD64Registers)
	if !ok || slices.Contains(stepped, r.Regs.Rax) {
		return false, nil
	}
	return true, w.runTo(pc + 2)
}

// runTo lets the first thread run to an address.
func (w *walker) runTo(addr uint64) error {
	w.leaving = addr
	if err := w.stopAt(addr); err != nil {
		return fmt.Errorf("stop at %#x: %w", addr, err)
	}
	return nil
}
