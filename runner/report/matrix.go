package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// cell is what a row says of one release.
type cell struct {
	line *Line // nil: the claim was not judged there
	text string
}

func (c cell) same(d cell) bool {
	if c.line == nil || d.line == nil {
		return c.line == d.line
	}
	return c.line.Outcome == d.line.Outcome && c.text == d.text
}

// cellOf is what a table says of a line; nil is allowed.
func (s Style) cellOf(l *Line) cell {
	if l == nil {
		return cell{}
	}
	text := s.valueOf(*l)
	if s.Varies != nil && s.Varies(*l) {
		text = ""
	}
	return cell{line: l, text: text}
}

// row is one claim (of one setup and platform) over all releases.
type row struct {
	lab, claim string
	system     string // "" while all rows are of the same platform
	cells      []cell // one per release
}

// span is a run of equal cells.
type span struct {
	cell
	from, to int // indices of releases, both included
}

// table sorts lines into rows and columns.
func table(lines []Line, s Style) (rows []row, columns []string) {
	lines = slices.Clone(lines)
	sortLines(lines)
	columns = releases(lines)
	systems := map[string]bool{}
	index := map[[5]string]int{}
	for i := range lines {
		l := &lines[i]
		system := l.GOOS + "/" + l.GOARCH
		systems[system] = true
		key := [5]string{l.Lab, l.Claim, l.Setup, l.GOOS, l.GOARCH}
		n, ok := index[key]
		if !ok {
			n = len(rows)
			index[key] = n
			rows = append(rows, row{lab: l.Lab, claim: l.Claim, system: system, cells: make([]cell, len(columns))})
		}
		rows[n].cells[slices.Index(columns, l.Release)] = s.cellOf(l)
	}
	if len(systems) == 1 {
		for i := range rows {
			rows[i].system = ""
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.lab, b.lab) })
	return rows, columns
}

// name is how a row is called.
func (r row) name() string {
	if r.system == "" {
		return clean(r.claim)
	}
	return clean(r.claim + " " + r.system)
}

// spans folds equal cells that stand side by side.
func (r row) spans() []span {
	var all []span
	for i, c := range r.cells {
		if n := len(all); n > 0 && all[n-1].same(c) {
			all[n-1].to = i
			continue
		}
		all = append(all, span{cell: c, from: i, to: i})
	}
	return all
}

// Matrix writes claim × release for terminals: equal cells side by side are
// folded, so that every line of a claim but its first begins with the release
// that changed something.
func Matrix(w io.Writer, lines []Line, s Style) error {
	rows, columns := table(lines, s)
	label := labels(columns)
	var b bytes.Buffer
	column, wide, word := 1, 1, s.wordWidth()
	for _, r := range rows {
		column = max(column, min(40, uniseg.StringWidth(r.name())))
		for _, sp := range r.spans() {
			wide = max(wide, uniseg.StringWidth(between(sp, columns, label)))
		}
	}
	for i, r := range rows {
		if i == 0 || r.lab != rows[i-1].lab {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(s.paint(bold, clean(r.lab)) + "\n")
		}
		name := r.name()
		for _, sp := range r.spans() {
			head := "  " + Pad(name, column) + "  "
			name = ""
			where := Pad(between(sp, columns, label), wide)
			if sp.line == nil {
				b.WriteString(head + s.paint(faint, "  "+where+"  "+s.t(msgNoLine)) + "\n")
				continue
			}
			k := looks[sp.line.Outcome]
			text := s.paint(k.color, s.t(k.word))
			if sp.text != "" {
				value := sp.text
				if s.Width > 0 {
					value = short(value, max(4, s.Width-column-wide-word-10))
				}
				text += Pad("", word-uniseg.StringWidth(s.t(k.word))) + "  " + value
			}
			b.WriteString(head + s.paint(k.color, k.mark) + " " + where + "  " + text + "\n")
		}
	}
	if len(rows) == 0 {
		b.WriteString(s.t(msgNone) + "\n")
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	return nil
}

// between names the releases of a span: "1.10–1.20".
func between(sp span, columns []string, label map[string]string) string {
	if sp.from == sp.to {
		return label[columns[sp.from]]
	}
	return label[columns[sp.from]] + "–" + label[columns[sp.to]]
}

// Markdown writes the matrix as one table per lab with a column per release.
// A cell has its value where it differs from the cell to its left, and only
// the mark otherwise; changes are bold, and listed in full below.
func Markdown(w io.Writer, lines []Line, s Style) error {
	rows, columns := table(lines, s)
	var b bytes.Buffer
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r row) bool { return r.lab != rows[0].lab })
		if n < 0 {
			n = len(rows)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		markdownLab(&b, rows[:n], columns, s)
		rows = rows[n:]
	}
	if b.Len() == 0 {
		b.WriteString(s.t(msgNone) + "\n")
	} else {
		b.WriteString("\n" + s.t(msgLegend) + "\n")
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	return nil
}

func markdownLab(b *bytes.Buffer, rows []row, columns []string, s Style) {
	const most = 40 // columns of a value in a cell
	fmt.Fprintf(b, "### %s\n\n| %s |", escape(clean(rows[0].lab)), s.t(msgClaim))
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", escape(clean(strings.TrimPrefix(c, "go"))))
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	var changes []string
	for _, r := range rows {
		fmt.Fprintf(b, "| %s |", escape(r.name()))
		var before *cell // the last one that was judged
		for i, c := range r.cells {
			if c.line == nil {
				b.WriteString("  |")
				continue
			}
			mark := looks[c.line.Outcome].mark
			full := strings.TrimSpace(mark + " " + escape(short(c.text, most)))
			switch {
			case before == nil:
				fmt.Fprintf(b, " %s |", full)
			case before.same(c):
				fmt.Fprintf(b, " %s |", mark)
			default:
				fmt.Fprintf(b, " **%s** |", full)
				change := fmt.Sprintf("- %s, %s: %s → %s", escape(r.name()), escape(clean(columns[i])), s.inFull(*before), s.inFull(c))
				if s.Why != nil && s.Why(*c.line) != "" {
					change += " (" + escape(clean(s.Why(*c.line))) + ")"
				}
				changes = append(changes, change)
			}
			before = &c
		}
		b.WriteByte('\n')
	}
	if len(changes) > 0 {
		fmt.Fprintf(b, "\n%s\n\n%s\n", s.t(msgChanges), strings.Join(changes, "\n"))
	}
}

// inFull writes a cell as words.
func (s Style) inFull(c cell) string {
	word := s.t(looks[c.line.Outcome].word)
	if c.text == "" {
		return word
	}
	return escape(c.text) + " " + word
}

// escape keeps a clean text from being Markdown or HTML.
func escape(text string) string {
	return markdown.Replace(text)
}

var markdown = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;",
)
