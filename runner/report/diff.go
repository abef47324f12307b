package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Pair is one claim on two releases; nil where it was not judged.
type Pair struct{ Old, New *Line }

// Changed are the claims that are not the same on two releases: another
// outcome, or another value that can be compared. Both lists hold lines of one release each.
func Changed(old, now []Line, s Style) []Pair {
	var pairs []Pair
	index := map[[5]string]int{}
	take := func(lines []Line, put func(*Pair, *Line)) {
		lines = slices.Clone(lines)
		sortLines(lines)
		for i := range lines {
			l := &lines[i]
			key := [5]string{l.Lab, l.Claim, l.Setup, l.GOOS, l.GOARCH}
			n, ok := index[key]
			if !ok {
				n = len(pairs)
				index[key] = n
				pairs = append(pairs, Pair{})
			}
			put(&pairs[n], l)
		}
	}
	take(old, func(p *Pair, l *Line) { p.Old = l })
	take(now, func(p *Pair, l *Line) { p.New = l })
	pairs = slices.DeleteFunc(pairs, func(p Pair) bool { return s.cellOf(p.Old).same(s.cellOf(p.New)) })
	slices.SortStableFunc(pairs, func(a, b Pair) int { return strings.Compare(a.line().Lab, b.line().Lab) })
	return pairs
}

// line is one of the two, for what they have in common.
func (p Pair) line() *Line {
	if p.New != nil {
		return p.New
	}
	return p.Old
}

// Diff writes what changed between two releases: claim by claim, then the facts
// of which no claim speaks, as the caller spells them.
func Diff(w io.Writer, pairs []Pair, facts []string, s Style) error {
	t := &texter{Style: s}
	wide := s.wordWidth()
	side := func(c cell) string {
		if c.line == nil {
			return s.t(msgNoLine)
		}
		k := looks[c.line.Outcome]
		text := s.paint(k.color, k.mark+" "+s.t(k.word))
		if c.text != "" {
			value := c.text
			if s.Width > 0 {
				value = short(value, max(12, s.Width-8-wide-4))
			}
			text += Pad("", wide-uniseg.StringWidth(s.t(k.word))) + "  " + value
		}
		return text
	}
	for i, p := range pairs {
		l := p.line()
		if i == 0 || l.Lab != pairs[i-1].line().Lab {
			if i > 0 {
				t.line("")
			}
			t.line(s.paint(bold, clean(l.Lab)))
		}
		t.line("  " + clean(l.Claim))
		t.line("      " + side(s.cellOf(p.Old)))
		t.line("    → " + side(s.cellOf(p.New)))
		if s.Says != nil && s.Says(*l) != "" {
			t.indent(s.t(msgClaimed, clean(s.Says(*l))))
		}
		if p.New != nil && s.Why != nil && s.Why(*p.New) != "" {
			t.indent(s.t(msgWhy, clean(s.Why(*p.New))))
		}
	}
	if len(pairs) == 0 {
		t.line(s.t(msgNoChange))
	}
	if len(facts) > 0 {
		t.line("")
		t.line(s.t(msgFacts, len(facts)))
		for _, f := range facts {
			if s.Width > 0 {
				f = short(f, s.Width-2)
			}
			t.line("  " + clean(f))
		}
	}
	if _, err := w.Write(t.Bytes()); err != nil {
		return fmt.Errorf("write diff: %w", err)
	}
	return nil
}
