package course

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rt0lab/rt0lab/runner/lab"
)

// data is a lab with an exercise of each kind.
func data(t *testing.T) (*lab.Data, *lab.Lab) {
	t.Helper()
	const head = `{title: a, ask: "what\nis it?", look: b, explain: c, hints: [d, e, f], id: `
	d, err := lab.Load(fstest.MapFS{
		"scripts/g0.yaml": {Data: []byte("schema: 1\nsubject: g0\nfacts:\n  g0.size: {type: int, unit: bytes, at: [runtime.check, image], en: the size}\n")},
		"labs/03-g0/lab.yaml": {Data: []byte("schema: 1\ntitle: g0\nsetups: {plain: {fixture: hello}}\nclaims:\n  - {id: size, says: a, fact: g0.size, expect: {equals: 1}}\n" +
			"mutants:\n  - {id: half, says: a, refutes: [size], edits: [{file: runtime/proc.go, old: a, new: b}]}\n")},
		"labs/03-g0/exercises.yaml": {Data: []byte("schema: 1\nexercises:\n" +
			"  - " + head + "how-large, answer: {claim: size}}\n" +
			"  - " + head + "which, answer: {claim: size, choices: [{says: one, expect: {equals: 1}}, {says: two, expect: {equals: 2}}]}}\n" +
			"  - " + head + "table, script: {claims: [size], mutants: [half]}}\n" +
			"  - " + head + "smaller, break: {claim: size, solution: half}}\n" +
			"  - " + head + "undo, repair: {mutant: half}}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Check(d); err != nil {
		t.Fatal(err)
	}
	return d, d.Labs[0]
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	d, l := data(t)
	w := &Work{Dir: filepath.Join(t.TempDir(), "a", "b")}
	written, err := w.Prepare(d, l, "en")
	if err != nil || len(written) != 5 {
		t.Fatalf("written %q, %v", written, err)
	}
	for _, e := range l.Exercises {
		if e.Answer != nil {
			continue
		}
		if g, err := w.given(l, e); err != nil || !g.empty() {
			t.Errorf("%s as it is shipped: %+v, %v", e.ID, g, err)
		}
	}
	// What a learner wrote is never written over.
	file := filepath.Join(w.Dir, "03-g0", "table.star")
	if err := os.WriteFile(file, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if written, err := w.Prepare(d, l, "zh"); err != nil || len(written) != 0 {
		t.Errorf("again: written %q, %v", written, err)
	}
	old, err := w.Reset(d, l, l.Exercises[2:3], "en")
	if err != nil || len(old) != 2 {
		t.Errorf("reset: %q, %v", old, err)
	}
	if kept, err := os.ReadFile(file + ".old"); err != nil || string(kept) != "mine" {
		t.Errorf("the old file: %q, %v", kept, err)
	}
	if g, err := w.given(l, l.Exercises[2]); err != nil || !g.empty() {
		t.Errorf("after reset: %+v, %v", g, err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	_, l := data(t)
	for _, tt := range []struct{ name, text, want, problem string }{
		{"answered", "# a comment\n\nhow-large: 0x10\n", "0x10", ""},
		{"a colon of its own", "how-large: runtime.rt0_go: CPUID\n", "runtime.rt0_go: CPUID", ""},
		{"the colon of a Chinese keyboard", "how-large：16\n", "16", ""},
		{"Windows' ends of lines and mark", "\ufeffhow-large: 16\r\n", "16", ""},
		{"empty", "how-large:\n", "", ""},
		{"no file", "", "", ""},
		{"no colon", "which: a\nhow-large 16\n", "", "answers.txt:2: want a line"},
		{"no such exercise", "how-larg: 16\n", "", `answers.txt:1: no exercise "how-larg" asks for an answer in this lab; did you mean`},
		{"not one for an answer", "table: 16\n", "", `answers.txt:1: no exercise "table"`},
		{"twice", "how-large: 1\nhow-large: 2\n", "1", "answers.txt:2: how-large has an answer already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &Work{Dir: t.TempDir()}
			if tt.text != "" {
				if err := w.put(l, Starter{answersFile, tt.text}); err != nil {
					t.Fatal(err)
				}
			}
			a, err := w.answers(l)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.given("how-large"); got != tt.want {
				t.Errorf("given %q, want %q", got, tt.want)
			}
			if tt.problem == "" && a.problem != nil || tt.problem != "" && (a.problem == nil || !strings.Contains(a.problem.Error(), tt.problem)) {
				t.Errorf("problem %v, want %q", a.problem, tt.problem)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	t.Parallel()
	_, l := data(t)
	for _, tt := range []struct{ name, exercise, file, text, tool, problem string }{
		{"starlark", "table", "table.star", "def look(seen):\n    return {\"g0.size\": 1}\n", "delve", ""},
		{"python", "table", "table.py", "def look(seen):\n    return {\"g0.size\": 1}\n", "gdb", ""},
		{"does not parse", "table", "table.py", "what", "gdb", ""},
		{"an edit", "smaller", "smaller.yaml", "edits:\n  - {file: runtime/proc.go, old: a, new: b}\n", "", ""},
		{"no YAML", "smaller", "smaller.yaml", "edits: [\n", "", "smaller.yaml:1: not YAML"},
		{"unknown key", "smaller", "smaller.yaml", "edits:\n  - {path: runtime/proc.go, old: a, new: b}\n", "", "smaller.yaml:2: unknown key"},
		{"a way out", "smaller", "smaller.yaml", "edits:\n  - {file: ../../etc/passwd, old: a, new: b}\n", "", "want a path below GOROOT/src"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &Work{Dir: t.TempDir()}
			if err := w.put(l, Starter{tt.file, tt.text}); err != nil {
				t.Fatal(err)
			}
			for _, e := range l.Exercises {
				if e.ID != tt.exercise {
					continue
				}
				g, err := w.given(l, e)
				if err != nil || g.empty() || g.tool != tt.tool {
					t.Fatalf("%+v, %v", g, err)
				}
				if tt.problem == "" && g.problem != nil || tt.problem != "" && (g.problem == nil || !strings.Contains(g.problem.Error(), tt.problem)) {
					t.Errorf("problem %v, want %q", g.problem, tt.problem)
				}
			}
		})
	}
}

func TestUnusableWorkFiles(t *testing.T) {
	t.Parallel()
	_, l := data(t)
	folder := &Work{Dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(folder.Dir, "03-g0", answersFile), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.answers(l); !errors.Is(err, ErrWork) || !strings.Contains(err.Error(), "is no file but a folder") {
		t.Errorf("a folder: %v", err)
	}
	huge := &Work{Dir: t.TempDir()}
	if err := huge.put(l, Starter{answersFile, strings.Repeat("# no answer\n", maxWork/10)}); err != nil {
		t.Fatal(err)
	}
	if _, err := huge.answers(l); !errors.Is(err, ErrWork) || !strings.Contains(err.Error(), "is larger than 1024 KiB") {
		t.Errorf("a huge file: %v", err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	_, l := data(t)
	w := &Work{Dir: filepath.Join(t.TempDir(), "new")}
	if p, err := w.Progress(); err != nil || len(p.Exercises) != 0 {
		t.Fatalf("a beginning: %+v, %v", p, err)
	}
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for i, state := range []State{Untouched, Failed, Failed, Passed, Failed} {
		err := w.Remember(func(p *Progress) {
			p.Note([]Result{{Lab: l, Exercise: l.Exercises[0], State: state, Release: "go1.26.8"}}, day.AddDate(0, 0, i))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.Progress()
	if err != nil {
		t.Fatal(err)
	}
	want := Done{Passed: "2026-11-24", Release: "go1.26.8", Tries: 4, Failed: 3}
	if got := p.Exercises["how-large"]; got != want {
		t.Errorf("remembered %+v, want %+v", got, want)
	}
	if _, e := p.Next([]*lab.Lab{l}, nil); e == nil || e.ID != "which" {
		t.Errorf("next is %v", e)
	}
}

// Two terminals, and two goroutines of one: nothing that one remembers is lost by the other.
func TestRememberTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w := &Work{Dir: dir}
			for range 10 {
				err := w.Remember(func(p *Progress) {
					d := p.Exercises["x"]
					d.Tries++
					p.Exercises["x"] = d
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p, err := (&Work{Dir: dir}).Progress()
	if err != nil || p.Exercises["x"].Tries != 80 {
		t.Errorf("%d tries are remembered, want 80 (%v)", p.Exercises["x"].Tries, err)
	}
}

func TestDamagedProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"no YAML", "schema: [", "progress.yaml:1: not YAML"},
		{"cut off", "schema: 1\nexercises:\n  a: {tri", "progress.yaml:"},
		{"of tomorrow", "schema: 2\n", "1"},
		{"unknown key", "schema: 1\nexercises:\n  a: {done: true}\n", `progress.yaml:3: unknown key "done"`},
		{"below zero", "schema: 1\nexercises:\n  a: {tries: -1}\n", "a count below 0"},
		{"empty", "\n", "progress.yaml:1: the file is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &Work{Dir: t.TempDir()}
			file := filepath.Join(w.Dir, progressFile)
			if err := os.WriteFile(file, []byte(tt.text), 0o666); err != nil {
				t.Fatal(err)
			}
			err := w.Remember(func(p *Progress) { p.Exercises["x"] = Done{Tries: 1} })
			if !errors.Is(err, ErrProgress) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Remember = %v, want %q", err, tt.want)
			}
			if kept, err := os.ReadFile(file); err != nil || string(kept) != tt.text {
				t.Errorf("the damaged file was written over: %q, %v", kept, err)
			}
		})
	}
}
