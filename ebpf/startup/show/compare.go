package show

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// CompareText writes a table of what two programs take, and what is different.
func CompareText(w io.Writer, c startup.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A: %s: from exec to %s %s\n", title(c.A), c.A.Until, duration(c.A.Bare))
	fmt.Fprintf(&b, "B: %s: from exec to %s %s\n", title(c.B), c.B.Until, duration(c.B.Bare))
	fmt.Fprintf(&b, "The whole: B is %s.\n", verdict(c.Whole))
	spans, more := c.Spans, 0
	if ofInits(c.A) && len(spans) > most {
		spans, more = spans[:most], len(spans)-most
	}
	width := len("milestone")
	for _, d := range spans {
		width = max(width, len(d.Name))
	}
	fmt.Fprintf(&b, "\n%-*s  %10s  %10s  %s\n", width, "milestone", "A", "B", "B is")
	for _, d := range spans {
		fmt.Fprintf(&b, "%-*s  %10s  %10s  %s", width, d.Name, or(d.A), or(d.B), verdict(d))
		if d.Only == "" && d.NextA != d.NextB {
			fmt.Fprintf(&b, " (up to %s in A, %s in B)", d.NextA, d.NextB)
		}
		b.WriteString("\n")
	}
	if more > 0 {
		fmt.Fprintf(&b, "and %d more with smaller differences (--format jsonl has all)\n", more)
	}
	fmt.Fprintf(&b, "\nn = %d rounds; differences are medians of B − A within a round. All intervals hold at once with %.0f%% (each with %.2f%%).\n",
		c.Whole.Delta.N, 100*startup.Confidence, 100*c.Confidence)
	fmt.Fprintf(&b, "Less than %s is no difference: two copies of one program differ by as much.\n", brief(c.Whole.Resolution))
	for _, r := range []struct {
		name string
		startup.Result
	}{{"A", c.A}, {"B", c.B}} {
		fmt.Fprintf(&b, "\n%s: %s", r.name, method(r.Result))
		for _, line := range notes(r.Result) {
			b.WriteString(line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func or(i startup.Interval) string {
	if i.N == 0 {
		return "-"
	}
	return brief(i.Median)
}

// verdict is the difference in words.
func verdict(d startup.Difference) string {
	switch v := d.Verdict(); v {
	case startup.Unknown:
		return "- (only " + d.Only + " has it)"
	case startup.TooFew:
		return fmt.Sprintf("unknown: too few runs (%d)", d.Delta.N)
	case startup.Same:
		return fmt.Sprintf("no different [%s – %s]", signed(d.Delta.Low), signed(d.Delta.High))
	default:
		return fmt.Sprintf("%s by %s [%s – %s]", v, brief(max(d.Delta.Median, -d.Delta.Median)), signed(d.Delta.Low), signed(d.Delta.High))
	}
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
