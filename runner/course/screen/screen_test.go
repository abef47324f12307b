package screen

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
)

// learner is a screen over the real lab 03, graded by its recordings.
func learner(t *testing.T, lang string, width, height int) *model {
	t.Helper()
	files := os.DirFS("../../..")
	d, err := lab.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.LabOf("03")
	if err != nil {
		t.Fatal(err)
	}
	book, err := recording.Read(files, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	work := &course.Work{Dir: t.TempDir()}
	if _, err := work.Prepare(d, l, lang); err != nil {
		t.Fatal(err)
	}
	g := &course.Grader{
		Data: d, Lang: lang, Release: "go1.26.8", Scripts: files,
		Recorded: func(c *lab.Claim) (*judge.Recorded, error) {
			return book.Recorded(c, "go1.26.8", "linux", "amd64"), nil
		},
	}
	s := &Screen{Data: d, Lab: l, Work: work, Lang: lang, Release: "go1.26.8", Deeds: For(g, l, work)}
	m := &model{screen: s, ctx: t.Context(), words: course.In(lang), results: map[string]course.Result{}}
	if err := m.open(); err != nil {
		t.Fatal(err)
	}
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	run(t, m, m.check())
	return m
}

// run does what a command asks for, until nothing more is asked.
func run(t *testing.T, m *model, cmd tea.Cmd) {
	t.Helper()
	for cmd != nil {
		msg := cmd()
		if _, quits := msg.(tea.QuitMsg); quits {
			return
		}
		_, cmd = m.Update(msg)
	}
}

func press(t *testing.T, m *model, keys ...string) {
	t.Helper()
	for _, k := range keys {
		code := map[string]rune{"up": tea.KeyUp, "down": tea.KeyDown, "pgdown": tea.KeyPgDown}[k]
		key := tea.Key{Code: code}
		if code == 0 {
			key = tea.Key{Text: k, Code: []rune(k)[0]}
		}
		_, cmd := m.Update(tea.KeyPressMsg(key))
		run(t, m, cmd)
	}
}

func write(t *testing.T, m *model, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.screen.Work.Dir, "03-g0", file), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	m := learner(t, "en", 80, 24)
	first := m.screen.Lab.Exercises[0]
	want := func(texts ...string) {
		t.Helper()
		shown := ansi.Strip(m.draw())
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				t.Fatalf("%q is not on the screen:\n%s", text, shown)
			}
		}
	}
	want(first.Title.En, "nothing written yet", "q quit", "[·]")
	press(t, m, "h")
	want("hint 1 of 3")
	press(t, m, "h", "h", "h")
	want("hint 3 of 3", "there are no more hints")
	write(t, m, "answers.txt", first.ID+": 12\n")
	run(t, m, func() tea.Msg { return changed{} })
	want("got: 12", "[✗]")
	write(t, m, "answers.txt", first.ID+": 65536\n")
	press(t, m, "c")
	want("[✓]", "1 of ")
	press(t, m, "n")
	want(m.screen.Lab.Exercises[1].Title.En)
	press(t, m, "p", "r")
	want("press r once more", "[✓]")
	press(t, m, "n", "p", "r") // another key in between is no second r
	want("press r once more", "[✓]")
	press(t, m, "r")
	want("begun anew", "[·]")
	press(t, m, "?")
	want("the next exercise")
}

// Whatever the size and language, no line is wider than the terminal and no screen higher.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh"} {
		for _, size := range [][2]int{{80, 24}, {20, 10}, {20, 3}, {7, 5}, {200, 60}, {1, 1}} {
			m := learner(t, lang, size[0], size[1])
			press(t, m, "s", "s")
			for range 30 {
				press(t, m, "down")
				lines := strings.Split(m.draw(), "\n")
				if len(lines) > size[1] {
					t.Errorf("%s, %v: %d lines", lang, size, len(lines))
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > size[0] && size[0] > 1 {
						t.Errorf("%s, %v: %d columns: %q", lang, size, w, line)
					}
				}
			}
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := Changes(ctx, dir)
	if err != nil {
		t.Skipf("needs a file system that tells of changes: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".answers.txt.swp"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "answers.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, more := <-changes; !more {
		t.Fatal("no change was told of")
	}
	cancel()
	for range changes { // closed, when nobody looks any more
	}
	if _, err := Changes(t.Context(), filepath.Join(dir, "nothing")); err == nil || !strings.Contains(err.Error(), "--manual") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
