package screen

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/rt0lab/rt0lab/runner/replay"
	"github.com/rt0lab/rt0lab/runner/trace"
)

// kept is a kept trace.
var kept = sync.OnceValues(func() (*trace.Trace, error) {
	h := trace.Header{Setup: "plain", Release: "go1.26.8", GOOS: "linux", GOARCH: "amd64"}
	return trace.Read(os.DirFS("../../.."), h.Path())
})

// walker is a screen over it.
func walker(t *testing.T, lang string, width, height int) *model {
	t.Helper()
	tr, err := kept()
	if err != nil {
		t.Fatal(err)
	}
	p := trace.NewPlayer(tr)
	settls, check := p.Entered("runtime.settls", -1, false), p.Entered("runtime.check", -1, false)
	m := newModel(&Screen{Syntax: replay.Go, Tape: &replay.Tape{
		Lab: "05-tls", Title: "Thread-local storage", Release: tr.Release, GOOS: "linux", GOARCH: "amd64", Lang: lang, Player: p,
		Facts: []replay.Fact{
			{Name: "tls.a", Value: "1", By: []string{"gdb"}, Stop: "runtime.settls", At: settls},
			{Name: "tls.b", Value: "2", By: []string{"gdb"}, Stop: "runtime.check", At: check, Varies: true},
			{Name: "tls.c", Value: "3", By: []string{"gdb"}, Stop: "runtime.main", At: -1},
		},
	}})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return m
}

// press sends keys and reports whether one of them ended the program.
func press(m *model, keys ...string) (quit bool) {
	codes := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"home": tea.KeyHome, "end": tea.KeyEnd, "tab": tea.KeyTab, "enter": tea.KeyEnter, "esc": tea.KeyEscape,
	}
	for _, k := range keys {
		var key tea.Key
		switch code, named := codes[k]; {
		case named:
			key = tea.Key{Code: code}
		case k == "ctrl+c":
			key = tea.Key{Code: 'c', Mod: tea.ModCtrl}
		default:
			key = tea.Key{Text: k, Code: []rune(k)[0]}
		}
		_, cmd := m.Update(tea.KeyPressMsg(key))
		if cmd == nil {
			continue
		}
		if _, is := cmd().(tea.QuitMsg); is {
			quit = true
		}
	}
	return quit
}

// typed is a text as keys.
func typed(text string) []string { return strings.Split(text, "") }

func shown(m *model) string { return ansi.Strip(strings.Join(m.draw(), "\n")) }

func TestKeys(t *testing.T) {
	t.Parallel()
	p := walker(t, "en", 80, 24).Player
	n := len(p.Steps)
	settls, check := p.Entered("runtime.settls", -1, false), p.Entered("runtime.check", -1, false)
	target, err := walker(t, "en", 80, 24).Target("runtime.m0.tls[0]")
	if err != nil {
		t.Fatal(err)
	}
	first := p.Written(target.Addr, 8, 0, true)
	second := p.Written(target.Addr, 8, first+1, true)
	tests := []struct {
		keys []string
		at   int
		says string // somewhere on the screen
	}{
		{nil, 0, "_rt0_amd64_linux"},
		{[]string{"right", "l", " ", "left"}, 2, "2/"},
		{[]string{"left"}, 0, "first instruction of the process"},
		{[]string{"end"}, n, "runtime.schedinit is about to begin"},
		{[]string{"end", "right"}, n, "here the trace ends"},
		{[]string{"end", "pgup", "pgdown", "home"}, 0, "0/"},
		{[]string{"s"}, settls, "● runtime.settls"},
		{[]string{"s", "s"}, check, "[facts: 1]"},
		{[]string{"s", "s", "s"}, check, "no stop behind this one"},
		{[]string{"s", "s", "S"}, settls, "runtime.rt0_go › runtime.settls"},
		{[]string{"S"}, 0, "no stop before this one"},
		{[]string{"s", "o"}, p.Out(settls), "runtime.rt0_go"},
		{[]string{"s", "u"}, settls - 1, "CALL runtime.settls"},
		{[]string{"s", "u", "down"}, p.Out(settls), "runtime.rt0_go"},
		{[]string{"s", "u", "down", "up"}, settls - 1, "CALL runtime.settls"},
		{[]string{"f", "f", "f"}, settls, "runtime.settls"},
		{[]string{"f", "f", "f", "F"}, p.Entered("runtime.rt0_go", -1, false), "runtime.rt0_go"},
		{[]string{"F"}, 0, "no function is entered there"},
		{slices.Concat([]string{":"}, typed("runtime.check"), []string{"enter"}), check, "runtime.check"},
		{slices.Concat([]string{":"}, typed("99999"), []string{"enter"}), 0, "no such position"},
		{slices.Concat([]string{":"}, typed("99"), []string{"esc"}), 0, "0/"},
		{[]string{":", "enter"}, 0, "0/"},
		{[]string{">"}, 0, "press w first"},
		{slices.Concat([]string{"end", "w"}, typed("runtime.m0.tls[0]"), []string{"enter"}), second, "this instruction writes runtime.m0.tls[0]"},
		{slices.Concat([]string{"end", "w"}, typed("runtime.m0.tls[0]"), []string{"enter", "<"}), first, "$0x123"},
		{slices.Concat([]string{"end", "w"}, typed("runtime.m0.tls[0]"), []string{"enter", "<", "<"}), first, "before this, nothing wrote"},
		{slices.Concat([]string{"end", "w"}, typed("runtime.m0.tls[0]"), []string{"enter", "<", ">", ">"}), second, "nothing writes"},
		{slices.Concat([]string{"w"}, typed("rxx"), []string{"enter"}), 0, "no register, variable or address"},
		{slices.Concat([]string{"right", "right", "w"}, typed("rdi"), []string{"enter"}), 1, "this instruction writes rdi"},
		{slices.Concat([]string{"m"}, typed("runtime.g0"), []string{"enter", "f", "f", "f"}), settls, "runtime.g0.stack.lo"},
		{[]string{"tab", "right"}, 1, "rdi 0x0 → 0x1"},
		{[]string{"s", "tab", "tab", "tab"}, settls, "tls.a = 1 (gdb)"},
		{[]string{"tab", "tab", "tab"}, 0, "no stop of this lab passed yet"},
		{[]string{"i", "right"}, 1, "mov rdi,[rsp]"},
		{[]string{"?", "right"}, 0, "one instruction backwards"},
		{[]string{"?", "?", "right"}, 1, "registers"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.keys, ""), func(t *testing.T) {
			t.Parallel()
			m := walker(t, "en", 80, 24)
			press(m, test.keys...)
			if m.Player.Pos() != test.at || !strings.Contains(shown(m), test.says) {
				t.Errorf("at %d, want %d; want %q on\n%s", m.Player.Pos(), test.at, test.says, shown(m))
			}
		})
	}
	for _, key := range []string{"q", "ctrl+c"} {
		if m := walker(t, "en", 80, 24); !press(m, key) {
			t.Errorf("%s does not end it", key)
		}
	}
	if m := walker(t, "en", 80, 24); press(m, "w", "q") || !press(m, "ctrl+c") {
		t.Error("in the prompt q is a letter, and ctrl+c ends")
	}
}

// TestSizes draws on terminals of all sizes: nothing is wider or higher than they are.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh"} {
		for _, keys := range [][]string{nil, {"s", "tab"}, {"end"}, {"?"}, {"w", "r"}, {"s", "s", "tab", "tab", "tab"}} {
			m := walker(t, lang, 80, 24)
			press(m, keys...)
			for width := 0; width <= 130; width += 1 + width/20 {
				for height := 0; height <= 60; height += 1 + height/10 {
					m.Update(tea.WindowSizeMsg{Width: width, Height: height})
					lines := m.draw()
					if len(lines) > height {
						t.Fatalf("%d lines on %d×%d", len(lines), width, height)
					}
					for _, line := range lines {
						if w := ansi.StringWidth(line); w > width {
							t.Fatalf("%d columns on %d×%d: %q", w, width, height, line)
						}
					}
				}
			}
		}
	}
}

// TestChanged marks what the instruction before changed, also when one goes backwards.
func TestChanged(t *testing.T) {
	t.Parallel()
	m := walker(t, "en", 80, 24)
	press(m, "right", "right", "right", "left")
	if !strings.Contains(shown(m), "*rdi ") || strings.Contains(shown(m), "*rsi ") {
		t.Errorf("rdi alone was changed before position 2:\n%s", shown(m))
	}
}

var verb = regexp.MustCompile(`%[a-z]`)

// TestMessages holds that both languages have every message, with the same verbs.
func TestMessages(t *testing.T) {
	t.Parallel()
	for what, text := range messages {
		if text.en == "" || text.zh == "" || !slices.Equal(verb.FindAllString(text.en, -1), verb.FindAllString(text.zh, -1)) {
			t.Errorf("message %d: %q and %q", what, text.en, text.zh)
		}
	}
	if en, zh := strings.Count(messages[msgHelp].en, "\n"), strings.Count(messages[msgHelp].zh, "\n"); en != zh {
		t.Errorf("the help has %d lines in English and %d in Chinese", en, zh)
	}
}
