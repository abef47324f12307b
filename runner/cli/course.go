package cli

import (
	"cmp"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func (s *session) work(c *cli.Context) *course.Work { return &course.Work{Dir: c.String("work")} }

func (s *session) checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check what you wrote for the exercises of a lab",
		ArgsUsage: "LAB | EXERCISE …",
		Description: "The work files are written the first time. Exit status: 0 when every exercise that can be checked here is\n" +
			"passed, 1 when one is not, 2 on bad data or usage.",
		Flags: append(gradeFlags(),
			&cli.StringFlag{Name: "format", Usage: "text or json (a line per exercise)", Value: "text"},
		),
		Action: s.check,
	}
}

func (s *session) check(c *cli.Context) error {
	format := c.String("format")
	if format != "text" && format != "json" {
		return fmt.Errorf("%w: --format %s: use text or json", errUsage, format)
	}
	chosen, err := s.exercises(c, "check")
	if err != nil {
		return err
	}
	work := s.work(c)
	for _, p := range chosen {
		if err := s.prepare(work, p.lab); err != nil {
			return err
		}
	}
	g, err := s.grader(c)
	if err != nil {
		return err
	}
	var results []course.Result
	for _, p := range chosen {
		more, err := g.Grade(c.Context, p.lab, p.exercises, work)
		if err != nil {
			return err
		}
		results = append(results, more...)
	}
	s.progressDone()
	var progress *course.Progress
	if err := work.Remember(func(p *course.Progress) { p.Note(results, time.Now()); progress = p }); err != nil {
		return err
	}
	if format == "json" {
		err = course.JSONLines(s.stdout, results, progress)
	} else {
		err = s.tellResults(results, progress)
	}
	if err != nil {
		return err
	}
	return statusOf(results)
}

// statusOf is the end of a check: what cannot be checked here is no failure.
func statusOf(results []course.Result) error {
	failed := false
	for _, r := range results {
		switch r.State {
		case course.Broken:
			return errReported
		case course.Failed, course.Untouched:
			failed = true
		}
	}
	if failed {
		return errDrift
	}
	return nil
}

// tellResults writes the results, a block per lab, and what is next.
func (s *session) tellResults(results []course.Result, p *course.Progress) error {
	w := course.In(s.lang)
	for len(results) > 0 {
		l, n := results[0].Lab, 1
		for n < len(results) && results[n].Lab == l {
			n++
		}
		if err := w.Text(s.stdout, results[:n], p, s.paint()); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, w.Say(course.MsgDone, p.Count(l.Exercises), len(l.Exercises)))
		results = results[n:]
	}
	fmt.Fprintln(s.stdout, w.Say(course.MsgNext))
	return nil
}

func (s *session) paint() course.Paint {
	colors := map[course.State]string{course.Passed: "32", course.Failed: "1;31", course.Impossible: "33", course.Broken: "1;35", course.Untouched: "2"}
	return func(state course.State, text string) string {
		if !s.color {
			return text
		}
		return "\x1b[" + colors[state] + "m" + text + "\x1b[0m"
	}
}

// prepare writes the work files that are not there and says so.
func (s *session) prepare(work *course.Work, l *lab.Lab) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	written, err := work.Prepare(data, l, s.lang)
	for _, file := range written {
		fmt.Fprintln(s.stderr, course.In(s.lang).Say(course.MsgWritten, file))
	}
	return err
}

// part is some exercises of one lab.
type part struct {
	lab       *lab.Lab
	exercises []*lab.Exercise
}

// exercises are those that the arguments name, by lab or by their own id.
func (s *session) exercises(c *cli.Context, command string) ([]part, error) {
	data, err := s.data()
	if err != nil {
		return nil, err
	}
	if !c.Args().Present() {
		return nil, fmt.Errorf("%w: %s wants a lab or an exercise; see rt0lab list", errUsage, command)
	}
	var parts []part
	for _, arg := range c.Args().Slice() {
		if l, e := data.ExerciseOf(arg); e != nil {
			parts = append(parts, part{l, []*lab.Exercise{e}})
			continue
		}
		l, err := data.LabOf(arg)
		if err != nil {
			return nil, fmt.Errorf("%w; rt0lab check LAB shows the ids of its exercises", err)
		}
		if len(l.Exercises) == 0 {
			return nil, fmt.Errorf("%w: %s", errUsage, course.In(s.lang).Say(course.MsgNoExercises, l.ID))
		}
		parts = append(parts, part{l, l.Exercises})
	}
	return parts, nil
}

// current is the exercise that a lab or an exercise names: of a lab, the first that is not passed.
func (s *session) current(c *cli.Context, command string, p *course.Progress) (*lab.Lab, *lab.Exercise, error) {
	parts, err := s.exercises(c, command)
	if err != nil {
		return nil, nil, err
	}
	if len(parts) != 1 {
		return nil, nil, fmt.Errorf("%w: %s wants one lab or one exercise", errUsage, command)
	}
	l, list := parts[0].lab, parts[0].exercises
	if len(list) == 1 {
		return l, list[0], nil
	}
	if _, e := p.Next([]*lab.Lab{l}, nil); e != nil {
		return l, e, nil
	}
	return l, list[len(list)-1], nil
}

func (s *session) hintCommand() *cli.Command {
	return &cli.Command{
		Name: "hint", Usage: "a hint for an exercise; each call says more, three times", ArgsUsage: "LAB | EXERCISE",
		Flags: []cli.Flag{workFlag()},
		Action: func(c *cli.Context) error {
			work := s.work(c)
			p, err := work.Progress()
			if err != nil {
				return err
			}
			_, e, err := s.current(c, "hint", p)
			if err != nil {
				return err
			}
			shown, last, err := work.Hint(e)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.stdout, "%s · %s\n%s", e.ID, e.Title.In(s.lang), course.In(s.lang).Hints(e, shown, last))
			return nil
		},
	}
}

func (s *session) solutionCommand() *cli.Command {
	return &cli.Command{
		Name: "solution", Usage: "how an exercise is done: when it is passed, or when asked twice", ArgsUsage: "LAB | EXERCISE",
		Flags: gradeFlags(),
		Action: func(c *cli.Context) error {
			work := s.work(c)
			p, err := work.Progress()
			if err != nil {
				return err
			}
			l, e, err := s.current(c, "solution", p)
			if err != nil {
				return err
			}
			show, err := work.AskSolution(e)
			if err != nil {
				return err
			}
			if !show {
				fmt.Fprintln(s.stdout, course.In(s.lang).Say(course.MsgAskAgain, e.ID))
				return nil
			}
			g, err := s.grader(c)
			if err != nil {
				return err
			}
			text, err := g.Show(c.Context, l, e)
			s.progressDone()
			if err != nil {
				return err
			}
			fmt.Fprintf(s.stdout, "%s · %s\n\n%s", e.ID, e.Title.In(s.lang), text)
			return nil
		},
	}
}

func (s *session) resetCommand() *cli.Command {
	return &cli.Command{
		Name: "reset", Usage: "begin a lab or an exercise anew; old work files are kept as FILE.old", ArgsUsage: "LAB | EXERCISE …",
		Flags: []cli.Flag{workFlag()},
		Action: func(c *cli.Context) error {
			parts, err := s.exercises(c, "reset")
			if err != nil {
				return err
			}
			data, err := s.data()
			if err != nil {
				return err
			}
			work, w := s.work(c), course.In(s.lang)
			for _, p := range parts {
				old, err := work.Reset(data, p.lab, p.exercises, s.lang)
				for _, file := range old {
					fmt.Fprintln(s.stdout, w.Say(course.MsgPutAside, file))
				}
				if err != nil {
					return err
				}
				if err := work.Forget(p.exercises); err != nil {
					return err
				}
				for _, e := range p.exercises {
					fmt.Fprintln(s.stdout, w.Say(course.MsgReset, e.ID))
				}
			}
			return nil
		},
	}
}

func (s *session) nextCommand() *cli.Command {
	return &cli.Command{
		Name: "next", Usage: "the next exercise that is not done and can be checked here, of all labs",
		Flags: []cli.Flag{workFlag(), recordedFlag(), oneGoFlag()},
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			data, err := s.data()
			if err != nil {
				return err
			}
			work := s.work(c)
			p, err := work.Progress()
			if err != nil {
				return err
			}
			why := s.noRuns(c)
			l, e := p.Next(data.Labs, s.possible(c, data, why))
			if e == nil {
				if l, _ := p.Next(data.Labs, nil); l != nil {
					fmt.Fprintln(s.stdout, course.In(s.lang).Say(course.MsgRestNotHere, cmp.Or(why, "--go")))
					return nil
				}
				fmt.Fprintln(s.stdout, course.In(s.lang).Say(course.MsgAllDone))
				return nil
			}
			if err := s.prepare(work, l); err != nil {
				return err
			}
			fmt.Fprint(s.stdout, course.In(s.lang).Task(data, l, e, work))
			return nil
		},
	}
}

// tasks lists the exercises of a lab below its lesson.
func (s *session) tasks(l *lab.Lab, work *course.Work) error {
	if len(l.Exercises) == 0 {
		return nil
	}
	p, err := work.Progress()
	if err != nil {
		return err
	}
	w := course.In(s.lang)
	fmt.Fprintf(s.stdout, "\n%s (%s)\n", w.Say(course.MsgExercises), w.Say(course.MsgDone, p.Count(l.Exercises), len(l.Exercises)))
	for _, e := range l.Exercises {
		state := course.Untouched
		if p.Exercises[e.ID].Passed != "" {
			state = course.Passed
		}
		fmt.Fprintf(s.stdout, "%s  %s\n", s.paint()(state, "  "+state.Mark()+" "+e.ID), e.Title.In(s.lang))
	}
	fmt.Fprintln(s.stdout, w.Say(course.MsgBegin, l.ID[:2]))
	return nil
}
