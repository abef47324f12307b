package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// most is how many lines a table of init functions has: the rest is short.
const most = 20

// ofInits reports whether the result is about the init functions of packages.
func ofInits(r startup.Result) bool {
	return slices.ContainsFunc(r.Timings, func(t startup.Timing) bool { return t.Package != "" })
}

// inits is the table of packages, the longest ones first, and the sum of the others.
func (w Words) inits(b *strings.Builder, r startup.Result) {
	var packages []startup.Timing
	var sum, rest float64
	for _, t := range r.Timings {
		if t.Package != "" {
			packages = append(packages, t)
			sum += t.Takes.Median
		}
	}
	slices.SortStableFunc(packages, func(a, b startup.Timing) int { return cmp.Compare(b.Takes.Median, a.Takes.Median) })
	shown := packages[:min(most, len(packages))]
	width := uniseg.StringWidth(w.say(msgPackage))
	for _, t := range shown {
		width = max(width, len(t.Package))
	}
	row := func(name, takes, interval, own, rest string) {
		fmt.Fprintf(b, "%s  %s  %s  %s  %s\n", left(name, width), right(takes, 10), left(interval, 21), right(own, 10), rest)
	}
	b.WriteString(w.say(msgPackages, len(packages), brief(sum), 100*sum/max(r.Sum(), 1)) + "\n\n")
	row(w.say(msgPackage), w.say(msgTakes), w.say(msgInterval, 100*startup.Confidence), "inittrace", "")
	for _, t := range shown {
		own := "-"
		if t.Trace.N > 0 {
			own = brief(t.Trace.Median)
		}
		row(t.Package, brief(t.Takes.Median), w.between(t.Takes), own, bar(t.Takes.Median, shown[0].Takes.Median))
	}
	if more := packages[len(shown):]; len(more) > 0 {
		for _, t := range more {
			rest += t.Takes.Median
		}
		fmt.Fprintf(b, "%s  %s\n", left(w.say(msgMore, len(more)), width), right(brief(rest), 10))
	}
	b.WriteString("\n")
	if !slices.ContainsFunc(packages, func(t startup.Timing) bool { return t.Trace.N > 0 }) {
		b.WriteString(w.say(msgNoTrace) + "\n")
	}
}
