package course

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
)

// Schema is the version of Line.
const Schema = 1

// Line is one result as JSON, for a course's own grader.
type Line struct {
	Schema   int      `json:"schema"`
	Lab      string   `json:"lab"`
	Exercise string   `json:"exercise"`
	Kind     string   `json:"kind"`
	Release  string   `json:"release"`
	State    State    `json:"state"`
	By       string   `json:"by"` // "run", or the release of the recording it was held against
	Says     []string `json:"says"`
	Passed   string   `json:"passed"` // the day it was passed first, "" when it never was
	Tries    int      `json:"tries"`
	Failed   int      `json:"failed"`
	Hints    int      `json:"hints"`
	Solution bool     `json:"solution"` // it was shown
}

// JSONLines writes a line per result.
func JSONLines(w io.Writer, results []Result, p *Progress) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		d := p.Exercises[r.Exercise.ID]
		says := r.Says
		if says == nil {
			says = []string{}
		}
		err := enc.Encode(Line{
			Schema: Schema, Lab: r.Lab.ID, Exercise: r.Exercise.ID, Kind: r.Exercise.Kind(), Release: r.Release,
			State: r.State, By: r.By, Says: says, Passed: d.Passed, Tries: d.Tries, Failed: d.Failed, Hints: d.Hints, Solution: d.Solution == 2,
		})
		if err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

// Paint colours a text that stands for a state; it may leave it as it is.
type Paint func(s State, text string) string

var marks = map[State]string{Passed: "✓", Failed: "✗", Untouched: "·", Impossible: "–", Broken: "!"}

// Mark is one sign for the state.
func (s State) Mark() string { return marks[s] }

// Text writes the results of one lab for a person.
func (w Words) Text(out io.Writer, results []Result, p *Progress, paint Paint) error {
	var b strings.Builder
	for i, r := range results {
		if i == 0 {
			b.WriteString(w.Say(MsgHead, r.Lab.ID, r.Lab.Title.In(w.lang), r.Release) + "\n")
		}
		w.result(&b, r, p, paint)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// Result writes one result.
func (w Words) Result(out io.Writer, r Result, p *Progress, paint Paint) error {
	var b strings.Builder
	w.result(&b, r, p, paint)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func (w Words) result(b *strings.Builder, r Result, p *Progress, paint Paint) {
	b.WriteString(paint(r.State, "  "+r.State.Mark()+" "+r.Exercise.ID) + "  " + r.Exercise.Title.In(w.lang) + "\n")
	for _, says := range r.Says {
		if r.State == Impossible {
			says = w.Say(MsgNotHere, says)
		}
		b.WriteString(indent(says))
	}
	if r.By != "run" && (r.State == Passed || r.State == Failed) {
		b.WriteString(indent(w.Say(MsgByRecording, r.By)))
	}
	switch d := p.Exercises[r.Exercise.ID]; {
	case r.State == Failed && d.OfferHint():
		b.WriteString(indent(w.Say(MsgOfferHint, r.Exercise.ID)))
	case r.State == Failed && d.Hints >= lab.Hints:
		b.WriteString(indent(w.Say(MsgOfferSolution, r.Exercise.ID)))
	}
}

func indent(text string) string {
	return "      " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n      ") + "\n"
}

// Task says what an exercise wants and where to write it.
func (w Words) Task(d *lab.Data, l *lab.Lab, e *lab.Exercise, work *Work) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %s · %s\n\n%s\n", l.ID, e.ID, e.Title.In(w.lang), strings.TrimSpace(e.Ask.In(w.lang)))
	if e.Answer != nil {
		for i, c := range e.Answer.Choices {
			fmt.Fprintf(&b, "  %s  %s\n", letter(i), strings.TrimSpace(c.Says.In(w.lang)))
		}
	}
	b.WriteString("\n" + w.Say(MsgWorkOn, strings.Join(work.Files(l, e), ", ")) + "\n")
	if runs(d, e) {
		b.WriteString(w.Say(MsgDebugger, e.ID) + "\n")
	}
	b.WriteString(w.Say(MsgThenCheck, e.ID) + "\n")
	return b.String()
}

// Count says how many of the exercises are done.
func (p *Progress) Count(exercises []*lab.Exercise) (done int) {
	for _, e := range exercises {
		if p.Exercises[e.ID].Passed != "" {
			done++
		}
	}
	return done
}

// Hints are the hints shown so far, and what to do when there are no more.
func (w Words) Hints(e *lab.Exercise, shown int, last bool) string {
	var b strings.Builder
	for i, h := range e.Hints[:shown] {
		b.WriteString(w.Say(MsgHint, i+1, len(e.Hints), h.In(w.lang)) + "\n")
	}
	if last {
		b.WriteString(w.Say(MsgNoMoreHints, e.ID) + "\n")
	}
	return b.String()
}

// runs reports whether the exercise is about a program that a debugger can start.
func runs(d *lab.Data, e *lab.Exercise) bool {
	return slices.ContainsFunc(d.About(e), func(c *lab.Claim) bool {
		return slices.Contains(c.Witnesses, "delve") || slices.Contains(c.Witnesses, "gdb")
	})
}
