package cli

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// proveCommand does the exercises: the part of lint that takes minutes and debuggers.
func (s *session) proveCommand() *cli.Command {
	return &cli.Command{
		Name:      "prove",
		Usage:     "do the exercises: none passes as it is shipped, each passes with its solution",
		ArgsUsage: "[LAB | EXERCISE …]",
		Description: "Each exercise is done on the oldest and on the newest release it is for, or on those of --go.\n" +
			"Exit status: 0 when all are as they should be, 2 when one is not.",
		Flags: append(jobsFlags(),
			&cli.BoolFlag{Name: "dry-run", Usage: "build nothing: only say of which releases the sources do not have what the edits need"},
			&cli.StringSliceFlag{Name: "go", Usage: "releases: go1.27.4, 1.27, all, local, or the path of a GOROOT; several with commas", DefaultText: "the oldest and the newest"},
		),
		Action: func(c *cli.Context) error {
			data, err := s.data()
			if err != nil {
				return err
			}
			chosen := []part{}
			if args := c.Args().Slice(); len(args) > 0 && !slices.Equal(args, []string{lab.All}) {
				if chosen, err = s.exercises(c, "prove"); err != nil {
					return err
				}
			} else {
				for _, l := range data.Labs {
					chosen = append(chosen, part{l, l.Exercises})
				}
			}
			if c.Bool("dry-run") {
				return s.tryExercises(c, data, chosen)
			}
			return s.prove(c, data, chosen)
		},
	}
}

func (s *session) prove(c *cli.Context, data *lab.Data, chosen []part) error {
	names := splitList(c.StringSlice("go"))
	all := names
	if len(all) == 0 {
		all = data.Releases
	}
	wrong, done := 0, 0
	failed, err := s.toolchains(c.Context, all, func(tc release.Toolchain) error {
		g, err := s.graderOn(c, tc)
		if err != nil {
			return err
		}
		for _, p := range chosen {
			for _, e := range p.exercises {
				due, err := dueOn(data, e, tc.Name, len(names) > 0)
				if err != nil {
					return err
				}
				if !due {
					continue
				}
				err = proveOnce(c, g, p.lab, e)
				s.progressDone()
				if c.Context.Err() != nil {
					return err
				}
				if err != nil {
					wrong++
					fmt.Fprintf(s.stdout, "%v\n", err)
					continue
				}
				done++
				if s.verbose {
					fmt.Fprintf(s.stderr, "%s: %s is right\n", tc.Name, e.ID)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%d exercises were done, %d are not right\n", done+wrong, wrong)
	if failed || wrong > 0 {
		return errReported
	}
	return nil
}

// dueOn reports whether the exercise is to be done on the release: named by the user, or the oldest or
// newest recorded one that it is for.
func dueOn(data *lab.Data, e *lab.Exercise, name string, named bool) (bool, error) {
	if named {
		return constraint.Fits(e.Go, name)
	}
	var fitting []string
	for _, r := range data.Releases {
		fits, err := constraint.Fits(e.Go, r)
		if err != nil {
			return false, fmt.Errorf("%s:%d: %w", e.File, e.Line, err)
		}
		if fits {
			fitting = append(fitting, r)
		}
	}
	return len(fitting) > 0 && (name == fitting[0] || name == fitting[len(fitting)-1]), nil
}

func proveOnce(c *cli.Context, g *course.Grader, l *lab.Lab, e *lab.Exercise) error {
	folder, err := os.MkdirTemp("", "rt0lab-prove-")
	if err != nil {
		return fmt.Errorf("make a work folder: %w", err)
	}
	defer os.RemoveAll(folder)
	return g.Prove(c.Context, l, e, folder)
}

// tryExercises tries the edits of the exercises on the sources of each release: a few seconds for what the
// builds would need an hour to find.
func (s *session) tryExercises(c *cli.Context, data *lab.Data, chosen []part) error {
	names := splitList(c.StringSlice("go"))
	if len(names) == 0 {
		names = data.Releases
	}
	wrong, done := 0, 0
	failed, err := s.toolchains(c.Context, names, func(tc release.Toolchain) error {
		g := s.graderOf(data, tc.Name)
		g.Toolchain = tc
		for _, p := range chosen {
			for _, e := range p.exercises {
				tried, err := g.Fits(e)
				if err != nil {
					fmt.Fprintf(s.stdout, "%v\n", err)
					wrong++
				} else if tried {
					done++
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%d exercises have what they need, %d have not\n", done, wrong)
	if failed || wrong > 0 {
		return errReported
	}
	return nil
}
