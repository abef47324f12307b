package screen

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// code is source and instructions side by side, or instructions alone on a narrow screen.
func (m *model) code(rows int) []string {
	if rows <= 1 {
		return m.instructions(rows, m.width)
	}
	if m.width < wide {
		return append([]string{m.rule(m.t(msgCode), m.width, true)}, m.instructions(rows-1, m.width)...)
	}
	left := m.width / 2
	right := m.width - left - 1
	source, insts := m.source(rows-1, left), m.instructions(rows-1, right)
	lines := []string{m.rule(m.sourceTitle(), left, true) + " " + m.rule(m.t(msgCode), right, true)}
	for i := range rows - 1 {
		lines = append(lines, fill(source[i], left)+" "+insts[i])
	}
	return lines
}

func (m *model) sourceTitle() string {
	if where := m.Where(m.Player.InstAtPos(m.Player.Pos())); where != "" {
		return where
	}
	return m.t(msgSource)
}

// fill cuts or widens a line to a width.
func fill(line string, width int) string {
	line = ansi.Truncate(line, width, "…")
	return line + strings.Repeat(" ", max(0, width-ansi.StringWidth(line)))
}

// pad adds empty lines up to a number, above and below, so that the middle stays where it is.
func pad(lines []string, rows, above int) []string {
	lines = append(make([]string, max(0, above)), lines...)
	for len(lines) < rows {
		lines = append(lines, "")
	}
	return lines[:rows]
}

func (m *model) source(rows, width int) []string {
	list := m.SourceAround(m.Player.Pos(), rows/2, rows-rows/2-1)
	if len(list) == 0 {
		return pad([]string{faint.Render(m.t(msgNoSource))}, rows, 0)
	}
	var lines []string
	above := rows / 2
	for _, l := range list {
		line := fmt.Sprintf("%s %5d  %s", sign(l.Here, "▶"), l.Number, strings.TrimRight(l.Text, " "))
		if l.Here {
			above -= len(lines)
			line = current.Render(ansi.Truncate(line, width, "…"))
		}
		lines = append(lines, line)
	}
	return pad(lines, rows, above)
}

func (m *model) instructions(rows, width int) []string {
	p := m.Player
	here := p.InstAt(p.PC(p.Pos()))
	var lines []string
	above := rows / 2
	for _, i := range m.CodeAround(p.Pos(), rows/2, rows-rows/2-1) {
		in := p.Insts[i]
		line := sign(i == here, "▶") + " "
		if width >= 30 {
			line += fmt.Sprintf("%x  ", in.Addr)
		}
		line = ansi.Truncate(line+m.syntax.Of(in), width, "…")
		switch {
		case i == here:
			above -= len(lines)
			line = current.Render(line)
		case !m.passed[i]:
			line = faint.Render(line)
		}
		lines = append(lines, line)
	}
	return pad(lines, rows, above)
}

func sign(is bool, text string) string {
	if is {
		return text
	}
	return " "
}

// lower are the lines of a pane.
func (m *model) lower(which pane) []string {
	switch which {
	case memory:
		return m.memory()
	case facts:
		return m.facts()
	case changes:
		return m.changes()
	}
	return m.registers()
}

// regWidth is what one register takes: mark, name, sixteen digits, a blank.
const regWidth = 26

func (m *model) registers() []string {
	p := m.Player
	regs := p.Regs()
	just := map[trace.Reg]bool{}
	if p.Pos() > 0 {
		for _, set := range p.Steps[p.Pos()-1].Set {
			just[set.Reg] = true
		}
	}
	columns := max(1, m.width/regWidth)
	rows := (trace.NumRegs + columns - 1) / columns
	lines := make([]string, rows)
	for i := range trace.NumRegs {
		reg := trace.Reg(i)
		cell := fmt.Sprintf("%s%-7s %016x ", sign(just[reg], "*"), reg, regs[reg])
		if m.width < regWidth {
			cell = fmt.Sprintf("%s%s %x", sign(just[reg], "*"), reg, regs[reg])
		}
		if just[reg] {
			cell = changed.Render(cell)
		}
		lines[i%rows] += cell
	}
	return lines
}

// memoryRows is how many words the pane for memory has at most.
const memoryRows = 12

func (m *model) memory() (lines []string) {
	p := m.Player
	base := m.base.Addr
	if m.byReg {
		base = p.Regs()[m.base.Reg]
	}
	var just []trace.Put
	if p.Pos() > 0 {
		just = p.Steps[p.Pos()-1].Put
	}
	for row := range uint64(memoryRows) {
		addr := base + 8*row
		content, known := p.Read(addr, 8)
		written := false
		for _, put := range just {
			written = written || put.Addr < addr+8 && addr < put.Addr+uint64(len(put.Bytes))
		}
		text := word(content, known)
		if name := m.Symbol(addr); name != "" {
			text += "  " + name
		}
		if value := binary.LittleEndian.Uint64(content); value != 0 && all(known) {
			if name := m.Symbol(value); name != "" {
				text += faint.Render("  → " + name)
			}
		}
		place := fmt.Sprintf("%012x", addr)
		switch offset := fmt.Sprintf("+%-3x", 8*row); {
		case m.width < 36:
			place = offset
		case m.width >= 60:
			place += " " + offset
		}
		line := fmt.Sprintf("%s%s %s", sign(written, "*"), place, text)
		if written {
			line = changed.Render(line)
		}
		lines = append(lines, line)
	}
	return lines
}

// word writes eight bytes as a number, and what is not known of it as question marks.
func word(content []byte, known []bool) string {
	var b strings.Builder
	for i := len(content) - 1; i >= 0; i-- {
		if !known[i] {
			b.WriteString("??")
			continue
		}
		fmt.Fprintf(&b, "%02x", content[i])
	}
	return b.String()
}

func all(known []bool) bool {
	for _, k := range known {
		if !k {
			return false
		}
	}
	return true
}

// facts are those of the lab at the stops that were passed, the last first.
func (m *model) facts() (lines []string) {
	for at := m.Player.Pos(); at >= 0; at-- {
		stop := ""
		for _, f := range m.FactsAt(at) {
			if f.Stop != stop {
				stop = f.Stop
				lines = append(lines, faint.Render(fmt.Sprintf("%d %s", f.At, stop)))
			}
			line := "  " + m.Say(f)
			if at == m.Player.Pos() {
				line = told.Render(line)
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return []string{faint.Render(m.t(msgNoFacts))}
	}
	return lines
}

// changes is what the instruction is about to do.
func (m *model) changes() (lines []string) {
	p := m.Player
	if p.Pos() == len(p.Steps) {
		return []string{m.t(msgEnd, p.To)}
	}
	if s := p.Steps[p.Pos()]; s.Syscall >= 0 {
		lines = append(lines, m.t(msgSyscall, s.Name))
	}
	for _, c := range m.Changes(p.Pos()) {
		lines = append(lines, fmt.Sprintf("%s %s → %s", c.What, c.Was, c.Is))
	}
	if len(lines) == 0 {
		return []string{faint.Render(m.t(msgNothingChanges))}
	}
	return lines
}
