package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// most is how many lines a table of init functions has: the rest is short.
const most = 20

// ofInits reports whether the result is about the init functions of packages.
func ofInits(r startup.Result) bool {
	return slices.ContainsFunc(r.Timings, func(t startup.Timing) bool { return t.Package != "" })
}

// inits is the table of packages, the longest ones first, and the sum of the others.
func inits(b *strings.Builder, r startup.Result) {
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
	width := len("package")
	for _, t := range shown {
		width = max(width, len(t.Package))
	}
	fmt.Fprintf(b, "%d packages have init functions; they take %s, %.0f%% of what all spans take.\n", len(packages), brief(sum), 100*sum/max(r.Sum(), 1))
	fmt.Fprintf(b, "\n%-*s  %10s  %-21s  %10s  %s\n", width, "package", "takes", fmt.Sprintf("%.0f%% interval", 100*startup.Confidence), "inittrace", "")
	for _, t := range shown {
		own := "-"
		if t.Trace.N > 0 {
			own = brief(t.Trace.Median)
		}
		fmt.Fprintf(b, "%-*s  %10s  %-21s  %10s  %s\n", width, t.Package, brief(t.Takes.Median), between(t.Takes), own, bar(t.Takes.Median, shown[0].Takes.Median))
	}
	if more := packages[len(shown):]; len(more) > 0 {
		for _, t := range more {
			rest += t.Takes.Median
		}
		fmt.Fprintf(b, "%-*s  %10s\n", width, fmt.Sprintf("%d more", len(more)), brief(rest))
	}
	b.WriteString("\n")
	if !slices.ContainsFunc(packages, func(t startup.Timing) bool { return t.Trace.N > 0 }) {
		b.WriteString("GODEBUG=inittrace=1 says nothing here: it is new in 1.16, and knows no package of the runtime.\n")
	}
}
