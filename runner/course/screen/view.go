package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/rt0lab/rt0lab/runner/course"
)

// The colours are those of the terminal's own palette, which is right on light and on dark.
var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	shades = map[course.State]lipgloss.Style{
		course.Passed:     lipgloss.NewStyle().Foreground(lipgloss.Green),
		course.Failed:     lipgloss.NewStyle().Foreground(lipgloss.Red),
		course.Impossible: lipgloss.NewStyle().Foreground(lipgloss.Yellow),
		course.Broken:     lipgloss.NewStyle().Foreground(lipgloss.Magenta),
		course.Untouched:  faint,
	}
)

// fewest is how many lines of the body a very low terminal still shows.
const fewest = 3

// View draws head, body and keys into the size of the terminal.
func (m *model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	v.WindowTitle = "rt0lab " + m.screen.Lab.ID
	return v
}

func (m *model) draw() string {
	if m.width == 0 {
		return ""
	}
	head := m.lines(m.head())
	keys := m.lines(m.keys())
	rule := faint.Render(strings.Repeat("─", m.width))
	body := m.lines(m.body())
	room := max(fewest, m.height-len(head)-len(keys)-2)
	m.top = max(0, min(m.top, len(body)-room))
	more := ""
	if len(body) > room {
		if m.top+room < len(body) {
			more = " ↓"
		}
		if m.top > 0 {
			more = " ↑" + strings.TrimSpace(more)
		}
		body = body[m.top:min(len(body), m.top+room)]
	}
	for len(body) < room {
		body = append(body, "")
	}
	if more != "" {
		rule = faint.Render(strings.Repeat("─", max(0, m.width-2-ansi.StringWidth(more))) + more)
	}
	top := faint.Render(strings.Repeat("─", m.width))
	all := append(append(append(append(head, top), body...), rule), keys...)
	if len(all) > m.height && m.height > 0 {
		all = all[:m.height]
	}
	return strings.Join(all, "\n")
}

// lines wraps a text to the width; wide characters count as two.
func (m *model) lines(text string) []string {
	return strings.Split(ansi.Wrap(strings.TrimRight(text, "\n"), m.width, ""), "\n")
}

// head says where one is: the lab, a sign per exercise, how many are done.
func (m *model) head() string {
	list := m.screen.Lab.Exercises
	var signs []string
	for i, e := range list {
		state := m.state(e.ID)
		sign := shades[state].Render(state.Mark())
		if i == m.at {
			sign = bold.Render("[") + sign + bold.Render("]")
		}
		signs = append(signs, sign)
	}
	done := strings.Join(signs, " ") + "  " + m.words.Say(course.MsgDone, m.progress.Count(list), len(list))
	if m.small() {
		return done
	}
	return bold.Render(m.screen.Lab.ID) + " " + m.screen.Lab.Title.In(m.screen.Lang) + faint.Render(" · "+m.screen.Release) + "\n" + done
}

// state is what the last check said, or what is remembered.
func (m *model) state(id string) course.State {
	if r, checked := m.results[id]; checked {
		return r.State
	}
	if m.progress.Exercises[id].Passed != "" {
		return course.Passed
	}
	return course.Untouched
}

func (m *model) body() string {
	if m.help {
		return m.words.Say(course.MsgHelp)
	}
	e := m.exercise()
	text := m.words.Task(m.screen.Data, m.screen.Lab, e, m.screen.Work) + "\n"
	switch r, checked := m.results[e.ID]; {
	case m.busy != "":
		text += faint.Render(m.busy)
	case m.says != "":
		text += m.says
	case checked:
		var b strings.Builder
		_ = m.words.Result(&b, r, m.progress, func(s course.State, text string) string { return shades[s].Render(text) }) // a Builder takes all
		text += b.String()
	}
	return text
}

// keys are those that do something; a small terminal has room for the way to their list only.
func (m *model) keys() string {
	if m.small() {
		return faint.Render(m.words.Say(course.MsgKeysShort))
	}
	return faint.Render(m.words.Say(course.MsgKeys))
}

func (m *model) small() bool { return m.width < 40 || m.height < 14 }
