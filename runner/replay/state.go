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
	fmt.Fprintf(b, "\n%d / %d  %#x  %s  %s\n", at, len(p.Steps), in.Addr, syntax.of(in), t.where(in))
	if stops := t.stopsAt(at); len(stops) > 0 {
		fmt.Fprintln(b, t.t(msgStops, strings.Join(stops, " · ")))
	}
	fmt.Fprintln(b, t.t(msgCalls, strings.Join(t.callChain(at), " › ")))
	for _, f := range t.factsAt(at) {
		fmt.Fprintf(b, "%s\n        %s\n", t.t(msgFact, t.fact(f)), f.What)
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgChanges))
	if at == len(p.Steps) {
		fmt.Fprintf(b, "    %s\n", t.t(msgEnd, p.To))
	} else if changes := t.changes(at); len(changes) == 0 && p.Steps[at].Syscall < 0 {
		fmt.Fprintf(b, "    %s\n", t.t(msgNothing))
	} else {
		if s := p.Steps[at]; s.Syscall >= 0 {
			fmt.Fprintf(b, "    %s\n", t.t(msgSyscall, s.Name))
		}
		for _, c := range changes {
			fmt.Fprintf(b, "    %s %s → %s\n", c.what, c.was, c.is)
		}
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgRegisters))
	regs := p.Regs()
	for reg := range trace.Reg(trace.NumRegs) {
		fmt.Fprintf(b, "    %-8s %s\n", reg, t.value(regs[reg]))
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgSource))
	for _, l := range t.sourceAround(at, around, around) {
		fmt.Fprintf(b, "  %s %5d  %s\n", mark(l.here), l.number, strings.TrimRight(l.text, " "))
	}
	fmt.Fprintf(b, "\n%s\n", t.t(msgCode))
	for _, i := range t.codeAround(at, around, around) {
		in := p.Insts[i]
		fmt.Fprintf(b, "  %s %#x  %s\n", mark(in.Addr == p.PC(at)), in.Addr, syntax.of(in))
	}
	return b.Flush()
}

func mark(here bool) string {
	if here {
		return "▶"
	}
	return " "
}

// callChain are the functions a position is in, outermost first. What was
// jumped to stands in the place of what jumped.
func (t *Tape) callChain(at int) []string {
	p := t.Player
	chain := []string{p.FuncName(at)}
	for depth := p.Depth(at); depth > 0; depth = p.Depth(at) {
		at = p.OutBack(at)
		chain = append([]string{p.FuncName(at)}, chain...)
	}
	return chain
}

// sourceLine is one line of the source at hand.
type sourceLine struct {
	number int
	text   string
	here   bool
}

// sourceAround are the lines around that of a position, as far as the trace has them.
func (t *Tape) sourceAround(at, above, below int) (list []sourceLine) {
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
		list = append(list, sourceLine{number: p.Lines[i].Number, text: expand(p.Lines[i].Text), here: i == line})
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

// codeAround are the instructions around that of a position, in the order of their addresses.
func (t *Tape) codeAround(at, above, below int) (list []int) {
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
