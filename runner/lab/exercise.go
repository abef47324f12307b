package lab

import (
	"path"

	"github.com/rt0lab/rt0lab/runner/lab/form"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

// ExercisesFile is where the exercises of a lab are, in its folder.
const ExercisesFile = "exercises.yaml"

// Hints is how many hints an exercise has.
const Hints = 3

// Exercise is one thing to do for a learner. Exactly one of Answer, Script, Break and Repair is set.
type Exercise struct {
	ID      string
	Title   Text
	Ask     Text
	Look    Text   // where to look for it
	Hints   []Text // each says more than the one before
	Explain Text
	Go      string // a constraint like Setup.Go
	Answer  *Answer
	Script  *ScriptTask
	Break   *BreakTask
	Repair  *RepairTask
	File    string
	Line    int
	// Lines are the lines of the keys, for messages.
	Lines strict.Lines
}

// Answer asks for the value that the fact of the claim has, or for the choice that is true of it.
type Answer struct {
	Claim   string
	Choices []Choice // none when the value itself is asked for
}

// Choice is right when Expect is true of the fact.
type Choice struct {
	Says   Text
	Expect Predicate
	Line   int
}

// ScriptTask asks for a table that reports the facts of the claims, also on the mutants.
type ScriptTask struct {
	Claims, Mutants []string
}

// BreakTask asks for an edit that refutes the claim; Solution is a mutant that does.
type BreakTask struct{ Claim, Solution string }

// RepairTask asks for an edit that undoes the mutant.
type RepairTask struct{ Mutant string }

// Kind is "answer", "script", "break" or "repair".
func (e *Exercise) Kind() string {
	switch {
	case e.Answer != nil:
		return "answer"
	case e.Script != nil:
		return "script"
	case e.Break != nil:
		return "break"
	}
	return "repair"
}

// Claims are the ids of the claims that the exercise is about; those of a mutant's to repair are the mutant's.
func (e *Exercise) Claims() []string {
	switch {
	case e.Answer != nil:
		return []string{e.Answer.Claim}
	case e.Script != nil:
		return e.Script.Claims
	case e.Break != nil:
		return []string{e.Break.Claim}
	}
	return nil
}

// Mutants are the ids of the mutants that the exercise is made of.
func (e *Exercise) Mutants() []string {
	switch {
	case e.Script != nil:
		return e.Script.Mutants
	case e.Break != nil:
		return []string{e.Break.Solution}
	case e.Repair != nil:
		return []string{e.Repair.Mutant}
	}
	return nil
}

// exercises reads the exercises of a lab; most folders of one's own have none.
func (l *loader) exercises(into *Lab) {
	file := path.Join(path.Dir(into.File), ExercisesFile)
	var f form.Exercises
	if !l.read(file, &f) {
		return
	}
	for _, x := range f.Exercises {
		into.Exercises = append(into.Exercises, l.exercise(file, x))
	}
}

func (l *loader) exercise(file string, f form.Exercise) *Exercise {
	e := &Exercise{ID: f.ID, Title: text(f.Title), Ask: text(f.Ask), Look: text(f.Look), Explain: text(f.Explain),
		Go: string(f.Go), File: file, Line: f.Lines.Of(""), Lines: f.Lines}
	if e.ID != "" && !plainName.MatchString(e.ID) {
		l.fail(RuleName, file, f.Lines.Of("id"), "exercise %q: an id is lower-case words joined by -", e.ID)
	}
	for _, h := range f.Hints {
		e.Hints = append(e.Hints, text(h))
	}
	if _, said := f.Lines["hints"]; said && len(e.Hints) != Hints {
		l.fail(RuleExercise, file, f.Lines.Of("hints"), "exercise %q: it has %d hints, want %d", e.ID, len(e.Hints), Hints)
	}
	kinds := 0
	if a := f.Answer; a != nil {
		kinds++
		e.Answer = &Answer{Claim: a.Claim}
		for _, c := range a.Choices {
			choice := Choice{Says: text(c.Says), Line: c.Lines.Of("")}
			if c.Expect != nil {
				choice.Expect = l.predicate(file, e.ID, c.Expect)
			}
			e.Answer.Choices = append(e.Answer.Choices, choice)
		}
		if _, said := a.Lines["choices"]; said && len(a.Choices) < 2 {
			l.fail(RuleExercise, file, a.Lines.Of("choices"), "exercise %q: one choice is none", e.ID)
		}
	}
	if s := f.Script; s != nil {
		kinds++
		e.Script = &ScriptTask{Claims: s.Claims, Mutants: s.Mutants}
		for key, n := range map[string]int{"claims": len(s.Claims), "mutants": len(s.Mutants)} {
			if _, said := s.Lines[key]; said && n == 0 {
				l.fail(RuleShape, file, s.Lines.Of(key), "exercise %q: %s is empty", e.ID, key)
			}
		}
	}
	if b := f.Break; b != nil {
		kinds++
		e.Break = &BreakTask{Claim: b.Claim, Solution: b.Solution}
	}
	if r := f.Repair; r != nil {
		kinds++
		e.Repair = &RepairTask{Mutant: r.Mutant}
	}
	if kinds != 1 {
		l.fail(RuleExercise, file, e.Line, "exercise %q: want exactly one of answer, script, break and repair, saw %d", e.ID, kinds)
	}
	return e
}

// checkExercises holds what the exercises of a lab refer to.
func (c *collector) checkExercises(d *Data, x *Lab, claims []string) {
	mutants := d.mutantIDs()
	for _, e := range x.Exercises {
		for _, id := range e.Claims() {
			if d.Claim(id) == nil {
				c.fail(RuleReference, e.File, e.Line, "exercise %q: %q is no claim of any lab%s", e.ID, id, near.Hint(id, claims))
			} else if d.Claim(id).Fact == "" {
				c.fail(RuleReference, e.File, e.Line, "exercise %q: nobody can see the fact of claim %q", e.ID, id)
			}
		}
		for _, id := range e.Mutants() {
			if d.Mutant(id) == nil {
				c.fail(RuleReference, e.File, e.Line, "exercise %q: %q is no mutant of any lab%s", e.ID, id, near.Hint(id, mutants))
			}
		}
	}
}

// About are the claims that an exercise is about; those of a repair are what its mutant refutes.
func (d *Data) About(e *Exercise) (claims []*Claim) {
	ids := e.Claims()
	if e.Repair != nil {
		ids = d.Mutant(e.Repair.Mutant).Refutes
	}
	for _, id := range ids {
		claims = append(claims, d.Claim(id))
	}
	return claims
}

// Claim returns the claim of that id, nil when no lab has it.
func (d *Data) Claim(id string) *Claim {
	for _, l := range d.Labs {
		for _, c := range l.Claims {
			if c.ID == id {
				return c
			}
		}
	}
	return nil
}

// Mutant returns the mutant of that id, nil when no lab has it.
func (d *Data) Mutant(id string) *Mutant {
	for _, l := range d.Labs {
		for _, m := range l.Mutants {
			if m.ID == id {
				return m
			}
		}
	}
	return nil
}

func (d *Data) mutantIDs() (ids []string) {
	for _, l := range d.Labs {
		for _, m := range l.Mutants {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// ExerciseOf returns the exercise of that id and its lab.
func (d *Data) ExerciseOf(id string) (*Lab, *Exercise) {
	for _, l := range d.Labs {
		for _, e := range l.Exercises {
			if e.ID == id {
				return l, e
			}
		}
	}
	return nil, nil
}
