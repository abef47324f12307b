package trace

import (
	"slices"
	"sort"
)

// spans are ranges of memory.
type spans []Memory

func newSpans(list []Memory) spans { return list }

// hold reports whether a range lies within one of them.
func (s spans) hold(addr uint64, size int) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].Addr+uint64(len(s[i].Bytes)) > addr })
	return i < len(s) && s[i].Addr <= addr && uint64(size) <= uint64(len(s[i].Bytes))-(addr-s[i].Addr)
}

// at returns the bytes of a range, to be read or written; nil when not all of them are known.
func (s spans) at(addr uint64, size int) []byte {
	i := sort.Search(len(s), func(i int) bool { return s[i].Addr+uint64(len(s[i].Bytes)) > addr })
	if i == len(s) || s[i].Addr > addr || uint64(size) > uint64(len(s[i].Bytes))-(addr-s[i].Addr) {
		return nil
	}
	off := addr - s[i].Addr
	return s[i].Bytes[off : off+uint64(size)]
}

// Player walks a trace forwards and backwards. It keeps what each step
// overwrote, so a step costs the same in both directions, and a jump as much as
// the steps between. It is not safe for concurrent use.
type Player struct {
	*Trace
	pos    int
	regs   Regs
	memory spans
	// oldRegs and oldBytes are what the steps overwrite, one after the other; step
	// i's begin at the offsets in regAt and byteAt.
	oldRegs    []uint64
	oldBytes   []byte
	regAt      []int
	byteAt     []int
	depth      []int32 // of calls, by position
	functionOf []int32 // by instruction
}

// NewPlayer stands at position 0.
func NewPlayer(t *Trace) *Player {
	p := &Player{Trace: t, regs: t.Start, memory: make(spans, len(t.Memory))}
	for i, m := range t.Memory {
		p.memory[i] = Memory{Addr: m.Addr, Bytes: slices.Clone(m.Bytes)}
	}
	p.regAt, p.byteAt = make([]int, len(t.Steps)+1), make([]int, len(t.Steps)+1)
	for i, s := range t.Steps { // once to the end, to learn what is overwritten
		for _, set := range s.Set {
			p.oldRegs = append(p.oldRegs, p.regs[set.Reg])
			p.regs[set.Reg] = set.Value
		}
		for _, put := range s.Put {
			here := p.memory.at(put.Addr, len(put.Bytes))
			p.oldBytes = append(p.oldBytes, here...)
			copy(here, put.Bytes)
		}
		p.regAt[i+1], p.byteAt[i+1] = len(p.oldRegs), len(p.oldBytes)
	}
	p.pos = len(t.Steps)
	p.functionOf = make([]int32, len(t.Insts))
	for i, in := range t.Insts {
		p.functionOf[i] = int32(t.FuncAt(in.Addr))
	}
	p.calls()
	p.Go(0)
	return p
}

// Pos is the position, from 0 to len(Steps).
func (p *Player) Pos() int { return p.pos }

// Go goes to a position, or to the nearest one there is.
func (p *Player) Go(to int) {
	to = max(0, min(to, len(p.Steps)))
	for p.pos < to {
		s := p.Steps[p.pos]
		for _, set := range s.Set {
			p.regs[set.Reg] = set.Value
		}
		for _, put := range s.Put {
			copy(p.memory.at(put.Addr, len(put.Bytes)), put.Bytes)
		}
		p.pos++
	}
	for p.pos > to {
		p.pos--
		s := p.Steps[p.pos]
		for i := len(s.Set) - 1; i >= 0; i-- {
			p.regs[s.Set[i].Reg] = p.oldRegs[p.regAt[p.pos]+i]
		}
		at := p.byteAt[p.pos+1]
		for i := len(s.Put) - 1; i >= 0; i-- {
			n := len(s.Put[i].Bytes)
			at -= n
			copy(p.memory.at(s.Put[i].Addr, n), p.oldBytes[at:at+n])
		}
	}
}

// Regs are the registers at the position.
func (p *Player) Regs() Regs { return p.regs }

// Read copies memory as it is at the position; known says which bytes the trace knows.
func (p *Player) Read(addr uint64, size int) (content []byte, known []bool) {
	content, known = make([]byte, size), make([]bool, size)
	for i := range content {
		if b := p.memory.at(addr+uint64(i), 1); b != nil {
			content[i], known[i] = b[0], true
		}
	}
	return content, known
}

// Before returns what a step overwrote: the value of each register it sets, and the bytes of each range it writes.
func (p *Player) Before(step int) (regs []uint64, bytes [][]byte) {
	s := p.Steps[step]
	regs = p.oldRegs[p.regAt[step]:p.regAt[step+1]]
	at := p.byteAt[step]
	for _, put := range s.Put {
		bytes = append(bytes, p.oldBytes[at:at+len(put.Bytes)])
		at += len(put.Bytes)
	}
	return regs, bytes
}

// InstAt is the instruction that is about to be executed at a position.
func (p *Player) InstAtPos(pos int) Inst { return p.Insts[p.instIndex(pos)] }

func (p *Player) instIndex(pos int) int {
	if pos < len(p.Steps) {
		return p.Steps[pos].Inst
	}
	return p.InstAt(p.End)
}

// FuncAtPos is the function a position is in; -1 = none.
func (p *Player) FuncAtPos(pos int) int { return int(p.functionOf[p.instIndex(pos)]) }

// FuncName names the function a position is in, "?" when it has no name.
func (p *Player) FuncName(pos int) string {
	if f := p.FuncAtPos(pos); f >= 0 {
		return p.Funcs[f].Name
	}
	return "?"
}

// Depth is how many calls deep a position is.
func (p *Player) Depth(pos int) int { return int(p.depth[pos]) }
