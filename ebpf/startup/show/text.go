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

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// barWidth is how many columns the longest span has.
const barWidth = 24

// Text writes a table with bars; of init functions the longest ones.
func (w Words) Text(to io.Writer, r startup.Result) error {
	var b strings.Builder
	b.WriteString(w.say(msgTitle, title(r), r.Until, w.duration(r.Whole)) + "\n")
	if ofInits(r) {
		w.inits(&b, r)
	} else {
		w.boot(&b, r)
	}
	b.WriteString(w.method(r))
	for _, line := range w.notes(r) {
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// boot is the table of all milestones, in their order.
func (w Words) boot(b *strings.Builder, r startup.Result) {
	width, longest := uniseg.StringWidth(w.say(msgMilestone)), 0.0
	for _, t := range r.Timings {
		width, longest = max(width, len(t.Name)), max(longest, t.Takes.Median)
	}
	row := func(name, at, takes, interval, rest string) {
		fmt.Fprintf(b, "%s  %s  %s  %s  %s\n", left(name, width), right(at, 10), right(takes, 10), left(interval, 21), rest)
	}
	b.WriteString("\n")
	row(w.say(msgMilestone), w.say(msgAt), w.say(msgTakes), w.say(msgInterval, 100*startup.Confidence), w.say(msgBegins))
	for _, t := range r.Timings {
		if t.Aside {
			row(t.Name, brief(t.At.Median), "", "", w.say(msgAnother, w.what(t.Milestone)))
			continue
		}
		row(t.Name, brief(t.At.Median), brief(t.Takes.Median), w.between(t.Takes), left(bar(t.Takes.Median, longest), barWidth)+"  "+w.what(t.Milestone))
	}
	fmt.Fprintf(b, "%s  %s\n\n", left(r.Until, width), right(brief(r.Whole.Median), 10))
}

// title is the program and what built it.
func title(r startup.Result) string {
	if program := name(r); r.Release != "" && !strings.HasSuffix(program, r.Release) {
		return program + " (" + r.Release + ")"
	}
	return name(r)
}

// method says how many runs there were and what the probes did to them.
func (w Words) method(r startup.Result) string {
	var b strings.Builder
	if least, most := rounds(r); least == most {
		b.WriteString(w.say(msgMethod, least, r.Bare.N, 100*startup.Confidence) + "\n")
	} else {
		b.WriteString(w.say(msgMethodRange, least, most, r.Bare.N, 100*startup.Confidence) + "\n")
	}
	against := w.say(msgAgainstBare)
	if r.Until != "exit" {
		against = w.say(msgAgainstOne, r.Until)
	}
	if sum := r.Sum(); sum > 0 {
		b.WriteString(w.say(msgSum, brief(sum), 100*sum/r.Whole.Median))
		if sum < 0.9*r.Whole.Median {
			b.WriteString(w.say(msgInterrupted))
		}
		b.WriteString(w.say(msgStop) + "\n")
	}
	b.WriteString(w.say(msgObserver, w.percent(r.Observer), against, w.duration(r.Bare)) + "\n")
	if r.Probe.N > 0 {
		b.WriteString(w.say(msgProbe, w.duration(r.Probe)) + "\n")
	}
	return b.String()
}

// rounds are how often sets of milestones were run: the batches of a large program need not be alike.
func rounds(r startup.Result) (least, most int) {
	for _, t := range r.Timings {
		if n := t.Takes.N; n > 0 {
			most = max(most, n)
			if least == 0 || n < least {
				least = n
			}
		}
	}
	return least, most
}

// notes are what else has to be known.
func (w Words) notes(r startup.Result) (lines []string) {
	note := func(m message, values ...any) { lines = append(lines, w.say(m, values...)) }
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(r.Ends)) {
		ends = append(ends, w.say(msgEnd, end, r.Ends[end]))
	}
	who := w.say(msgWhoever)
	if r.Program.As.Name != "" {
		who = r.Program.As.Name
	}
	note(msgEnds, who, strings.Join(ends, w.say(msgBetweenEnds)))
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
	note(msgCheap, cheap, total)
	if len(slow) > 0 {
		note(msgSlow, strings.Join(slow, w.say(msgBetweenNames)))
	}
	if r.Lost > 0 {
		note(msgLost, r.Lost)
	}
	if r.Changed {
		note(msgChanged, r.Program.Path)
	}
	if r.Moved != "" {
		note(msgMoved, r.Program.Path, r.Moved)
	}
	if len(r.Missing) > 0 {
		note(msgWithout)
		for i, m := range r.Missing {
			if i == most && ofInits(r) {
				lines = append(lines, "  "+w.say(msgMissingMore, len(r.Missing)-i))
				break
			}
			lines = append(lines, "  "+w.say(msgMissing, m.Name, m.Reason))
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

func (w Words) between(i startup.Interval) string {
	if i.N == 0 {
		return ""
	}
	if i.Confidence == 0 {
		return w.say(msgTooFew, i.N)
	}
	return brief(i.Low) + " – " + brief(i.High)
}

func (w Words) duration(i startup.Interval) string {
	if i.N == 0 {
		return w.say(msgNoRun)
	}
	return fmt.Sprintf("%s [%s]", brief(i.Median), w.between(i))
}

// percent is a ratio as what is more than one.
func (w Words) percent(i startup.Interval) string {
	if i.N == 0 {
		return w.say(msgUnknown)
	}
	text := fmt.Sprintf("%+.1f%%", 100*(i.Median-1))
	if i.Confidence == 0 {
		return text + " [" + w.say(msgTooFew, i.N) + "]"
	}
	return text + fmt.Sprintf(" [%+.1f%% – %+.1f%%]", 100*(i.Low-1), 100*(i.High-1))
}
