// Package replay shows what is recorded of a start: as a listing, as JSON
// lines, as an asciicast, and in a terminal forwards and backwards. It needs
// no debugger, no rights, no toolchain and no Linux.
package replay

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/trace"
)

// ErrNoPosition is wrapped when a text names no position of the trace.
var ErrNoPosition = errors.New("no such position")

// Tape is everything that is recorded of one lab on one release.
type Tape struct {
	Lab     string // "03-g0"
	Title   string
	Release string // that of the recording
	GOOS    string
	GOARCH  string
	// Player walks the boot trace; nil when the lab has none.
	Player *trace.Player
	// Facts are what the lab's recordings say, in the order of their stops.
	Facts []Fact
	Lang  string // "en" or "zh"
}

// Fact is one recorded fact.
type Fact struct {
	Name  string
	Value string // with its unit, as people read it
	By    []string
	Setup string
	Stop  string
	// At is the position in the trace at which it is known; -1 when the trace does not come there.
	At int
	// Varies says that the value is another on another machine or in another run: the trace may have another one, too.
	Varies bool
	What   string // what it is, in the tape's language
}

// FactsAt are the facts known at a position.
func (t *Tape) FactsAt(at int) (list []Fact) {
	for _, f := range t.Facts {
		if f.At == at {
			list = append(list, f)
		}
	}
	return list
}

// StopsAt are the stops that are passed at a position.
func (t *Tape) StopsAt(at int) (names []string) {
	for _, s := range t.Player.Stops {
		if s.At == at {
			names = append(names, s.Name)
		}
	}
	return names
}

// Position finds the position that a text means: a number, a stop, a function
// (where it is first entered) or an address 0x… (where it is first executed).
// The error wraps ErrNoPosition.
func (t *Tape) Position(text string) (int, error) {
	p := t.Player
	if n, err := strconv.Atoi(text); err == nil {
		if n < 0 || n > len(p.Steps) {
			return 0, fmt.Errorf("%w: %d (there are 0 to %d)", ErrNoPosition, n, len(p.Steps))
		}
		return n, nil
	}
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		addr, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: %q is no address", ErrNoPosition, text)
		}
		if at := p.At(addr, -1, false); at >= 0 {
			return at, nil
		}
		return 0, fmt.Errorf("%w: %s is never executed on the way to %s", ErrNoPosition, text, p.To)
	}
	var names []string
	for _, s := range p.Stops {
		if s.Name == text {
			return s.At, nil
		}
		names = append(names, s.Name)
	}
	if at := p.Entered(text, -1, false); at >= 0 {
		return at, nil
	}
	for _, f := range p.Funcs {
		names = append(names, f.Name)
	}
	return 0, fmt.Errorf("%w: %q is no number, stop or function on the way to %s%s", ErrNoPosition, text, p.To, near.Hint(text, names))
}

// Target is something that instructions change: a register, or memory.
type Target struct {
	Name string
	Reg  trace.Reg
	Addr uint64
	Size int // 0 for a register
}

// ErrNoTarget is wrapped when a text names nothing that could change.
var ErrNoTarget = errors.New("no register, variable or address")

// Target finds what a text means: a register, a variable, field or element
// (all of it: runtime.g0 is each of its fields), or 0x… for a word of memory.
func (t *Tape) Target(text string) (Target, error) {
	p := t.Player
	if reg, ok := trace.RegNamed(strings.ToLower(text)); ok {
		return Target{Name: reg.String(), Reg: reg}, nil
	}
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		addr, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			return Target{}, fmt.Errorf("%w: %q is no address", ErrNoTarget, text)
		}
		return Target{Name: t.NameOf(addr), Addr: addr, Size: 8}, nil
	}
	var lo, hi uint64
	var names []string
	for _, v := range p.Vars {
		names = append(names, v.Name)
		rest, ok := strings.CutPrefix(v.Name, text)
		if !ok || text == "" || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		if hi == 0 {
			lo = v.Addr
		}
		hi = v.Addr + v.Size
	}
	if hi == 0 {
		for reg := range trace.Reg(trace.NumRegs) {
			names = append(names, reg.String())
		}
		return Target{}, fmt.Errorf("%w: %q is nothing that the trace meets%s", ErrNoTarget, text, near.Hint(text, names))
	}
	return Target{Name: text, Addr: lo, Size: int(hi - lo)}, nil
}

// Changed is the step that changes the target last before a position, or next from it on; -1 = none.
func (t *Tape) Changed(to Target, pos int, next bool) int {
	if to.Size == 0 {
		return t.Player.ChangedReg(to.Reg, pos, next)
	}
	return t.Player.Written(to.Addr, to.Size, pos, next)
}

// NameOf says what lies at an address: a variable, a function, a place on the stack, or the number.
func (t *Tape) NameOf(addr uint64) string {
	if name := t.Symbol(addr); name != "" {
		return name
	}
	return fmt.Sprintf("%#x", addr)
}

// Symbol is the variable or function that holds an address, "" when none does.
func (t *Tape) Symbol(addr uint64) string {
	p := t.Player
	plus := func(name string, off uint64) string {
		if off == 0 {
			return name
		}
		return fmt.Sprintf("%s+%#x", name, off)
	}
	i, found := slices.BinarySearchFunc(p.Vars, addr, func(v trace.Var, a uint64) int { return cmp.Compare(v.Addr, a) })
	if !found {
		i--
	}
	if i >= 0 && addr-p.Vars[i].Addr < p.Vars[i].Size {
		return plus(p.Vars[i].Name, addr-p.Vars[i].Addr)
	}
	if f := p.FuncAt(addr); f >= 0 {
		return plus(p.Funcs[f].Name, addr-p.Funcs[f].Addr)
	}
	return ""
}

// Change is one register or range of memory that a step changes, in words.
type Change struct {
	What     string // "rsp", "[runtime.g0.stack.lo]"
	Was, Is  string
	Reg      trace.Reg
	IsMemory bool
}

// Changes are those that a step makes.
func (t *Tape) Changes(step int) (list []Change) {
	p := t.Player
	s := p.Steps[step]
	regs, bytes := p.Before(step)
	for i, set := range s.Set {
		list = append(list, Change{What: set.Reg.String(), Reg: set.Reg, Was: fmt.Sprintf("%#x", regs[i]), Is: t.Value(set.Value)})
	}
	for i, put := range s.Put {
		list = append(list, Change{What: "[" + t.NameOf(put.Addr) + "]", IsMemory: true, Was: content(bytes[i]), Is: t.contentOf(put.Bytes)})
	}
	return list
}

// Value is a number and what lies there, if it is an address of something.
func (t *Tape) Value(n uint64) string {
	if name := t.Symbol(n); name != "" {
		return fmt.Sprintf("%#x (%s)", n, name)
	}
	return fmt.Sprintf("%#x", n)
}

func (t *Tape) contentOf(b []byte) string {
	if len(b) == 8 {
		return t.Value(binary.LittleEndian.Uint64(b))
	}
	return content(b)
}

// content writes memory as a number where it can be one, else its bytes.
func content(b []byte) string {
	const most = 16
	switch len(b) {
	case 1, 2, 4, 8:
		var word [8]byte
		copy(word[:], b)
		return fmt.Sprintf("%#x", binary.LittleEndian.Uint64(word[:]))
	}
	if len(b) > most {
		return fmt.Sprintf("%s… (%d bytes)", hex.EncodeToString(b[:most]), len(b))
	}
	return hex.EncodeToString(b)
}

// Where is the file and line of an instruction, the file without its folders.
func (t *Tape) Where(in trace.Inst) string {
	if in.Line < 0 {
		return ""
	}
	l := t.Player.Lines[in.Line]
	return l.File[strings.LastIndexByte(l.File, '/')+1:] + ":" + strconv.Itoa(l.Number)
}

// clean makes text from a file safe to print on a terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, text)
}
