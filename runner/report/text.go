package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Text writes the report for people: one line per claim below its release and
// lab, what is true instead where a claim is refuted, and a summary.
func Text(w io.Writer, lines []Line, s Style) error {
	lines = slices.Clone(lines)
	sortLines(lines)
	t := &texter{Style: s, number: map[string]int{}}
	for i, l := range lines {
		if i == 0 || l.Release != lines[i-1].Release || l.GOOS != lines[i-1].GOOS || l.GOARCH != lines[i-1].GOARCH {
			if i > 0 {
				t.line("")
			}
			t.line(s.paint(bold, clean(l.Release+" "+l.GOOS+"/"+l.GOARCH)))
			t.column = 0
		}
		if t.column == 0 || l.Lab != lines[i-1].Lab {
			t.line("  " + s.paint(bold, clean(l.Lab)))
			t.measure(lines[i:])
		}
		t.claim(l)
	}
	t.summary(lines)
	if _, err := w.Write(t.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type texter struct {
	bytes.Buffer
	Style
	column  int            // width of the ids of this lab
	number  map[string]int // reasons of what is untested
	reasons []reason
}

// reason is why claims are untested; it is written once.
type reason struct {
	text  string
	cause observe.Cause
	count int
}

func (t *texter) line(text string) { t.WriteString(text + "\n") }

// measure sets the column to the longest id of the lab the lines begin with.
func (t *texter) measure(lines []Line) {
	const most = 40
	t.column = 1
	for _, l := range lines {
		if l.Lab != lines[0].Lab || l.Release != lines[0].Release {
			break
		}
		t.column = max(t.column, min(most, uniseg.StringWidth(clean(l.Claim))))
	}
}

// claim writes one claim and what there is to say of it.
func (t *texter) claim(l Line) {
	k := looks[l.Outcome]
	word := t.t(k.word)
	wide := t.wordWidth()
	tail := ""
	if l.Drift {
		tail = "  ≠ " + t.t(msgDrift)
	}
	value := t.valueOf(l)
	if value != "" && len(l.Unseen) > 0 {
		value += " " + t.t(msgOnly, clean(strings.Join(slices.Sorted(maps.Keys(l.Saw)), ", ")))
	}
	if l.Outcome == judge.Untested && !l.Drift {
		value = fmt.Sprintf("[%d]", t.reason(l))
	}
	left := 4 + 2 + t.column + 2 + wide + 2
	shown := value
	if t.Width > 0 {
		shown = short(value, max(12, t.Width-left-uniseg.StringWidth(tail)))
	}
	head := "    " + t.paint(k.color, k.mark) + " " + Pad(clean(l.Claim), t.column) + "  "
	switch {
	case shown == "" && tail == "":
		head += t.paint(k.color, word)
	case shown == "":
		head += t.paint(k.color, word) + t.paint(magenta, tail)
	default:
		head += t.paint(k.color, word) + Pad("", wide-uniseg.StringWidth(word)) + "  " + shown + t.paint(magenta, tail)
	}
	t.line(head)
	t.details(l, shown != value, value)
}

func (t *texter) details(l Line, cut bool, value string) {
	if l.Outcome == judge.Refuted {
		if t.Says != nil && t.Says(l) != "" {
			t.indent(t.t(msgClaimed, clean(t.Says(l))))
		}
		if l.Want != "" {
			t.indent(t.t(msgWanted, clean(l.Want)))
		}
		if cut {
			t.indent(t.t(msgSaw, value))
		}
		if t.Since != nil {
			switch since, always := t.Since(l); {
			case always:
				t.indent(t.t(msgAlways))
			case since != "":
				t.indent(t.t(msgSince, clean(since)))
			}
		}
		if t.Why != nil && t.Why(l) != "" {
			t.indent(t.t(msgWhy, clean(t.Why(l))))
		}
	}
	if l.Reason != "" && (l.Outcome == judge.Broken || l.Drift) {
		for _, p := range paragraphs(l.Reason) {
			t.indent(p)
		}
	}
}

// indent writes a detail below its claim.
func (t *texter) indent(text string) { t.hang("        ", "        ", text) }

// hang writes a text that begins with first and goes on below with rest.
func (t *texter) hang(first, rest, text string) {
	width := 0
	if t.Width > 0 {
		width = max(20, t.Width-uniseg.StringWidth(rest))
	}
	for i, part := range wrap(text, width) {
		if i == 0 {
			t.line(strings.TrimRight(first+part, " "))
		} else {
			t.line(rest + part)
		}
	}
}

// reason returns the number of the reason of an untested line.
func (t *texter) reason(l Line) int {
	key := string(l.cause()) + " " + l.Reason
	if t.number[key] == 0 {
		t.reasons = append(t.reasons, reason{text: l.Reason, cause: l.cause()})
		t.number[key] = len(t.reasons)
	}
	t.reasons[t.number[key]-1].count++
	return t.number[key]
}

func (t *texter) summary(lines []Line) {
	if len(lines) == 0 {
		t.line(t.t(msgNone))
		return
	}
	t.untested(observe.CauseMachine, msgMachine, msgMachineOut)
	t.untested(observe.CauseRelease, msgRelease, msgReleaseOut)
	t.lacking(lines)
	count := map[judge.Outcome]int{}
	drift, unrecorded := 0, 0
	for _, l := range lines {
		count[l.Outcome]++
		if l.Drift {
			drift++
		}
		if l.Recorded == nil {
			unrecorded++
		}
	}
	if t.Post != "" {
		t.answer(lines)
	}
	t.line("")
	total := t.t(msgCounts, count[judge.Holds], count[judge.Refuted], count[judge.Untested], count[judge.Broken])
	if drift > 0 {
		total += " · " + t.t(msgDriftCount, drift)
	}
	if unrecorded > 0 {
		total += " · " + t.t(msgUnrecorded, unrecorded)
	}
	t.hang("", "", total)
	exit := []message{msgExit0, msgExit1, msgExit2}[Status(lines)]
	if t.Failed && exit != msgExit2 {
		exit = msgExitFailed
	}
	t.hang("", "", t.t(exit))
}

func (t *texter) untested(cause observe.Cause, title, wayOut message) {
	total := 0
	for _, r := range t.reasons {
		if r.cause == cause {
			total += r.count
		}
	}
	if total == 0 {
		return
	}
	t.line("")
	t.line(t.t(title, total))
	for i, r := range t.reasons {
		if r.cause != cause {
			continue
		}
		text := paragraphs(r.text)
		text[len(text)-1] += times(r.count)
		first := Pad(fmt.Sprintf("  [%d]", i+1), 6) + " "
		for j, p := range text {
			if j > 0 {
				first = "       "
			}
			t.hang(first, "       ", p)
		}
	}
	t.hang("  ", "  ", t.t(wayOut))
}

// times says how many claims share a reason.
func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" ×%d", n)
}

// lacking names the witnesses that this machine lacks although the claim
// could be judged without them.
func (t *texter) lacking(lines []Line) {
	count := map[string]int{}
	for _, l := range lines {
		if l.Outcome == judge.Untested {
			continue
		}
		for w, u := range l.Unseen {
			if u.Cause == observe.CauseMachine {
				count[w+": "+u.Reason]++
			}
		}
	}
	if len(count) == 0 {
		return
	}
	t.line("")
	t.line(t.t(msgNotAsked))
	for _, why := range slices.Sorted(maps.Keys(count)) {
		t.hang("  ", "    ", strings.Join(paragraphs(why), " ")+times(count[why]))
	}
}

// Status is the exit status that the lines ask for: 0 as recorded, 1 drift,
// 2 broken.
func Status(lines []Line) int {
	status := 0
	for _, l := range lines {
		switch {
		case l.Outcome == judge.Broken:
			return 2
		case l.Drift:
			status = 1
		}
	}
	return status
}
