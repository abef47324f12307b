package mutant

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func cells(outcomes map[string]judge.Outcome) []verify.Cell {
	var list []verify.Cell
	for id, o := range outcomes {
		list = append(list, verify.Cell{Claim: &lab.Claim{ID: id}, Verdict: judge.Verdict{Outcome: o}})
	}
	return list
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		holds, refuted   = judge.Holds, judge.Refuted
		untested, broken = judge.Untested, judge.Broken
	)
	type outcomes = map[string]judge.Outcome
	tests := []struct {
		name          string
		mutant        lab.Mutant
		before, after outcomes
		ok, idle      bool
		want          Finding
	}{
		{
			name: "caught", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": holds},
			ok: true, want: Finding{Caught: []string{"a"}},
		},
		{
			name: "missed: the claim does not notice", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds}, after: outcomes{"a": holds},
			want: Finding{Missed: []string{"a: holds, was holds"}},
		},
		{
			name: "an error is no refutation", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds}, after: outcomes{"a": broken},
			want: Finding{Missed: []string{"a: broken, was holds"}},
		},
		{
			name: "one of two missed", mutant: lab.Mutant{Refutes: []string{"a", "b"}},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": untested},
			want: Finding{Caught: []string{"a"}, Missed: []string{"b: untested, was holds"}},
		},
		{
			name: "stray: another claim changes", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": refuted},
			want: Finding{Caught: []string{"a"}, Stray: []string{"b: refuted, was holds"}},
		},
		{
			name: "stray: a refuted claim comes true", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds, "b": refuted}, after: outcomes{"a": refuted, "b": holds},
			want: Finding{Caught: []string{"a"}, Stray: []string{"b: holds, was refuted"}},
		},
		{
			name: "a refuted claim comes true, as it may", mutant: lab.Mutant{Refutes: []string{"a"}, LetsHold: []string{"b"}},
			before: outcomes{"a": holds, "b": refuted}, after: outcomes{"a": refuted, "b": holds},
			ok: true, want: Finding{Caught: []string{"a"}},
		},
		{
			name: "what may come true must not break", mutant: lab.Mutant{Refutes: []string{"a"}, LetsHold: []string{"b"}},
			before: outcomes{"a": holds, "b": refuted}, after: outcomes{"a": refuted, "b": broken},
			want: Finding{Caught: []string{"a"}, Stray: []string{"b: broken, was refuted"}},
		},
		{
			name: "idle where nothing holds", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": refuted}, after: outcomes{"a": refuted},
			idle: true, want: Finding{NotHeld: []string{"a"}},
		},
		{
			name: "unseen behind its end, and it says that it dies", mutant: lab.Mutant{Refutes: []string{"a"}, Dies: true},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": untested},
			ok: true, want: Finding{Caught: []string{"a"}},
		},
		{
			name: "unseen, and it does not say that it dies", mutant: lab.Mutant{Refutes: []string{"a"}},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": untested},
			want: Finding{Caught: []string{"a"}, Stray: []string{"b: untested, was holds"}},
		},
		{
			name: "waited for in vain, and it says that it hangs", mutant: lab.Mutant{Refutes: []string{"a"}, Hangs: true},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": broken},
			ok: true, want: Finding{Caught: []string{"a"}},
		},
		{
			name: "waited for in vain, and it says that it ends", mutant: lab.Mutant{Refutes: []string{"a"}, Dies: true},
			before: outcomes{"a": holds, "b": holds}, after: outcomes{"a": refuted, "b": broken},
			want: Finding{Caught: []string{"a"}, Stray: []string{"b: broken, was holds"}},
		},
		{
			name: "hanging does not excuse what it names", mutant: lab.Mutant{Refutes: []string{"a"}, Hangs: true},
			before: outcomes{"a": holds}, after: outcomes{"a": broken},
			want: Finding{Missed: []string{"a: broken, was holds"}},
		},
		{
			name: "dying does not excuse what it names", mutant: lab.Mutant{Refutes: []string{"a"}, Dies: true},
			before: outcomes{"a": holds}, after: outcomes{"a": untested},
			want: Finding{Missed: []string{"a: untested, was holds"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if matters := Matters(&tt.mutant, cells(tt.before)); matters == tt.idle {
				t.Errorf("matters %v, idle %v", matters, tt.idle)
			}
			got := Judge(&tt.mutant, "go1.26.8", cells(tt.before), cells(tt.after))
			if got.OK() != tt.ok || got.Idle() != tt.idle {
				t.Errorf("OK %v, idle %v; want %v, %v", got.OK(), got.Idle(), tt.ok, tt.idle)
			}
			tt.want.Mutant, tt.want.Release = &tt.mutant, "go1.26.8"
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudgeBrokenBaseline(t *testing.T) {
	t.Parallel()
	m := &lab.Mutant{Refutes: []string{"a"}}
	f := Judge(m, "go1.26.8", cells(map[string]judge.Outcome{"a": judge.Broken}), cells(map[string]judge.Outcome{"a": judge.Refuted}))
	if !errors.Is(f.Err, ErrBaseline) || f.OK() || f.Idle() {
		t.Errorf("got %v, OK %v, idle %v; want ErrBaseline", f.Err, f.OK(), f.Idle())
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	goroot := t.TempDir()
	file := filepath.Join(goroot, "src", "runtime", "a.s")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("one two\ntwo three\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tc := release.Toolchain{Name: "go1.20.14", GOROOT: goroot}
	edit := func(constraint, file, from, to string) lab.Edit {
		return lab.Edit{Go: constraint, File: file, Old: from, New: to}
	}
	tests := []struct {
		name  string
		edits []lab.Edit
		want  string // "" for an error
	}{
		{"one edit", []lab.Edit{edit("", "runtime/a.s", "one", "1")}, "1 two\ntwo three\n"},
		{"two edits, one after the other", []lab.Edit{edit("", "runtime/a.s", "one two", "x"), edit("", "runtime/a.s", "x\n", "y\n")}, "y\ntwo three\n"},
		{"the edit for another release is left out", []lab.Edit{edit(">=1.21", "runtime/a.s", "three", "3"), edit("<1.21", "runtime/a.s", "one", "1")}, "1 two\ntwo three\n"},
		{"twice is not once", []lab.Edit{edit("", "runtime/a.s", "two", "2")}, ""},
		{"not there", []lab.Edit{edit("", "runtime/a.s", "four", "4")}, ""},
		{"no such file", []lab.Edit{edit("", "runtime/b.s", "one", "1")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			overlay, err := Overlay(&lab.Mutant{ID: "m", Edits: tt.edits}, tc)
			if tt.want == "" {
				if !errors.Is(err, ErrEdit) {
					t.Fatalf("got %v, want ErrEdit", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(overlay[file]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	m := &lab.Mutant{Edits: []lab.Edit{{Go: "<1.21"}, {Go: ">=1.26"}}}
	for name, want := range map[string]bool{"go1.20.14": true, "go1.21.13": false, "go1.27.4": true} {
		if got, err := Fits(m, name); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
}

// Every mutant of the labs must name claims that exist in a setup that can be
// built here; the claims it is judged on are then more than those it refutes.
func TestClaims(t *testing.T) {
	t.Parallel()
	data, err := lab.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	mutants := 0
	for _, l := range data.Labs {
		for _, m := range l.Mutants {
			mutants++
			if n := len(Claims(data, m)); n < len(m.Refutes) {
				t.Errorf("mutant %s is judged on %d claims and names %d", m.ID, n, len(m.Refutes))
			}
		}
	}
	if mutants == 0 {
		t.Fatal("no lab has a mutant")
	}
}
