package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// fewest is how many exercises a lab of the project has.
const fewest = 3

// exercises holds the exercises against the claims, mutants and recordings they are made of. Whether they
// can be done is found by doing them: rt0lab prove.
func (l *linter) exercises() {
	for _, x := range l.own.Labs {
		if n := len(x.Exercises); l.Base == nil && n < fewest {
			l.add(ruleTask, x.File, 0, "%d exercises in %s beside it; want %d or more", n, lab.ExercisesFile, fewest)
		}
		for _, e := range x.Exercises {
			l.translated(e)
			l.fitsRelease(e)
			switch {
			case e.Answer != nil:
				l.answer(e)
			case e.Script != nil:
				l.scriptTask(x, e)
			case e.Break != nil:
				if m := l.all.Mutant(e.Break.Solution); m != nil && !slices.Contains(m.Refutes, e.Break.Claim) {
					l.add(ruleTask, e.File, e.Line, "exercise %q: its solution, the mutant %q, does not refute %q", e.ID, m.ID, e.Break.Claim)
				}
			}
		}
	}
}

func (l *linter) translated(e *lab.Exercise) {
	if l.Base != nil {
		return
	}
	texts := map[string]lab.Text{"title": e.Title, "ask": e.Ask, "look": e.Look, "explain": e.Explain}
	for key, t := range texts {
		if t.En == "" || t.Zh == "" {
			l.add(ruleText, e.File, e.Lines.Of(key), "exercise %q: %s is there in one language only", e.ID, key)
		}
	}
	for i, t := range e.Hints {
		if t.En == "" || t.Zh == "" {
			l.add(ruleText, e.File, e.Lines.Of("hints"), "exercise %q: hint %d is there in one language only", e.ID, i+1)
		}
	}
	if e.Answer == nil {
		return
	}
	for _, c := range e.Answer.Choices {
		if c.Says.En == "" || c.Says.Zh == "" {
			l.add(ruleText, e.File, c.Line, "exercise %q: a choice is there in one language only", e.ID)
		}
	}
}

// fitsRelease finds an exercise that no recorded release is for.
func (l *linter) fitsRelease(e *lab.Exercise) {
	if c, err := constraint.Parse(e.Go); err == nil && len(l.releases) > 0 && !slices.ContainsFunc(l.releases, c.Fits) {
		l.add(ruleConstraint, e.File, e.Lines.Of("go"), "exercise %q: no release of labs/releases.yaml is %s", e.ID, e.Go)
	}
}

// answer holds that the fact can be asked for: it is the same on every machine, and on every recorded
// release that the exercise is for somebody saw it and exactly one choice is right.
func (l *linter) answer(e *lab.Exercise) {
	c := l.all.Claim(e.Answer.Claim)
	if c == nil {
		return
	}
	if spec, ok := l.all.Catalogue[c.Fact]; ok && spec.Compare != fact.CompareExact {
		l.add(ruleTask, e.File, e.Line, "exercise %q: the fact %s differs by %s; ask for one that is the same everywhere", e.ID, c.Fact, spec.Compare)
		return
	}
	if l.History == nil {
		return
	}
	for _, release := range l.all.Releases {
		if fits, err := constraint.Fits(e.Go, release); err != nil || !fits {
			continue
		}
		_, value, ok := l.History.Outcome(c.ID, release)
		if !ok {
			continue // the rule recorded says so
		}
		if !value.IsValid() {
			l.add(ruleTask, e.File, e.Line, "exercise %q: nobody saw %s on %s; limit the exercise with go", e.ID, c.Fact, release)
			continue
		}
		if len(e.Answer.Choices) == 0 {
			continue
		}
		right := 0
		for _, choice := range e.Answer.Choices {
			holds, err := judge.Test(choice.Expect, value)
			if err != nil {
				l.add(ruleTask, e.File, choice.Line, "exercise %q, on %s: %v", e.ID, release, err)
			}
			if holds {
				right++
			}
		}
		if right != 1 {
			l.add(ruleTask, e.File, e.Line, "exercise %q: %d choices are right on %s, where the fact is %s; want one", e.ID, right, release, judge.Write(value))
		}
	}
}

// scriptTask holds that the facts are of one subject and one setup, seen by both debuggers, and that
// the tables that pass are there.
func (l *linter) scriptTask(x *lab.Lab, e *lab.Exercise) {
	subjects, setups := map[string]bool{}, map[string]bool{}
	for _, id := range e.Script.Claims {
		c := l.all.Claim(id)
		if c == nil {
			return
		}
		subjects[fact.Subject(c.Fact)], setups[c.Setup] = true, true
		if !slices.Contains(c.Witnesses, "delve") || !slices.Contains(c.Witnesses, "gdb") {
			l.add(ruleTask, e.File, e.Line, "exercise %q: the claim %q is not asked of both delve and gdb", e.ID, id)
		}
	}
	if len(subjects) > 1 || len(setups) > 1 {
		l.add(ruleTask, e.File, e.Line, "exercise %q: its claims are of %d subjects and %d setups; want one of each", e.ID, len(subjects), len(setups))
	}
	for _, ext := range []string{".star", ".py"} {
		if file := path.Join("labs", x.ID, "exercises", e.ID+ext); !l.exists(file) {
			l.add(ruleTask, e.File, e.Line, "exercise %q: there is no %s, a table that passes", e.ID, file)
		}
	}
}

// orphanTable finds a table below exercises/ of a lab that is no exercise's.
func (l *linter) orphanTable(file string) {
	id, ext := strings.TrimSuffix(path.Base(file), path.Ext(file)), path.Ext(file)
	_, e := l.all.ExerciseOf(id)
	if e == nil || e.Script == nil || ext != ".star" && ext != ".py" {
		l.add(ruleOrphan, file, 0, "not the table of a script exercise of this lab (EXERCISE.star, EXERCISE.py)")
	}
}
