package course

import (
	"regexp"
	"strings"
)

// Sources of Go are full of tabs, and learners paste them. The YAML parser drops a tab within a
// plain text, trips over one within double quotes, and refuses a block whose lines begin with one
// behind the indentation. So tabs are read as a rune that nobody types.
const tab = "\ue009"

var (
	// behindKey are tabs between a key and its text; YAML has them as it has spaces.
	behindKey = regexp.MustCompile(`(?m)^( *(?:- +)?[a-z]+:)[ \t]*\t[ \t]*`)
	// atEnd are tabs with nothing behind them.
	atEnd = regexp.MustCompile(`(?m)[ \t]*\t[ \t]*(\r?)$`)
)

// withoutTabs is a work file that the YAML parser reads as it was meant. A line that begins with a tab is
// left alone: that is wrong, and the parser says so.
func withoutTabs(data []byte) []byte {
	text := atEnd.ReplaceAllString(behindKey.ReplaceAllString(string(data), "$1 "), "$1")
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "\t") {
			line = strings.ReplaceAll(line, "\t", tab)
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// withTabs is a text of such a file.
func withTabs(text string) string { return strings.ReplaceAll(text, tab, "\t") }
