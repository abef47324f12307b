package trace

// calls works out how deep each position is. A return belongs to the call
// whose return address it takes off the stack; one that belongs to none (a
// switch to another stack) leaves the depth as it is.
func (p *Player) calls() {
	p.depth = make([]int32, len(p.Steps)+1)
	ops := make([]Op, len(p.Insts))
	for i, in := range p.Insts {
		ops[i] = DecodeOp(in.Code)
	}
	regs := p.Start
	var frames []uint64 // where each call has put its return address
	for i, s := range p.Steps {
		p.depth[i] = int32(len(frames))
		op, sp := ops[s.Inst], regs[RSP]
		for _, set := range s.Set {
			regs[set.Reg] = set.Value
		}
		switch {
		case op.IsCall():
			frames = append(frames, regs[RSP])
		case op.IsReturn():
			for j := len(frames) - 1; j >= 0; j-- {
				if frames[j] == sp {
					frames = frames[:j]
					break
				}
			}
		}
	}
	p.depth[len(p.Steps)] = int32(len(frames))
}

// Over is the position behind the call at pos, or the next one.
func (p *Player) Over(pos int) int {
	for to := pos + 1; to < len(p.Steps); to++ {
		if p.depth[to] <= p.depth[pos] {
			return to
		}
	}
	return len(p.Steps)
}

// OverBack is the nearest position before pos that is not inside of a deeper call.
func (p *Player) OverBack(pos int) int {
	for to := pos - 1; to > 0; to-- {
		if p.depth[to] <= p.depth[pos] {
			return to
		}
	}
	return 0
}

// Out is the position at which the call that pos is in has returned.
func (p *Player) Out(pos int) int {
	for to := pos + 1; to < len(p.Steps); to++ {
		if p.depth[to] < p.depth[pos] {
			return to
		}
	}
	return len(p.Steps)
}

// OutBack is the call that led to where pos is.
func (p *Player) OutBack(pos int) int {
	for to := pos - 1; to > 0; to-- {
		if p.depth[to] < p.depth[pos] {
			return to
		}
	}
	return 0
}

// Entered is the nearest position behind pos (before it when back) at which
// the function is at its first instruction; -1 = none.
func (p *Player) Entered(name string, pos int, back bool) int {
	return p.find(pos, back, func(to int) bool {
		f := p.FuncAtPos(to)
		return f >= 0 && p.Funcs[f].Addr == p.PC(to) && p.Funcs[f].Name == name
	})
}

// At is the nearest position behind pos (before it when back) at which the
// instruction at an address is executed; -1 = none.
func (p *Player) At(addr uint64, pos int, back bool) int {
	return p.find(pos, back, func(to int) bool { return p.PC(to) == addr })
}

// find looks for a position behind pos, or before it.
func (p *Player) find(pos int, back bool, is func(int) bool) int {
	if back {
		for to := pos - 1; to >= 0; to-- {
			if is(to) {
				return to
			}
		}
		return -1
	}
	for to := pos + 1; to <= len(p.Steps); to++ {
		if is(to) {
			return to
		}
	}
	return -1
}

// ChangedReg is the step, before pos or when next from pos on, that changes a
// register; -1 = none. At its position the register is about to change.
func (p *Player) ChangedReg(reg Reg, pos int, next bool) int {
	return p.change(pos, next, func(s *Step) bool {
		for _, set := range s.Set {
			if set.Reg == reg {
				return true
			}
		}
		return false
	})
}

// Written is the step, before pos or when next from pos on, that writes to a
// range of memory; -1 = none. At its position the write is about to happen.
func (p *Player) Written(addr uint64, size int, pos int, next bool) int {
	return p.change(pos, next, func(s *Step) bool {
		for _, put := range s.Put {
			if put.Addr < addr+uint64(size) && addr < put.Addr+uint64(len(put.Bytes)) {
				return true
			}
		}
		return false
	})
}

func (p *Player) change(pos int, next bool, is func(*Step) bool) int {
	if next {
		for i := pos; i < len(p.Steps); i++ {
			if is(&p.Steps[i]) {
				return i
			}
		}
		return -1
	}
	for i := min(pos, len(p.Steps)) - 1; i >= 0; i-- {
		if is(&p.Steps[i]) {
			return i
		}
	}
	return -1
}
