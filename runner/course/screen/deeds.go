package screen

import (
	"context"
	"time"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Deeds are what the keys do. They are called one at a time, never two at once.
type Deeds struct {
	Check    func(ctx context.Context, e *lab.Exercise) (course.Result, error)
	Hint     func(e *lab.Exercise) (string, error)
	Solution func(ctx context.Context, e *lab.Exercise) (string, error)
	Reset    func(e *lab.Exercise) error
	Progress func() (*course.Progress, error)
}

// For does them with a grader, in a work folder.
func For(g *course.Grader, l *lab.Lab, work *course.Work) Deeds {
	return Deeds{
		Check: func(ctx context.Context, e *lab.Exercise) (course.Result, error) {
			results, err := g.Grade(ctx, l, []*lab.Exercise{e}, work)
			if err != nil {
				return course.Result{}, err
			}
			return results[0], work.Remember(func(p *course.Progress) { p.Note(results, time.Now()) })
		},
		Hint: func(e *lab.Exercise) (string, error) {
			shown, last, err := work.Hint(e)
			return course.In(g.Lang).Hints(e, shown, last), err
		},
		Solution: func(ctx context.Context, e *lab.Exercise) (string, error) {
			show, err := work.AskSolution(e)
			if err != nil {
				return "", err
			}
			if !show {
				return course.In(g.Lang).Say(course.MsgAskAgain, e.ID), nil
			}
			return g.Show(ctx, l, e)
		},
		Reset: func(e *lab.Exercise) error {
			if _, err := work.Reset(g.Data, l, []*lab.Exercise{e}, g.Lang); err != nil {
				return err
			}
			return work.Forget([]*lab.Exercise{e})
		},
		Progress: work.Progress,
	}
}
