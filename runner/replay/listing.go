package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// Range is a part of a trace: both positions are in it.
type Range struct{ From, To int }

// All is the whole trace.
func (t *Tape) All() Range { return Range{0, len(t.Player.Steps)} }

// Syntax is how instructions are spelled.
type Syntax string

// The spellings.
const (
	Go    Syntax = "go"
	Intel Syntax = "intel"
)

// Of is the instruction in this spelling.
func (s Syntax) Of(in trace.Inst) string {
	if s == Intel {
		return in.Intel
	}
	return in.Go
}

// Text writes a listing: one line an instruction, with what it changes, and the
// facts at the stops one passes. Without a trace it is the facts alone.
func (t *Tape) Text(w io.Writer, r Range, syntax Syntax) error {
	b := bufio.NewWriter(w)
	t.head(b)
	if t.Player == nil {
		t.factsOnly(b)
		return b.Flush()
	}
	last := -2
	for at := r.From; at <= r.To; at++ {
		if f := t.Player.FuncAtPos(at); f != last {
			last = f
			fmt.Fprintf(b, "\n%*s%s\n", 2*t.Player.Depth(at), "", t.Player.FuncName(at))
		}
		t.listStops(b, at)
		t.listStep(b, at, syntax)
	}
	return b.Flush()
}

func (t *Tape) head(w io.Writer) {
	fmt.Fprintf(w, "%s  %s\n", t.Lab, t.Title)
	if t.Player != nil {
		p := t.Player
		fmt.Fprintln(w, t.t(msgHead, p.Release, p.GOOS, p.GOARCH, p.Setup, len(p.Steps), p.To))
		return
	}
	fmt.Fprintf(w, "%s %s/%s\n%s\n", t.Release, t.GOOS, t.GOARCH, t.t(msgNoTrace))
}

func (t *Tape) factsOnly(w io.Writer) {
	setup, stop := "", ""
	for _, f := range t.Facts {
		if f.Setup != setup || f.Stop != stop {
			setup, stop = f.Setup, f.Stop
			fmt.Fprintf(w, "\n%s\n", t.t(msgFactsOf, setup, stop))
		}
		fmt.Fprintf(w, "    %s\n", t.Say(f))
	}
}

// Say writes a fact on one line.
func (t *Tape) Say(f Fact) string {
	text := fmt.Sprintf("%s = %s (%s)", f.Name, f.Value, strings.Join(f.By, ", "))
	if f.Varies {
		text += " ~"
	}
	return text
}

// listStops writes the facts known at a position, under their stops.
func (t *Tape) listStops(w io.Writer, at int) {
	stop := ""
	for _, f := range t.FactsAt(at) {
		if f.Stop != stop {
			stop = f.Stop
			fmt.Fprintf(w, "        ── %s\n", t.t(msgAtStop, stop))
		}
		fmt.Fprintf(w, "           %s\n", t.Say(f))
	}
}

func (t *Tape) listStep(w io.Writer, at int, syntax Syntax) {
	in := t.Player.InstAtPos(at)
	line := fmt.Sprintf("%6d  %#x  %-40s %-26s", at, in.Addr, syntax.Of(in), t.Where(in))
	if at == len(t.Player.Steps) {
		fmt.Fprintf(w, "%s %s\n", line, t.t(msgEnd, t.Player.To))
		return
	}
	if changes := t.ChangesLine(at); changes != "" {
		line += " " + changes
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// ChangesLine is all that a step changes, on one line.
func (t *Tape) ChangesLine(step int) string {
	var parts []string
	if s := t.Player.Steps[step]; s.Syscall >= 0 {
		parts = append(parts, t.t(msgSyscall, s.Name))
	}
	for _, c := range t.Changes(step) {
		if c.Reg == trace.RFLAGS && !c.IsMemory {
			continue // nearly every instruction does
		}
		parts = append(parts, c.What+" "+c.Was+" → "+c.Is)
	}
	return strings.Join(parts, "; ")
}

// Written writes every step that changes the target.
func (t *Tape) Written(w io.Writer, to Target, r Range, syntax Syntax) error {
	b := bufio.NewWriter(w)
	var steps []int
	for at := t.Changed(to, r.From, true); at >= 0 && at <= r.To; at = t.Changed(to, at+1, true) {
		steps = append(steps, at)
	}
	if len(steps) == 0 {
		fmt.Fprintln(b, t.t(msgNeverWritten, to.Name, t.Player.To))
		return b.Flush()
	}
	fmt.Fprintln(b, t.t(msgWrittenBy, to.Name, len(steps)))
	for _, at := range steps {
		t.listStep(b, at, syntax)
	}
	return b.Flush()
}
