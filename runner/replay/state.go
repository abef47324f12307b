package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// around is how many lines of source and instructions State shows on each side.
const around = 5

// State writes everything at one position.
func (t *Tape) State(w io.Writer, at int, syntax Syntax) error {
	b := bufio.NewWriter(w)
	p := t.Player
	p.Go(at)
	t.head(b)
	in := p.InstAtPos(at)
	fmt.Fprintf(b, "\n%d / %d  %#x  %s  %s\n", at, len(p.Steps), in.Addr, syntax.Of(in), t.Where(in))
	if stops := t.StopsAt(at); len(stops) > 0 {
		fmt.Fprintln(b, t.t(msgStops, strings.Join(stops, " · ")))
	}
	fmt.Fprintln(b, t.t(msgCalls, strings.Join(t.CallChain(at), " › ")))
	for _, f := range t.FactsAt(at) {
		fmt.Fprintf(b, "%s\n        %s\n", t.t(msgFact, t.Say(f)), f.What)
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgChanges))
	if at == len(p.Steps) {
		fmt.Fprintf(b, "    %s\n", t.t(msgEnd, p.To))
	} else if changes := t.Changes(at); len(changes) == 0 && p.Steps[at].Syscall < 0 {
		fmt.Fprintf(b, "    %s\n", t.t(msgNothing))
	} else {
		if s := p.Steps[at]; s.Syscall >= 0 {
			fmt.Fprintf(b, "    %s\n", t.t(msgSyscall, s.Name))
		}
		for _, c := range changes {
			fmt.Fprintf(b, "    %s %s → %s\n", c.What, c.Was, c.Is)
		}
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgRegisters))
	regs := p.Regs()
	for reg := range trace.Reg(trace.NumRegs) {
		fmt.Fprintf(b, "    %-8s %s\n", reg, t.Value(regs[reg]))
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgSource))
	for _, l := range t.SourceAround(at, around, around) {
		fmt.Fprintf(b, "  %s %5d  %s\n", mark(l.Here), l.Number, strings.TrimRight(l.Text, " "))
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgCode))
	for _, i := range t.CodeAround(at, around, around) {
		in := p.Insts[i]
		fmt.Fprintf(b, "  %s %#x  %s\n", mark(in.Addr == p.PC(at)), in.Addr, syntax.Of(in))
	}
	return b.Flush()
}

func mark(here bool) string {
	if here {
		return "▶"
	}
	return " "
}

// CallChain are the functions a position is in, outermost first. What was
// jumped to stands in the place of what jumped.
func (t *Tape) CallChain(at int) []string {
	p := t.Player
	chain := []string{p.FuncName(at)}
	for depth := p.Depth(at); depth > 0; depth = p.Depth(at) {
		at = p.OutBack(at)
		chain = append([]string{p.FuncName(at)}, chain...)
	}
	return chain
}

// SourceLine is one line of the source at hand.
type SourceLine struct {
	Number int
	Text   string // tabs expanded, safe to print
	Here   bool
}

// SourceAround are the lines around that of a position, as far as the trace has them.
func (t *Tape) SourceAround(at, above, below int) (list []SourceLine) {
	p := t.Player
	line := p.InstAtPos(at).Line
	if line < 0 {
		return nil
	}
	first, last := line, line
	for first > line-above && t.near(first-1, first) {
		first--
	}
	for last < line+below && t.near(last, last+1) {
		last++
	}
	for i := first; i <= last; i++ {
		list = append(list, SourceLine{Number: p.Lines[i].Number, Text: expand(p.Lines[i].Text), Here: i == line})
	}
	return list
}

// near reports whether two lines that the trace has stand close to one another: what is
// far away belongs to another function.
func (t *Tape) near(i, j int) bool {
	const most = 6
	lines := t.Player.Lines
	return i >= 0 && j < len(lines) && lines[i].File == lines[j].File && lines[j].Number-lines[i].Number <= most
}

// expand makes tabs blanks, as wide as the source is written.
func expand(text string) string {
	var b strings.Builder
	column := 0
	for _, r := range text {
		if r == '\t' {
			n := 4 - column%4
			b.WriteString(strings.Repeat(" ", n))
			column += n
			continue
		}
		b.WriteRune(r)
		column++
	}
	return clean(b.String())
}

// CodeAround are the instructions around that of a position, in the order of their addresses.
func (t *Tape) CodeAround(at, above, below int) (list []int) {
	p := t.Player
	here := p.InstAt(p.PC(at))
	f := p.FuncAt(p.PC(at))
	for i := here - above; i <= here+below; i++ {
		if i >= 0 && i < len(p.Insts) && p.FuncAt(p.Insts[i].Addr) == f {
			list = append(list, i)
		}
	}
	return list
}
