package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/mutant"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func (s *session) mutateCommand() *cli.Command {
	return &cli.Command{
		Name:      "mutate",
		Usage:     "show that claims can fail: edit the runtime and see exactly the named claims refuted",
		ArgsUsage: "[MUTANT | LAB …]",
		Description: "Exit status: 0 when every mutant is caught, 1 when a claim missed one or another claim changed,\n" +
			"2 when a mutant cannot be made.",
		Flags: append(jobsFlags(), goFlag(),
			&cli.BoolFlag{Name: "once", Usage: "run each mutant on one release only, the first of --go where it has something to refute; one that has nothing on any of them is missed"},
			&cli.BoolFlag{Name: "dry-run", Usage: "build nothing: only say of which releases the sources do not have what the edits replace"},
		),
		Action: s.mutate,
	}
}

func (s *session) mutate(c *cli.Context) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	mutants, err := selectMutants(data, c.Args().Slice())
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return s.tryEdits(c, mutants)
	}
	e, err := s.engine(c)
	if err != nil {
		return err
	}
	var caught, idle, missed, broken int
	once := c.Bool("once")
	failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
		return s.mutateOn(c.Context, e, slices.Clone(mutants), tc, func(f mutant.Finding) {
			if once {
				if f.Idle() {
					return
				}
				mutants = slices.DeleteFunc(mutants, func(m *lab.Mutant) bool { return m == f.Mutant })
			}
			s.progressDone()
			s.tellFinding(f)
			switch {
			case f.Err != nil:
				broken++
			case f.OK():
				caught++
			case f.Idle():
				idle++
			default:
				missed++
			}
		})
	})
	s.progressDone()
	if err != nil {
		return err
	}
	if once {
		for _, m := range mutants {
			fmt.Fprintf(s.stdout, "missed  %s: no edit, or nothing to refute, on any of the releases\n", m.ID)
			missed++
		}
	}
	fmt.Fprintf(s.stdout, "%d caught, %d with nothing to refute on the release, %d missed, %d broken\n", caught, idle, missed, broken)
	switch {
	case failed || broken > 0:
		return errReported
	case missed > 0:
		return errDrift
	}
	return nil
}

// tryEdits makes the edits of all mutants on each release and throws them away:
// a second's work for what the builds would need an hour to find.
func (s *session) tryEdits(c *cli.Context, mutants []*lab.Mutant) error {
	fit, broken := 0, 0
	failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
		for _, m := range mutants {
			fits, err := mutant.Fits(m, tc.Name)
			if err != nil {
				return err
			}
			if !fits {
				continue
			}
			if _, err := mutant.Overlay(m, tc); err != nil {
				s.tellFinding(mutant.Finding{Mutant: m, Release: tc.Name, Err: err})
				broken++
				continue
			}
			fit++
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%d edited runtimes can be made, %d cannot\n", fit, broken)
	if failed || broken > 0 {
		return errReported
	}
	return nil
}

// mutateOn runs the mutants that have an edit for the release and something to
// refute there, and tells what became of each as soon as it knows; each of them compiles a runtime.
func (s *session) mutateOn(ctx context.Context, e *verify.Engine, mutants []*lab.Mutant, tc release.Toolchain, tell func(mutant.Finding)) error {
	var fitting []*lab.Mutant
	var claims []*lab.Claim
	for _, m := range mutants {
		fits, err := mutant.Fits(m, tc.Name)
		if err != nil {
			return err
		}
		if !fits {
			continue
		}
		fitting = append(fitting, m)
		for _, claim := range mutant.Claims(e.Data, m) {
			if !slices.Contains(claims, claim) {
				claims = append(claims, claim)
			}
		}
	}
	plain, err := e.Run(ctx, verify.Ask{Claims: claims, Toolchain: tc})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	// The compiler of one runtime leaves processors idle; two keep them busy.
	g.SetLimit(2)
	var one sync.Mutex
	for _, m := range fitting {
		g.Go(func() error {
			f, err := mutateOnce(ctx, e, m, tc, plain.Cells)
			if err != nil {
				return err
			}
			one.Lock()
			defer one.Unlock()
			tell(f)
			return nil
		})
	}
	return g.Wait()
}

// mutateOnce judges the claims of one mutant on a runtime with its edits. An
// error ends the run; what is wrong with the mutant is in the finding.
func mutateOnce(ctx context.Context, e *verify.Engine, m *lab.Mutant, tc release.Toolchain, plain []verify.Cell) (mutant.Finding, error) {
	broken := func(err error) mutant.Finding { return mutant.Finding{Mutant: m, Release: tc.Name, Err: err} }
	overlay, err := mutant.Overlay(m, tc)
	if err != nil {
		return broken(err), nil
	}
	if !mutant.Matters(m, plain) {
		// Not worth the compilation of a runtime.
		return mutant.Judge(m, tc.Name, plain, plain), nil
	}
	mutated, err := e.Run(ctx, verify.Ask{Claims: mutant.Claims(e.Data, m), Toolchain: tc, Overlay: overlay})
	if err != nil {
		return mutant.Finding{}, err
	}
	if err := notBuilt(mutated); err != nil {
		return broken(err), nil
	}
	return mutant.Judge(m, tc.Name, plain, mutated.Cells), nil
}

// notBuilt is the error of a setup that the edited runtime cannot be built for:
// said once, and not again by every claim of the setup.
func notBuilt(res *verify.Result) error {
	for _, start := range res.Starts {
		if err := start.BuildErr; err != nil && !errors.Is(err, build.ErrUnsupported) && !errors.Is(err, build.ErrNoCompiler) {
			return err
		}
	}
	return nil
}

func (s *session) tellFinding(f mutant.Finding) {
	what := "missed"
	switch {
	case f.Err != nil:
		what = "broken"
	case f.OK():
		what = "caught"
	case f.Idle():
		what = "idle"
	}
	fmt.Fprintf(s.stdout, "%-7s %-10s %s: %s\n", what, f.Release, f.Mutant.ID, f.Mutant.Says.In(s.lang))
	if f.Err != nil {
		fmt.Fprintf(s.stdout, "        %v\n", f.Err)
	}
	for _, part := range []struct {
		what string
		ids  []string
	}{{"refuted", f.Caught}, {"does not hold here anyway", f.NotHeld}} {
		if len(part.ids) > 0 {
			fmt.Fprintf(s.stdout, "        %s: %s\n", part.what, strings.Join(part.ids, ", "))
		}
	}
	for _, text := range f.Missed {
		fmt.Fprintf(s.stdout, "        should be refuted: %s\n", text)
	}
	for _, text := range f.Stray {
		fmt.Fprintf(s.stdout, "        changed, and is not named: %s\n", text)
	}
}

// selectMutants returns the mutants that the arguments name, by their own id
// or by that of a lab; all of them without arguments and with lab.All.
func selectMutants(data *lab.Data, args []string) ([]*lab.Mutant, error) {
	var all []*lab.Mutant
	for _, l := range data.Labs {
		all = append(all, l.Mutants...)
	}
	if len(args) == 0 {
		return all, nil
	}
	var chosen []*lab.Mutant
	for _, arg := range args {
		if arg == lab.All {
			return all, nil
		}
		if l, err := data.LabOf(arg); err == nil {
			chosen = append(chosen, l.Mutants...)
			continue
		}
		i := slices.IndexFunc(all, func(m *lab.Mutant) bool { return m.ID == arg })
		if i < 0 {
			return nil, fmt.Errorf("%w: no mutant and no lab %q; the mutants stand in the lab.yaml of the labs", errUsage, arg)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
