package ebpf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/place"
)

// ErrSite is wrapped when no probe can stand at an address.
var ErrSite = errors.New("no probe can stand here")

// Site is the instruction at which a probe stands.
//
// The kernel puts a breakpoint there. What the instruction is decides what
// a hit costs: push, nop, jmp, jcc and call of the common forms the kernel
// emulates; every other one it executes elsewhere, one single step, which takes some
// 30 times longer, and more in a virtual machine. So a probe for the beginning of a function
// stands at the first of these in its first block, which is executed exactly when the function is.
type Site struct {
	Addr   uint64 // as linked
	Offset uint64 // in the file
	Inst   string // in Go's spelling
	Cheap  bool   // the kernel emulates it
	// ChecksStack is set at the branch to morestack. When it is taken the function
	// is entered again for the same call, so it is passed twice; the
	// first of these events has Again set.
	ChecksStack bool
}

// Chooser chooses sites in one binary. It is not safe for concurrent use.
type Chooser struct {
	img   *image.Image
	asked map[uint64]bool
	funcs map[uint64][]insn.Inst // by entry
}

// NewChooser returns a Chooser for a binary of linux/amd64. asked are all
// addresses that are asked for: no site for one of them is moved beyond another,
// or the order in which they are passed would be told wrongly.
func NewChooser(img *image.Image, asked []uint64) *Chooser {
	c := &Chooser{img: img, asked: map[uint64]bool{}, funcs: map[uint64][]insn.Inst{}}
	for _, addr := range asked {
		c.asked[addr] = true
	}
	return c
}

// Sites are where the probes for a place stand: for where straight code begins (a
// function, an entry, what follows an instruction) the cheapest there is, for an
// instruction itself; none for exec and exit, which are no places in the file. Any of
// them is the place. The error wraps ErrSite.
func (c *Chooser) Sites(p place.Place) ([]Site, error) {
	switch {
	case p.Exec || p.Stop == place.Exit:
		return nil, nil
	case p.State != place.Placed:
		return nil, fmt.Errorf("%w: %s", ErrSite, p.Reason)
	case len(p.To) > 0:
		return nil, fmt.Errorf("%w: %q is a range, which is stepped through", ErrSite, p.Stop)
	}
	stop, err := place.ParseStop(p.Stop)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSite, err)
	}
	at := c.Exact
	if stop.Kind == place.Function || stop.Kind == place.Entry || stop.Kind == place.After {
		at = c.Beginning
	}
	var sites []Site
	for _, addr := range p.Addrs {
		site, err := at(addr)
		if err != nil {
			return nil, err
		}
		sites = append(sites, site)
	}
	return sites, nil
}

// Beginning chooses the site for the block of code that begins at addr: a
// function's entry, or an inlined body's. The error wraps ErrSite.
func (c *Chooser) Beginning(addr uint64) (Site, error) {
	insts, at := c.around(addr)
	leaders := map[uint64]bool{}
	for _, in := range insts {
		if in.Jump && in.Target != 0 {
			leaders[in.Target] = true
		}
	}
	best, found := 0, false
	for i := at; at >= 0 && i < len(insts); i++ {
		in := insts[i]
		if i > at && (c.asked[in.Addr] || leaders[in.Addr]) {
			break
		}
		code := c.code(in)
		switch {
		case conditional(code) && c.toMorestack(insts, in.Target):
			// JB is there for frames so large that the comparison could overflow: never taken.
			if below(code) {
				best, found = i, true
			}
			continue
		case found: // behind the check: from 1.21 on the frame begins with a push
			if emulated(code) && pushes(code) && i == best+1 {
				return c.site(in)
			}
		case emulated(code):
			return c.site(in)
		}
		// Behind a call or a system call time has passed, and another thread may come.
		if found || in.Jump || in.Ret || in.Call || in.Go == "SYSCALL" {
			break
		}
	}
	if found {
		s, err := c.site(insts[best])
		s.ChecksStack = true
		return s, err
	}
	return c.Exact(addr)
}

// Exact is the site at addr itself, cheap or not. The error wraps ErrSite.
func (c *Chooser) Exact(addr uint64) (Site, error) {
	if insts, at := c.around(addr); at >= 0 {
		return c.site(insts[at])
	}
	code, err := c.img.Bytes(addr, 1)
	for n := 15; n > 1; n-- {
		if more, e := c.img.Bytes(addr, n); e == nil {
			code = more
			break
		}
	}
	if err != nil {
		return Site{}, fmt.Errorf("%w: %w", ErrSite, err)
	}
	insts, err := insn.Decode("amd64", code, addr, c.img.NameAt)
	if err != nil {
		return Site{}, fmt.Errorf("%w: %w", ErrSite, err)
	}
	return c.site(insts[0])
}

func (c *Chooser) site(in insn.Inst) (Site, error) {
	off, ok := c.img.FileOffset(in.Addr)
	if !ok {
		return Site{}, fmt.Errorf("%w: the file has nothing at %#x", ErrSite, in.Addr)
	}
	code := c.code(in)
	if in.Go == insn.Bad || refused(code) {
		return Site{}, fmt.Errorf("%w: the kernel puts none at %s (%#x)", ErrSite, in.Go, in.Addr)
	}
	return Site{Addr: in.Addr, Offset: off, Inst: in.Go, Cheap: emulated(code)}, nil
}

// around decodes the function that holds addr; at is the index of the
// instruction at addr, -1 when there is none.
func (c *Chooser) around(addr uint64) (insts []insn.Inst, at int) {
	f, ok, err := c.img.FuncAt(addr)
	if err != nil || !ok {
		return nil, -1
	}
	insts, known := c.funcs[f.Entry]
	if !known {
		if code, err := c.img.Bytes(f.Entry, int(f.End-f.Entry)); err == nil {
			insts, _ = insn.Decode("amd64", code, f.Entry, c.img.NameAt) // amd64 has a decoder
		}
		c.funcs[f.Entry] = insts
	}
	for i, in := range insts {
		if in.Addr == addr {
			return insts, i
		}
	}
	return nil, -1
}

func (c *Chooser) code(in insn.Inst) []byte {
	code, err := c.img.Bytes(in.Addr, in.Len)
	if err != nil {
		return nil
	}
	return code
}

// mostSpills is more than what is saved in front of a call of morestack.
const mostSpills = 40

// toMorestack reports whether the code at addr does nothing but call morestack.
func (c *Chooser) toMorestack(insts []insn.Inst, addr uint64) bool {
	from := -1
	for i, in := range insts {
		if in.Addr == addr {
			from = i
		}
	}
	if from < 0 {
		return false
	}
	for _, in := range insts[from:min(len(insts), from+mostSpills)] {
		switch {
		case in.Call:
			name, _ := c.img.NameAt(in.Target)
			return strings.HasPrefix(name, "runtime.morestack")
		case in.Jump, in.Ret:
			return false
		}
	}
	return false
}

// emulated reports whether the kernel emulates an instruction
// (arch/x86/kernel/uprobes.c: branch_setup_xol_ops, push_setup_xol_ops). It knows
// more forms of nop; the long ones are left out, because newer kernels rewrite them.
func emulated(code []byte) bool {
	switch len(code) {
	case 1:
		return code[0] == 0x90 || pushes(code)
	case 2:
		return code[0] == 0xeb || conditional(code) || pushes(code)
	case 5:
		return code[0] == 0xe8 || code[0] == 0xe9
	case 6:
		return conditional(code)
	}
	return false
}

// pushes reports whether it is a push of a register.
func pushes(code []byte) bool {
	return len(code) == 1 && code[0]&^7 == 0x50 || len(code) == 2 && code[0] == 0x41 && code[1]&^7 == 0x50
}

// conditional reports whether it is a jcc.
func conditional(code []byte) bool {
	return len(code) == 2 && code[0]&^15 == 0x70 || len(code) == 6 && code[0] == 0x0f && code[1]&^15 == 0x80
}

// below reports whether it is JBE, unsigned below or equal.
func below(code []byte) bool {
	return len(code) == 2 && code[0] == 0x76 || len(code) == 6 && code[0] == 0x0f && code[1] == 0x86
}

// refused reports whether the kernel rejects a probe on the instruction. It
// does so without a word when the file is mapped only later, so it must be known here.
func refused(code []byte) bool {
	for i, b := range code {
		switch b {
		case 0xf0, 0x26, 0x2e, 0x36, 0x3e: // lock, and segments that mean nothing in 64 bits
			return true
		case 0x66, 0x67, 0xf2, 0xf3, 0x64, 0x65:
			continue
		}
		if b&^15 == 0x40 { // REX
			continue
		}
		switch {
		case b >= 0x6c && b <= 0x6f, b >= 0xe4 && b <= 0xe7, b >= 0xec && b <= 0xef: // in, out
			return true
		case b == 0xcc, b == 0xcd, b == 0xf1, b == 0xf4, b == 0xfa, b == 0xfb: // int3, int, icebp, hlt, cli, sti
			return true
		case b == 0x0f && i+1 < len(code):
			switch code[i+1] {
			case 0x00, 0x01, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x20, 0x21, 0x22, 0x23, 0x30, 0x32, 0x33, 0x34, 0x35, 0x37, 0x78, 0x79:
				return true // of the system; 0x0b is UD2
			}
		}
		return false
	}
	return true
}
