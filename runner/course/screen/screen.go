// Package screen is the terminal program of a lab's exercises: one exercise at a
// time, checked anew whenever a work file is saved, with the keys at the bottom.
package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Screen is one run of the terminal program.
type Screen struct {
	Data    *lab.Data
	Lab     *lab.Lab
	Work    *course.Work
	Lang    string
	Release string
	Deeds   Deeds
	// Changes has an element when a work file was saved; nil when nobody looks.
	Changes <-chan struct{}
	Color   bool
}

// Run shows the screen until the learner leaves it or ctx ends; what was going on then is ended and
// waited for. The error is that of the terminal.
func (s *Screen) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	inner, cancel := context.WithCancel(ctx)
	m := &model{screen: s, ctx: inner, words: course.In(s.Lang), results: map[string]course.Result{}}
	if err := m.open(); err != nil {
		cancel()
		return err
	}
	options := []tea.ProgramOption{tea.WithContext(inner), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler()}
	if !s.Color {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	_, err := tea.NewProgram(m, options...).Run()
	cancel()
	m.deeds.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case m.err != nil:
		return m.err
	case err != nil && !errors.Is(err, tea.ErrProgramKilled):
		return fmt.Errorf("show the exercises: %w (rt0lab check does without a terminal)", err)
	}
	return nil
}

// model is what is on the screen.
type model struct {
	screen *Screen
	ctx    context.Context
	words  course.Words
	deeds  sync.WaitGroup

	progress *course.Progress
	results  map[string]course.Result
	at       int    // the exercise that is shown
	says     string // below the task: a hint, a solution, …; "" = the result of the last check
	asks     string // the key that must be pressed once more, "r"
	help     bool
	busy     string // what goes on, "" when nothing does
	again    bool   // a file was saved while busy
	top      int    // first line of the body that is shown
	width    int
	height   int
	err      error // ends the program
}

// changed is sent when a work file was saved.
type changed struct{}

// done is the end of a deed; apply changes the model.
type done struct{ apply func(m *model) }

func (m *model) open() (err error) {
	if m.progress, err = m.screen.Deeds.Progress(); err != nil {
		return err
	}
	for i, e := range m.screen.Lab.Exercises {
		if m.progress.Exercises[e.ID].Passed == "" {
			m.at = i
			break
		}
	}
	return nil
}

func (m *model) exercise() *lab.Exercise { return m.screen.Lab.Exercises[m.at] }

// Init begins with a check of the exercise that is shown.
func (m *model) Init() tea.Cmd { return tea.Batch(m.check(), m.wait()) }

// wait waits for a work file to be saved.
func (m *model) wait() tea.Cmd {
	changes := m.screen.Changes
	if changes == nil {
		return nil
	}
	return func() tea.Msg {
		select {
		case _, ok := <-changes:
			if ok {
				return changed{}
			}
		case <-m.ctx.Done():
		}
		return nil
	}
}

// do runs a deed beside the screen.
func (m *model) do(what string, deed func() done) tea.Cmd {
	m.busy = what
	m.deeds.Add(1)
	return func() tea.Msg {
		defer m.deeds.Done()
		return deed()
	}
}

func (m *model) check() tea.Cmd {
	e := m.exercise()
	return m.do(m.words.Say(course.MsgChecking), func() done {
		r, err := m.screen.Deeds.Check(m.ctx, e)
		return done{func(m *model) {
			if err != nil {
				m.err = err
				return
			}
			m.results[e.ID], m.says, m.top = r, "", 0
		}}
	})
}

func (m *model) tell(what string, deed func() (string, error)) tea.Cmd {
	return m.do(what, func() done {
		text, err := deed()
		return done{func(m *model) {
			if err != nil {
				text = err.Error()
			}
			m.says, m.top = text, 0
		}}
	})
}

// Update answers a key, a saved file or the end of a deed.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case changed:
		if m.busy != "" {
			m.again = true
			return m, m.wait()
		}
		return m, tea.Batch(m.check(), m.wait())
	case done:
		m.busy = ""
		msg.apply(m)
		if p, err := m.screen.Deeds.Progress(); err == nil {
			m.progress = p
		} else {
			m.err = err
		}
		if m.err != nil {
			return m, tea.Quit
		}
		if m.again {
			m.again = false
			return m, m.check()
		}
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

func (m *model) key(key string) tea.Cmd {
	twice := m.asks == key
	m.asks = ""
	switch key {
	case "q", "ctrl+c":
		return tea.Quit
	case "?":
		m.help = !m.help
	case "up", "k":
		m.top = max(0, m.top-1)
	case "down", "j":
		m.top++
	case "pgup":
		m.top = max(0, m.top-m.height/2)
	case "pgdown", "space":
		m.top += m.height / 2
	case "n", "right", "tab":
		m.show(m.at + 1)
	case "p", "left", "shift+tab":
		m.show(m.at - 1)
	}
	if m.busy != "" {
		return nil // the rest waits for the end of what goes on
	}
	e := m.exercise()
	switch key {
	case "c", "enter":
		return m.check()
	case "h":
		return m.tell("", func() (string, error) { return m.screen.Deeds.Hint(e) })
	case "s":
		return m.tell(m.words.Say(course.MsgChecking), func() (string, error) { return m.screen.Deeds.Solution(m.ctx, e) })
	case "r":
		if !twice {
			m.asks, m.says = key, m.words.Say(course.MsgResetTwice, e.ID)
			return nil
		}
		delete(m.results, e.ID)
		return m.tell("", func() (string, error) {
			return m.words.Say(course.MsgReset, e.ID), m.screen.Deeds.Reset(e)
		})
	}
	return nil
}

func (m *model) show(i int) {
	n := len(m.screen.Lab.Exercises)
	m.at, m.says, m.top = (i+n)%n, "", 0
}
