package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/course/screen"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func (s *session) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "do the exercises of a lab: each is checked whenever you save a work file",
		ArgsUsage: "LAB",
		Description: "On a terminal it shows one exercise at a time, with the keys at the bottom; elsewhere it prints what each check\n" +
			"says and ends when all exercises that can be checked here are passed.",
		Flags:  append(gradeFlags(), &cli.BoolFlag{Name: "manual", Usage: "check when told to; for file systems that do not tell of changes"}),
		Action: s.watch,
	}
}

func (s *session) watch(c *cli.Context) error {
	parts, err := s.exercises(c, "watch")
	if err != nil {
		return err
	}
	if len(parts) != 1 {
		return fmt.Errorf("%w: watch wants one lab", errUsage)
	}
	l, work := parts[0].lab, s.work(c)
	if err := s.prepare(work, l); err != nil {
		return err
	}
	in, interactive := s.stdin.(*os.File)
	interactive = interactive && s.width > 0 && term.IsTerminal(int(in.Fd()))
	s.quiet = interactive
	g, err := s.grader(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	var changes <-chan struct{}
	if !c.Bool("manual") {
		if changes, err = screen.Changes(ctx, filepath.Join(work.Dir, l.ID)); err != nil {
			return err
		}
	}
	if !interactive {
		return s.watchPlain(ctx, g, l, work, changes)
	}
	show := &screen.Screen{
		Data: g.Data, Lab: l, Work: work, Lang: s.lang, Release: g.Release, Changes: changes, Color: s.color,
		Deeds: screen.For(g, l, work),
	}
	return show.Run(ctx, in, s.terminal)
}

// watchPlain checks again and again and prints; changes is nil when every line of standard input asks for a check.
func (s *session) watchPlain(ctx context.Context, g *course.Grader, l *lab.Lab, work *course.Work, changes <-chan struct{}) error {
	w := course.In(s.lang)
	if changes == nil {
		asked := make(chan struct{})
		changes = asked
		go func() {
			defer close(asked)
			for lines := bufio.NewScanner(s.stdin); lines.Scan(); {
				select {
				case asked <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}()
		fmt.Fprintln(s.stderr, w.Say(course.MsgPressEnter))
	} else {
		fmt.Fprintln(s.stderr, w.Say(course.MsgWatching, filepath.Join(work.Dir, l.ID)))
	}
	for last := ""; ; {
		results, err := g.Grade(ctx, l, l.Exercises, work)
		s.progressDone()
		if err != nil {
			return err
		}
		var progress *course.Progress
		now := summary(results)
		if err := work.Remember(func(p *course.Progress) {
			if now != last { // the same work is not a second try
				p.Note(results, time.Now())
			}
			progress = p
		}); err != nil {
			return err
		}
		last = now
		if err := w.Text(s.stdout, results, progress, s.paint()); err != nil {
			return err
		}
		fmt.Fprintln(s.stdout, w.Say(course.MsgDone, progress.Count(l.Exercises), len(l.Exercises)))
		if err := statusOf(results); !errors.Is(err, errDrift) {
			return err
		}
		select {
		case _, more := <-changes:
			if !more {
				return errDrift // the end of the input, and not all is passed
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// summary tells whether two checks said the same.
func summary(results []course.Result) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintln(&b, r.Exercise.ID, r.State, strings.Join(r.Says, "\n"))
	}
	return b.String()
}
