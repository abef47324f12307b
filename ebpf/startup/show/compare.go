package show

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// CompareText writes a table of what two programs take, and what is different.
func (w Words) CompareText(to io.Writer, c startup.Comparison) error {
	var b strings.Builder
	line := func(m message, values ...any) { b.WriteString(w.say(m, values...) + "\n") }
	for _, r := range []struct {
		name string
		startup.Result
	}{{"A", c.A}, {"B", c.B}} {
		b.WriteString(w.say(msgLabel, r.name))
		line(msgTitle, title(r.Result), r.Until, w.duration(r.Bare))
	}
	line(msgWhole, w.verdict(c.Whole))
	spans, more := c.Spans, 0
	if ofInits(c.A) && len(spans) > most {
		spans, more = spans[:most], len(spans)-most
	}
	width := uniseg.StringWidth(w.say(msgMilestone))
	for _, d := range spans {
		width = max(width, len(d.Name))
	}
	fmt.Fprintf(&b, "\n%s  %10s  %10s  %s\n", left(w.say(msgMilestone), width), "A", "B", w.say(msgIs))
	for _, d := range spans {
		fmt.Fprintf(&b, "%s  %s  %s  %s", left(d.Name, width), right(or(d.A), 10), right(or(d.B), 10), w.verdict(d))
		if d.Only == "" && d.NextA != d.NextB {
			b.WriteString(w.say(msgUpTo, d.NextA, d.NextB))
		}
		b.WriteString("\n")
	}
	if more > 0 {
		line(msgMoreSmall, more)
	}
	b.WriteString("\n")
	line(msgRounds, c.Whole.Delta.N, 100*startup.Confidence, 100*c.Confidence)
	line(msgResolution, brief(c.Whole.Resolution))
	for _, r := range []struct {
		name string
		startup.Result
	}{{"A", c.A}, {"B", c.B}} {
		b.WriteString("\n" + w.say(msgLabel, r.name) + w.method(r.Result))
		for _, note := range w.notes(r.Result) {
			b.WriteString(note + "\n")
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func or(i startup.Interval) string {
	if i.N == 0 {
		return "-"
	}
	return brief(i.Median)
}

// verdict is the difference in words.
func (w Words) verdict(d startup.Difference) string {
	low, high := signed(d.Delta.Low), signed(d.Delta.High)
	switch d.Verdict() {
	case startup.Unknown:
		return w.say(msgOnly, d.Only)
	case startup.TooFew:
		return w.say(msgTooFewToTell, d.Delta.N)
	case startup.Slower:
		return w.say(msgSlower, brief(d.Delta.Median), low, high)
	case startup.Faster:
		return w.say(msgFaster, brief(-d.Delta.Median), low, high)
	}
	return w.say(msgSame, low, high)
}

func signed(ns float64) string {
	if ns > 0 {
		return "+" + brief(ns)
	}
	return brief(ns)
}

type differenceJSON struct {
	Schema    int           `json:"schema"`
	Kind      string        `json:"kind"` // difference
	A         string        `json:"a"`
	B         string        `json:"b"`
	Milestone string        `json:"milestone,omitempty"` // "" is the whole
	NextA     string        `json:"next_a,omitempty"`
	NextB     string        `json:"next_b,omitempty"`
	ANs       *intervalJSON `json:"a_ns"`
	BNs       *intervalJSON `json:"b_ns"`
	Delta     *intervalJSON `json:"delta_ns"`
	Verdict   string        `json:"verdict"`
}

// CompareJSONL writes a line for each difference.
func CompareJSONL(w io.Writer, c startup.Comparison) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, d := range append([]startup.Difference{c.Whole}, c.Spans...) {
		if err := e.Encode(differenceJSON{
			Schema: schema, Kind: "difference", A: name(c.A), B: name(c.B), Milestone: d.Name, NextA: d.NextA, NextB: d.NextB,
			ANs: number(d.A), BNs: number(d.B), Delta: number(d.Delta), Verdict: string(d.Verdict()),
		}); err != nil {
			return err
		}
	}
	return nil
}

func name(r startup.Result) string {
	if r.Program.Name != "" {
		return r.Program.Name
	}
	return r.Program.Path
}
