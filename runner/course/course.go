// Package course is what a learner does in the labs: work files that are
// written for them, grading of what they put there, hints, and the memory of
// what is done.
//
// A right answer is never typed in anywhere. It is the value that a fact has on
// the learner's own release, by a run or by the recording; what a script must
// report is what the project's own script reports; what an edit must do is
// judged by running the runtime it was made to.
package course

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// State is what became of one exercise when it was checked.
type State string

// The states.
const (
	Passed     State = "passed"
	Failed     State = "failed"     // it was tried, and is not right
	Untouched  State = "untouched"  // nothing was written yet
	Impossible State = "impossible" // this machine or this release cannot check it
	Broken     State = "broken"     // the exercise, or what grades it, is at fault
)

// States are all states, best first.
var States = []State{Passed, Failed, Untouched, Impossible, Broken}

// Result is one exercise checked once.
type Result struct {
	Lab      *lab.Lab
	Exercise *lab.Exercise
	Release  string
	State    State
	// Says tells the learner what was got and where to look, in their language; it never holds the answer.
	Says []string
	// By is what the work was held against: "run" or the release of a recording.
	By string
}

// Grader checks work. Its fields are set once; it is not safe for concurrent use.
type Grader struct {
	Data *lab.Data
	// Lang is "en" or "zh".
	Lang string
	// Release is what the exercises are done on.
	Release string
	// Recorded returns what the recordings say of a claim on Release, nil when nothing.
	Recorded func(c *lab.Claim) (*judge.Recorded, error)
	// Engine returns an engine that reads its scripts from there; nil when only recordings may be asked.
	Engine func(scripts fs.FS) *verify.Engine
	// Scripts are the project's own.
	Scripts fs.FS
	// Toolchain of Release; not needed without Engine.
	Toolchain release.Toolchain

	live map[string]judge.Verdict // of claims, by id, by a run of the unchanged release
}

// impossible is why something cannot be graded on this machine or release, in the learner's language.
type impossible string

func (i impossible) Error() string { return string(i) }

// Grade checks the exercises of a lab by what is in the work folder. The error is an end
// of ctx or a work folder that cannot be read; what is wrong with one exercise is in its result.
func (g *Grader) Grade(ctx context.Context, l *lab.Lab, exercises []*lab.Exercise, work *Work) ([]Result, error) {
	answers, err := work.answers(l)
	if err != nil {
		return nil, err
	}
	var asked []*lab.Exercise
	for _, e := range exercises {
		if e.Answer != nil && answers.given(e.ID) != "" {
			asked = append(asked, e)
		}
	}
	if err := g.look(ctx, asked); err != nil {
		return nil, err
	}
	var results []Result
	for _, e := range exercises {
		r := Result{Lab: l, Exercise: e, Release: g.Release, By: "run"}
		err := g.grade(ctx, l, e, answers, work, &r)
		var why impossible
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &why):
			r.State, r.Says = Impossible, append(r.Says, why.Error())
		case err != nil:
			r.State, r.Says = Broken, append(r.Says, err.Error())
		}
		results = append(results, r)
	}
	return results, nil
}

func (g *Grader) grade(ctx context.Context, l *lab.Lab, e *lab.Exercise, answers *answers, work *Work, r *Result) error {
	fits, err := constraint.Fits(e.Go, g.Release)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", e.File, e.Line, err)
	}
	if !fits {
		return impossible(g.t(MsgOtherRelease, e.Go, g.Release))
	}
	if e.Answer != nil {
		return g.answer(e, answers, r)
	}
	given, err := work.given(l, e)
	if err != nil {
		return err
	}
	if given.empty() {
		r.State, r.Says = Untouched, []string{g.t(MsgUntouched, given.file)}
		return nil
	}
	if g.Engine == nil {
		return impossible(g.t(MsgNeedsRun))
	}
	switch {
	case e.Script != nil:
		return g.script(ctx, e, given, r)
	case e.Break != nil:
		return g.breaks(ctx, e, given, r)
	}
	return g.repair(ctx, e, given, r)
}

// look runs the claims of the exercises once, all together.
func (g *Grader) look(ctx context.Context, exercises []*lab.Exercise) error {
	if g.live == nil {
		g.live = map[string]judge.Verdict{}
	}
	if g.Engine == nil {
		return nil
	}
	var claims []*lab.Claim
	for _, e := range exercises {
		for _, id := range e.Claims() {
			if _, seen := g.live[id]; !seen {
				claims = append(claims, g.Data.Claim(id))
			}
		}
	}
	if len(claims) == 0 {
		return nil
	}
	res, err := g.Engine(g.Scripts).Run(ctx, verify.Ask{Claims: claims, Toolchain: g.Toolchain})
	if err != nil {
		return err
	}
	for _, c := range res.Cells {
		g.live[c.Claim.ID] = c.Verdict
	}
	return nil
}

func (g *Grader) t(m Message, args ...any) string { return In(g.Lang).Say(m, args...) }
