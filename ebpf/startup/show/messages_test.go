package show

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

var verb = regexp.MustCompile(`%[.0-9]*[a-z%]`)

// Every message is there in both languages, and takes the same values in the same order.
func TestMessages(t *testing.T) {
	t.Parallel()
	for m, text := range messages {
		if text.en == "" || text.zh == "" || !slices.Equal(verb.FindAllString(text.en, -1), verb.FindAllString(text.zh, -1)) {
			t.Errorf("message %d: %q, %q", m, text.en, text.zh)
		}
	}
}

// What begins at a milestone is said in both languages.
func TestWhats(t *testing.T) {
	t.Parallel()
	for _, m := range startup.Boot() {
		if whats[m.What] == "" {
			t.Errorf("%s: %q has no Chinese words", m.Name, m.What)
		}
	}
	if In("en").what(startup.Boot()[0]) != startup.Boot()[0].What || In("zh").what(startup.Milestone{What: "x"}) != "x" {
		t.Error("English words, and those that nobody has translated, stay as they are")
	}
}

// A Chinese table has its columns where the English one has them.
func TestColumns(t *testing.T) {
	t.Parallel()
	interval := startup.Interval{Median: 5000, Low: 4000, High: 6000, N: 9, Confidence: 0.96}
	r := startup.Result{
		Program: startup.Program{Name: "x"}, Until: "exit", Whole: interval, Bare: interval, Observer: startup.Interval{Median: 1.01, Low: 1, High: 1.02, N: 9, Confidence: 0.96},
		Timings: []startup.Timing{{Point: startup.Point{Milestone: startup.Boot()[6]}, Takes: interval, Next: "exit"}},
	}
	tables := map[string][]string{}
	for _, lang := range []string{"en", "zh"} {
		var b bytes.Buffer
		if err := In(lang).Text(&b, r); err != nil {
			t.Fatal(err)
		}
		tables[lang] = strings.Split(b.String(), "\n")
	}
	en, zh := tables["en"], tables["zh"]
	if len(en) != len(zh) {
		t.Fatalf("%q\n%q", en, zh)
	}
	han := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	for i, line := range zh {
		if strings.ContainsFunc(en[i], han) || line != "" && !strings.HasPrefix(line, "exit") && !strings.ContainsFunc(line, han) {
			t.Errorf("%q is %q", en[i], line)
		}
	}
	// The last column begins behind 21 columns of intervals, in the head and below.
	head, row := strings.Index(zh[2], "从这里"), strings.Index(zh[3], "█")
	if head < 0 || row < 0 || uniseg.StringWidth(zh[2][:head]) != uniseg.StringWidth(zh[3][:row]) {
		t.Errorf("the columns are not where they should be:\n%s\n%s", zh[2], zh[3])
	}
}
