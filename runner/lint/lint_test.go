package lint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lint"
	"github.com/rt0lab/rt0lab/runner/recording"
)

var _ lint.History = (*recording.History)(nil)

var update = flag.Bool("update", false, "write what was found into the cases; look at the difference before committing")

// good keeps every rule.
const good = "testdata/good.txtar"

// history is a list of lines: claim release outcome value.
type history string

func (h history) Outcome(claim, release string) (string, fact.Value, bool) {
	for line := range strings.Lines(string(h)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] != claim || f[1] != release || f[2] == "unrecorded" {
			continue
		}
		var v fact.Value
		if err := v.UnmarshalJSON([]byte(f[3])); err != nil {
			panic(err)
		}
		return f[2], v, true
	}
	return "", fact.Value{}, false
}

// Unrecorded: a line "claim release unrecorded witness" says so.
func (h history) Unrecorded(claim, release string) (witnesses []string) {
	for line := range strings.Lines(string(h)) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == claim && f[1] == release && f[2] == "unrecorded" {
			witnesses = append(witnesses, f[3])
		}
	}
	return witnesses
}

// A case is a set of changes to good.txtar. Its sections are a file that is
// added or replaced, "change FILE" with old text, ===, new text, "remove
// FILE", and "want": the findings. "history" is what the recordings say.
func read(t *testing.T, file string) (data fstest.MapFS, want string) {
	t.Helper()
	data = fstest.MapFS{}
	for _, archive := range []string{good, file} {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			word, name, _ := strings.Cut(f.Name, " ")
			switch {
			case f.Name == "want":
				want = string(f.Data)
			case word == "remove":
				delete(data, name)
			case word == "change":
				old, text, _ := strings.Cut(strings.TrimSuffix(string(f.Data), "\n"), "\n===\n")
				before := string(data[name].Data)
				if !strings.Contains(before, old) {
					t.Fatalf("%s: %s has no %q", archive, name, old)
				}
				n := 1
				if name == "history" {
					n = -1
				}
				data[name] = &fstest.MapFile{Data: []byte(strings.Replace(before, old, text, n))}
			default:
				data[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
	}
	return data, want
}

func found(data fstest.MapFS) ([]lint.Finding, string) {
	h := history(data["history"].Data)
	delete(data, "history")
	findings := lint.Lint(data, lint.Options{History: h})
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintln(&b, f)
	}
	return findings, b.String()
}

func cases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	return files
}

func TestCases(t *testing.T) {
	t.Parallel()
	for _, file := range cases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, want := read(t, file)
			_, got := found(data)
			if *update && file != good { // the others begin with it, and nothing may be found there
				rewrite(t, file, got)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func rewrite(t *testing.T, file, got string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range a.Files {
		if f.Name == "want" {
			a.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every rule has a case that breaks it, and nothing is found outside of the table.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, file := range cases(t) {
		data, _ := read(t, file)
		findings, _ := found(data)
		for _, f := range findings {
			broken[f.Rule] = true
		}
	}
	for _, r := range lint.Rules() {
		if !broken[r.ID] {
			t.Errorf("no case breaks the rule %q", r.ID)
		}
		delete(broken, r.ID)
		if !strings.HasSuffix(r.Says, ".") || strings.Contains(r.Says, "\n") {
			t.Errorf("rule %q: want one sentence, have %q", r.ID, r.Says)
		}
	}
	for id := range broken {
		t.Errorf("the rule %q is not in the table", id)
	}
}

func TestRulesAreUnique(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, r := range lint.Rules() {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("a rule stands twice: %v", ids)
	}
}
