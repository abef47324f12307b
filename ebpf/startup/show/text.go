// Package show writes the results of package startup: as a table for people, as
// lines of JSON, and in the formats of tools that exist.
package show

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// barWidth is how many columns the longest span has.
const barWidth = 24

// Text writes a table with bars; of init functions the longest ones.
func Text(w io.Writer, r startup.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: from exec to %s %s\n", title(r), r.Until, duration(r.Whole))
	if ofInits(r) {
		inits(&b, r)
	} else {
		boot(&b, r)
	}
	b.WriteString(method(r))
	for _, line := range notes(r) {
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// boot is the table of all milestones, in their order.
func boot(b *strings.Builder, r startup.Result) {
	width, longest := len("milestone"), 0.0
	for _, t := range r.Timings {
		width, longest = max(width, len(t.Name)), max(longest, t.Takes.Median)
	}
	fmt.Fprintf(b, "\n%-*s  %10s  %10s  %-21s  %s\n", width, "milestone", "at", "takes", fmt.Sprintf("%.0f%% interval", 100*startup.Confidence), "what begins there")
	for _, t := range r.Timings {
		if t.Aside {
			fmt.Fprintf(b, "%-*s  %10s  %10s  %-21s  %s (another thread)\n", width, t.Name, brief(t.At.Median), "", "", t.What)
			continue
		}
		fmt.Fprintf(b, "%-*s  %10s  %10s  %-21s  %-*s  %s\n", width, t.Name, brief(t.At.Median), brief(t.Takes.Median), between(t.Takes), barWidth, bar(t.Takes.Median, longest), t.What)
	}
	fmt.Fprintf(b, "%-*s  %10s\n\n", width, r.Until, brief(r.Whole.Median))
}

// title is the program and what built it.
func title(r startup.Result) string {
	if program := name(r); r.Release != "" && !strings.HasSuffix(program, r.Release) {
		return program + " (" + r.Release + ")"
	}
	return name(r)
}

// method says how many runs there were and what the probes did to them.
func method(r startup.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "n = %d runs of each set of milestones, %d without probes, shuffled; medians with intervals of at least %.0f%% (no distribution assumed).\n", rounds(r), r.Bare.N, 100*startup.Confidence)
	against := "runs without probes"
	if r.Until != "exit" {
		against = "runs with one probe, at " + r.Until
	}
	if sum := r.Sum(); sum > 0 {
		fmt.Fprintf(&b, "The medians of the spans add up to %s, %.0f%% of the whole", brief(sum), 100*sum/r.Whole.Median)
		if sum < 0.9*r.Whole.Median {
			b.WriteString(": runs are interrupted, each at another place, as on a busy machine")
		}
		b.WriteString(".\n")
	}
	fmt.Fprintf(&b, "Observer effect: %s of %s, which take %s.\n", percent(r.Observer), against, duration(r.Bare))
	return b.String()
}

func rounds(r startup.Result) int {
	n := math.MaxInt
	for _, t := range r.Timings {
		if t.Takes.N > 0 {
			n = min(n, t.Takes.N)
		}
	}
	if n == math.MaxInt {
		return 0
	}
	return n
}

// notes are what else has to be known.
func notes(r startup.Result) (lines []string) {
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(r.Ends)) {
		ends = append(ends, fmt.Sprintf("%s ×%d", end, r.Ends[end]))
	}
	who := "whoever runs rt0lab"
	if r.Program.As.Name != "" {
		who = r.Program.As.Name
	}
	lines = append(lines, fmt.Sprintf("Runs as %s; ended with: %s.", who, strings.Join(ends, ", ")))
	total, cheap := 0, 0
	var slow []string
	for _, t := range r.Timings {
		before := cheap - total
		for _, s := range t.Sites {
			if total++; s.Cheap {
				cheap++
			}
		}
		if cheap-total < before && !t.Aside {
			slow = append(slow, t.Name)
		}
	}
	lines = append(lines, fmt.Sprintf("Probes at cheap instructions: %d of %d.", cheap, total))
	if len(slow) > 0 {
		lines = append(lines, "Up to some tens of microseconds too long, because the probe is single-stepped: "+strings.Join(slow, ", ")+".")
	}
	if r.Lost > 0 {
		lines = append(lines, fmt.Sprintf("Left out because events were lost: %d runs.", r.Lost))
	}
	if r.Changed {
		lines = append(lines, fmt.Sprintf("%s has changed since: these numbers are those of the file as it was when this began.", r.Program.Path))
	}
	if len(r.Missing) > 0 {
		lines = append(lines, "Without a time:")
		for i, m := range r.Missing {
			if i == most && ofInits(r) {
				lines = append(lines, fmt.Sprintf("  and %d more (--format jsonl has all)", len(r.Missing)-i))
				break
			}
			lines = append(lines, fmt.Sprintf("  %s: %s", m.Name, m.Reason))
		}
	}
	return lines
}

func bar(value, longest float64) string {
	if longest <= 0 || value <= 0 {
		return ""
	}
	eighths := int(math.Round(value / longest * barWidth * 8))
	if eighths == 0 {
		eighths = 1
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// brief is a duration of ns nanoseconds with three digits.
func brief(ns float64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "-", -ns
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= unit.size*0.9995 {
			v := ns / unit.size
			digits := 2
			if v >= 99.95 {
				digits = 0
			} else if v >= 9.995 {
				digits = 1
			}
			return fmt.Sprintf("%s%.*f %s", sign, digits, v, unit.name)
		}
	}
	return fmt.Sprintf("%s%.0f ns", sign, ns)
}

func between(i startup.Interval) string {
	if i.N == 0 {
		return ""
	}
	if i.Confidence == 0 {
		return fmt.Sprintf("too few runs (%d)", i.N)
	}
	return brief(i.Low) + " – " + brief(i.High)
}

func duration(i startup.Interval) string {
	if i.N == 0 {
		return "(no run)"
	}
	return fmt.Sprintf("%s [%s]", brief(i.Median), between(i))
}

// percent is a ratio as what is more than one.
func percent(i startup.Interval) string {
	if i.N == 0 {
		return "unknown"
	}
	text := fmt.Sprintf("%+.1f%%", 100*(i.Median-1))
	if i.Confidence == 0 {
		return text + fmt.Sprintf(" [too few runs (%d)]", i.N)
	}
	return text + fmt.Sprintf(" [%+.1f%% – %+.1f%%]", 100*(i.Low-1), 100*(i.High-1))
}
