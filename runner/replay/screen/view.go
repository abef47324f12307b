package screen

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// The colours are those of the terminal's own palette, which is right on light and on dark.
var (
	bold    = lipgloss.NewStyle().Bold(true)
	faint   = lipgloss.NewStyle().Faint(true)
	current = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	changed = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Yellow)
	told    = lipgloss.NewStyle().Foreground(lipgloss.Green)
)

// Sizes below which a part is left out.
const (
	wide    = 64 // columns for source and instructions side by side
	fewest  = 3  // lines of a part
	keyRows = 2
)

// View draws the screen.
func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.draw(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "rt0lab replay " + m.Lab
	return v
}

// draw is the screen, line by line: as many as it is high, none wider than it is.
func (m *model) draw() []string {
	if m.width <= 0 || m.height <= 0 {
		return nil
	}
	head, foot := m.head(), m.foot()
	room := m.height - len(head) - len(foot)
	var body []string
	if m.help {
		body = strings.Split(ansi.Wrap(m.t(msgHelp), m.width, ""), "\n")
		m.top = max(0, min(m.top, len(body)-max(room, 1)))
		if body = body[m.top:]; len(body) > room && room > 1 {
			body[room-1] = faint.Render("↓")
		}
	} else {
		body = m.body(room)
	}
	if room < 0 {
		room = 0
	}
	for len(body) < room {
		body = append(body, "")
	}
	all := append(append(head, body[:room]...), foot...)
	if len(all) > m.height {
		all = all[:m.height]
	}
	for i := range all {
		all[i] = ansi.Truncate(all[i], m.width, "…")
	}
	return all
}

// head says where one is.
func (m *model) head() []string {
	p := m.Player
	where := fmt.Sprintf("%d/%d", p.Pos(), len(p.Steps))
	title := bold.Render(m.Lab) + " " + m.Title + faint.Render(" · "+m.Release)
	chain := m.CallChain(p.Pos())
	if m.width < 40 || m.height < 8 {
		return []string{where + " " + chain[len(chain)-1]}
	}
	gap := max(1, m.width-ansi.StringWidth(where)-ansi.StringWidth(title))
	if gap == 1 {
		title = ansi.Truncate(title, max(0, m.width-ansi.StringWidth(where)-1), "…")
	}
	line := strings.Join(chain, " › ")
	if over := ansi.StringWidth(line) - m.width; over > 0 { // the innermost matters
		line = ansi.TruncateLeft(line, over+1, "…")
	}
	return []string{title + strings.Repeat(" ", gap) + where, line}
}

// foot is the prompt or what was found, and the keys.
func (m *model) foot() []string {
	line := told.Render(ansi.Truncate(m.says, m.width, "…"))
	if m.question != nothing {
		m.prompt.SetWidth(max(1, m.width-ansi.StringWidth(m.prompt.Prompt)-2))
		line = m.prompt.View()
	} else if m.says == "" {
		line = m.note()
	}
	keys := m.t(msgKeysShort)
	if m.width >= 40 && m.height >= 12 {
		keys = m.t(msgKeys)
	}
	rows := rowsOf(keys, m.width)
	if len(rows) > keyRows {
		rows = rows[:keyRows]
	}
	for i := range rows {
		rows[i] = faint.Render(rows[i])
	}
	if m.height < 8 {
		return []string{line}
	}
	return append([]string{line}, rows...)
}

// rowsOf lays the keys out; two blanks stand between them, and none is torn apart.
func rowsOf(keys string, width int) (rows []string) {
	row := ""
	for _, key := range strings.Split(keys, "  ") {
		switch {
		case row == "":
			row = key
		case ansi.StringWidth(row)+2+ansi.StringWidth(key) > width:
			rows, row = append(rows, row), key
		default:
			row += "  " + key
		}
	}
	return append(rows, row)
}

// note is the stop one stands at, or the end.
func (m *model) note() string {
	p := m.Player
	if p.Pos() == len(p.Steps) {
		return told.Render(m.t(msgEnd, p.To))
	}
	if stops := m.StopsAt(p.Pos()); len(stops) > 0 {
		text := "● " + strings.Join(stops, " · ")
		if n := len(m.FactsAt(p.Pos())); n > 0 {
			text += fmt.Sprintf("  [%s: %d]", m.t(msgFacts), n)
		}
		return told.Render(text)
	}
	return ""
}

// body is the code above, and below it as many panes as there is room for, the chosen one first.
func (m *model) body(room int) []string {
	if room <= 0 {
		return nil
	}
	code := min(max(room/2, fewest), 24)
	if room < 2*fewest+1 {
		return m.code(room)
	}
	rest := room - code
	var below []string
	order := []pane{m.pane}
	for which := range paneCount {
		if which != m.pane {
			order = append(order, which)
		}
	}
	for i, which := range order {
		lines := m.lower(which)
		title := m.title(which, i == 0)
		left := rest - len(below) - 1
		if left < 1 || i > 0 && left < min(len(lines), fewest) {
			continue
		}
		below = append(append(below, title), lines[:min(len(lines), left)]...)
	}
	// What the panes do not need belongs to the code.
	return append(m.code(room-len(below)), below...)
}

// title is the line above a pane.
func (m *model) title(which pane, chosen bool) string {
	text := map[pane]string{
		registers: m.t(msgRegisters), facts: m.t(msgFacts), changes: m.t(msgChanges),
		memory: m.t(msgMemory, m.base.Name),
	}[which]
	return m.rule(text, m.width, chosen)
}

func (m *model) rule(text string, width int, chosen bool) string {
	line := "─ " + ansi.Truncate(text, max(0, width-4), "…") + " "
	line += strings.Repeat("─", max(0, width-ansi.StringWidth(line)))
	if chosen {
		return line
	}
	return faint.Render(line)
}
