package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
)

// Style is how a report is written. The zero Style is plain English of any
// width. The functions may be nil; they answer from the data and recordings
// what a line alone does not know.
type Style struct {
	Lang  string // "en" or "zh"; anything else is English
	Color bool   // the caller knows of terminals, NO_COLOR and --no-color
	Width int    // columns; 0 means that lines are not broken
	// Failed says that the run failed in a way that no line tells of, such as a
	// release that cannot be had: the exit status is 2 whatever the lines say.
	Failed bool
	// Post is the post whose author asks; "" for nobody.
	Post string
	// Says returns the sentence that is claimed.
	Says func(Line) string
	// Since returns the release since which the outcome is what it is, "" when
	// that is not known; always when it never was another. See recording.History.
	Since func(Line) (release string, always bool)
	// Why returns the author's reason for what is the case on this release.
	Why func(Line) string
	// Varies reports whether the value of the fact differs from run to run or
	// from machine to machine: the matrix then leaves it out.
	Varies func(Line) bool
}

// t is the message in the language of the style.
func (s Style) t(m message, args ...any) string {
	text := messages[m].en
	if s.Lang == "zh" {
		text = messages[m].zh
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// The colours of a terminal, as select-graphic-rendition parameters.
const (
	green   = "32"
	yellow  = "33"
	red     = "1;31"
	magenta = "1;35"
	faint   = "2"
	bold    = "1"
)

func (s Style) paint(color, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// look is how an outcome is shown.
type look struct {
	mark  string
	color string
	word  message
}

var looks = map[judge.Outcome]look{
	judge.Holds:    {"✓", green, msgHolds},
	judge.Refuted:  {"✗", yellow, msgRefuted},
	judge.Untested: {"–", faint, msgUntested},
	judge.Broken:   {"!", red, msgBroken},
}

// wordWidth is the width of the longest outcome.
func (s Style) wordWidth() int {
	wide := 0
	for _, k := range looks {
		wide = max(wide, uniseg.StringWidth(s.t(k.word)))
	}
	return wide
}

// valueOf writes the value that was seen, with its unit; "" when there is none.
func (s Style) valueOf(l Line) string {
	v, ok := l.value()
	switch {
	case !ok:
		return ""
	case v.IsAbsent():
		return s.t(msgAbsent)
	}
	text := clean(judge.Write(v))
	if l.Unit != "" && (v.Kind() == fact.Int || v.Kind() == fact.List) {
		text += " " + clean(l.Unit)
	}
	return text
}

// clean makes a text from outside (a symbol, an error of a tool, a value)
// safe to print: what is not printable, control characters and escape
// sequences above all, is written as in a Go string.
func clean(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// paragraphs splits a text from outside into its clean lines.
func paragraphs(text string) []string {
	var all []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		all = append(all, clean(strings.TrimRight(line, " \t\r")))
	}
	return all
}

// wrap breaks a clean text into lines of at most width columns, where the
// rules of Unicode allow it (Chinese has no spaces); 0 leaves it whole.
func wrap(text string, width int) []string {
	if width <= 0 || uniseg.StringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	flush := func() {
		if kept := strings.TrimRight(line, " "); kept != "" {
			lines = append(lines, kept)
		}
		line = ""
	}
	state := -1
	for text != "" {
		var segment string
		segment, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		if uniseg.StringWidth(line+strings.TrimRight(segment, " ")) > width {
			flush()
		}
		// A word wider than the line is cut where it must be.
		for uniseg.StringWidth(strings.TrimRight(segment, " ")) > width {
			head := cut(segment, width)
			lines = append(lines, head)
			segment = segment[len(head):]
		}
		line += segment
	}
	flush()
	return lines
}

// cut returns the longest beginning of text that fits the width, at least one character.
func cut(text string, width int) string {
	end, used, state := 0, 0, -1
	for rest := text; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width && end > 0 {
			break
		}
		end += len(cluster)
		used += w
	}
	return text[:end]
}

// short cuts a text to the width and says so with an ellipsis.
func short(text string, width int) string {
	if width <= 0 || uniseg.StringWidth(text) <= width {
		return text
	}
	if width == 1 {
		return "…"
	}
	return cut(text, width-1) + "…"
}

// Pad fills a text with spaces up to the width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}
