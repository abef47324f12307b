package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/runner/judge"
)

func TestMessagesInBothLanguages(t *testing.T) {
	t.Parallel()
	verb := regexp.MustCompile(`%[a-z]`)
	for i, m := range messages {
		if m.en == "" || m.zh == "" {
			t.Errorf("message %d lacks a language: %q, %q", i, m.en, m.zh)
		}
		if diff := cmp.Diff(verb.FindAllString(m.en, -1), verb.FindAllString(m.zh, -1)); diff != "" {
			t.Errorf("message %d asks for other values in the two languages (-en +zh)\n%s", i, diff)
		}
	}
	for _, o := range judge.Outcomes {
		if looks[o].mark == "" {
			t.Errorf("outcome %s has no look", o)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":               "plain",
		"程序 ✓":                "程序 ✓",
		"\x1b[31mred":         `\x1b[31mred`,
		"a\tb\nc\r":           `a\tb\nc\r`,
		"\x7f\u0085\u009b2J":  `\x7f\u0085\u009b2J`,
		"left\u202eright":     `left\u202eright`,
		"bad\xff\xfe":         `bad\xff\xfe`,
		"zero\u200bwidth\x00": `zero\u200bwidth\x00`,
		"\ufffd":              `�`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"one two three", 0, []string{"one two three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"go 程序启动", 6, []string{"go 程", "序启动"}},
		{"程序", 1, []string{"程", "序"}},
		{"", 5, []string{""}},
	}
	for _, tt := range tests {
		got := wrap(tt.text, tt.width)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("wrap(%q, %d) (-want +got)\n%s", tt.text, tt.width, diff)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two 程序启动 abcdefghijklmnop e\u0301 👩‍👩‍👧", 7)
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = 2 + max(0, width%80) // no character is wider than two columns
		text = clean(text)
		lines := wrap(text, width)
		for _, l := range lines {
			if w := uniseg.StringWidth(l); w > width && uniseg.GraphemeClusterCount(l) > 1 {
				t.Errorf("%q is %d wide, not %d", l, w, width)
			}
		}
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(text) {
			t.Errorf("wrap lost something: %q of %q", got, text)
		}
	})
}

func TestShort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abc", 0, "abc"}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"程序启动", 5, "程序…"}, {"程序启动", 4, "程…"}, {"abc", 1, "…"},
	} {
		if got := short(tt.text, tt.width); got != tt.want {
			t.Errorf("short(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	got := labels([]string{"go1.10", "go1.20.14", "go1.26.2", "go1.26.8", "devel go1.28-ab"})
	want := map[string]string{"go1.10": "1.10", "go1.20.14": "1.20", "go1.26.2": "1.26.2", "go1.26.8": "1.26.8", "devel go1.28-ab": "devel go1.28-ab"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
