// Package screen walks a boot trace on a terminal, forwards and backwards:
// source and instructions side by side, registers and memory with what changed,
// and the lab's facts at the stops one passes. The keys stand at the bottom.
package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/rt0lab/rt0lab/runner/replay"
)

// Screen is one run of the terminal program.
type Screen struct {
	Tape   *replay.Tape // with a Player
	Syntax replay.Syntax
	At     int // position to begin at
	Color  bool
}

// Run shows the screen until the user leaves it or ctx ends. The error is that of the terminal.
func (s *Screen) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler()}
	if !s.Color {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	_, err := tea.NewProgram(newModel(s), options...).Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !errors.Is(err, tea.ErrProgramKilled):
		return fmt.Errorf("show the replay: %w (rt0lab replay --format text does without a terminal)", err)
	}
	return nil
}

// pane is what the lower part of a small screen shows.
type pane int

// The panes, in the order of the tab key.
const (
	registers pane = iota
	changes
	memory
	facts
	paneCount
)

// question is what the prompt asks for.
type question int

// The questions.
const (
	nothing question = iota
	askPosition
	askTarget
	askMemory
)

// model is what is on the screen.
type model struct {
	*replay.Tape
	syntax replay.Syntax
	passed []bool // by instruction: the trace executes it somewhere
	// stops are the positions that have stops or facts, ascending.
	stops []int

	pane     pane
	help     bool
	top      int    // first line of the help that is shown
	says     string // one line: what the last key found or could not
	question question
	prompt   textinput.Model
	// target is what < and > look for; zero until it is asked for.
	target    replay.Target
	hasTarget bool
	// base is where the memory pane begins; it follows a register when byReg.
	base   replay.Target
	byReg  bool
	width  int
	height int
}

func newModel(s *Screen) *model {
	m := &model{Tape: s.Tape, syntax: s.Syntax, passed: make([]bool, len(s.Tape.Player.Insts)), byReg: true}
	m.base, _ = m.Target("rsp")
	for _, step := range m.Player.Steps {
		m.passed[step.Inst] = true
	}
	m.stops = stopsOf(s.Tape)
	m.prompt = textinput.New()
	m.prompt.ShowSuggestions = true
	styles := m.prompt.Styles()
	styles.Cursor.Blink = false
	m.prompt.SetStyles(styles)
	m.Player.Go(s.At)
	return m
}

// stopsOf are the positions at which facts of the lab are known; of a lab
// without any, those of all stops.
func stopsOf(t *replay.Tape) (list []int) {
	for _, f := range t.Facts {
		if f.At >= 0 {
			list = append(list, f.At)
		}
	}
	if len(list) == 0 {
		for _, s := range t.Player.Stops {
			list = append(list, s.At)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Init asks for nothing.
func (m *model) Init() tea.Cmd { return nil }

// Update answers a key or a new size.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		return m, nil
	case tea.KeyPressMsg:
		if m.question != nothing {
			return m, m.answer(msg)
		}
		return m, m.key(msg.String())
	}
	if m.question != nothing {
		var cmd tea.Cmd
		m.prompt, cmd = m.prompt.Update(msg)
		return m, cmd
	}
	return m, nil
}

// page is how many steps a page is.
const page = 50

func (m *model) key(key string) tea.Cmd {
	p := m.Player
	m.says = ""
	switch key {
	case "q", "ctrl+c":
		return tea.Quit
	case "?":
		m.help, m.top = !m.help, 0
		return nil
	case "esc":
		m.help = false
		return nil
	}
	if m.help { // which has the keys until it is left
		m.top += map[string]int{"down": 1, "j": 1, "up": -1, "k": -1, "pgdown": page, "space": m.height / 2, "pgup": -page}[key]
		return nil
	}
	switch key {
	case "tab":
		m.pane = (m.pane + 1) % paneCount
		return nil
	case "shift+tab":
		m.pane = (m.pane + paneCount - 1) % paneCount
		return nil
	case "i":
		m.syntax = map[replay.Syntax]replay.Syntax{replay.Go: replay.Intel, replay.Intel: replay.Go}[m.syntax]
		return nil
	case ":", "g":
		return m.ask(askPosition)
	case "w":
		return m.ask(askTarget)
	case "m":
		return m.ask(askMemory)
	}
	if to, moves := m.moved(key, p.Pos()); moves {
		m.move(to)
	}
	return nil
}

// moved is where a key leads from a position; -1 when there is nothing.
func (m *model) moved(key string, at int) (to int, moves bool) {
	p := m.Player
	switch key {
	case "right", "l", "space":
		return at + 1, true
	case "left", "h", "backspace":
		return at - 1, true
	case "down", "j":
		return p.Over(at), true
	case "up", "k":
		return p.OverBack(at), true
	case "o":
		return p.Out(at), true
	case "O", "u":
		return p.OutBack(at), true
	case "s":
		for _, stop := range m.stops {
			if stop > at {
				return stop, true
			}
		}
		m.says = m.t(msgNoStop)
		return at, true
	case "S":
		for i := len(m.stops) - 1; i >= 0; i-- {
			if m.stops[i] < at {
				return m.stops[i], true
			}
		}
		m.says = m.t(msgNoStopBack)
		return at, true
	case "f":
		return m.function(at, false), true
	case "F":
		return m.function(at, true), true
	case "pgdown":
		return at + page, true
	case "pgup":
		return at - page, true
	case "home":
		return 0, true
	case "end":
		return len(p.Steps), true
	case "<", ",", "W":
		return m.written(at, false), true
	case ">", ".":
		return m.written(at, true), true
	}
	return at, false
}

// function is the nearest position behind at, or before it, at which a function is entered.
func (m *model) function(at int, back bool) int {
	to := m.Player.Entry(at, back)
	if to < 0 {
		m.says = m.t(msgNoFunction)
		return at
	}
	return to
}

// move goes to a position and says what one passes there.
func (m *model) move(to int) {
	n := len(m.Player.Steps)
	switch {
	case to < 0:
		to, m.says = 0, m.t(msgFirst)
	case to > n:
		to, m.says = n, m.t(msgLast)
	}
	m.Player.Go(to)
}

// written looks for the step before or behind a position that changes the target.
// It stands on that step: what it changes is about to happen.
func (m *model) written(at int, next bool) int {
	if !m.hasTarget {
		m.says = m.t(msgNoTarget)
		return at
	}
	from := at
	if next {
		from++
	}
	to := m.Changed(m.target, from, next)
	switch {
	case to < 0 && next:
		m.says = m.t(msgNotWrittenAgain, m.target.Name)
		return at
	case to < 0:
		m.says = m.t(msgNotWrittenBefore, m.target.Name)
		return at
	}
	m.says = m.t(msgWritten, m.target.Name)
	return to
}

// ask opens the prompt.
func (m *model) ask(q question) tea.Cmd {
	m.question = q
	m.prompt.Reset()
	m.prompt.Prompt = m.t(map[question]message{askPosition: msgAskPosition, askTarget: msgAskTarget, askMemory: msgAskMemory}[q]) + " "
	m.prompt.SetSuggestions(m.suggestions(q))
	return m.prompt.Focus()
}

// suggestions are what the prompt completes with the tab key.
func (m *model) suggestions(q question) (list []string) {
	p := m.Player
	if q == askPosition {
		for _, s := range p.Stops {
			list = append(list, s.Name)
		}
		for _, f := range p.Funcs {
			list = append(list, f.Name)
		}
		return list
	}
	for _, v := range p.Vars {
		list = append(list, v.Name)
	}
	return list
}

// answer hands a key to the prompt and does what was asked for.
func (m *model) answer(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "ctrl+c":
		return tea.Quit
	case "esc":
		m.question = nothing
		return nil
	case "enter":
		q, text := m.question, m.prompt.Value()
		m.question, m.says = nothing, ""
		if text != "" {
			if err := m.do(q, text); err != nil {
				m.says = err.Error()
			}
		}
		return nil
	}
	var cmd tea.Cmd
	m.prompt, cmd = m.prompt.Update(msg)
	return cmd
}

func (m *model) do(q question, text string) error {
	if q == askPosition {
		at, err := m.Position(text)
		if err == nil {
			m.move(at)
		}
		return err
	}
	to, err := m.Target(text)
	if err != nil {
		return err
	}
	if q == askMemory {
		m.base, m.byReg, m.pane = to, to.Size == 0, memory
		return nil
	}
	m.target, m.hasTarget = to, true
	m.move(m.written(m.Player.Pos(), false))
	return nil
}
