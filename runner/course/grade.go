package course

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/mutant"
	"github.com/rt0lab/rt0lab/runner/release/gocmd"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// starts bounds how long a program with an edited runtime may take to its end; a
// fixture takes a millisecond.
const starts = 10 * time.Second

// script holds the learner's table against the project's own, on the fixture and on mutants.
func (g *Grader) script(ctx context.Context, e *lab.Exercise, given *given, r *Result) error {
	claims := g.Data.About(e)
	where := lab.ScriptsOf[given.tool]
	file := where.File(subject(g.Data, e))
	theirs := replaced{g.Scripts, file, []byte(given.source)}
	grounds := []*lab.Mutant{nil} // nil: the runtime as it is
	for _, id := range e.Script.Mutants {
		m := g.Data.Mutant(id)
		fits, err := mutant.Fits(m, g.Release)
		if err != nil {
			return err
		}
		if fits {
			grounds = append(grounds, m)
		}
	}
	varied := false
	var first []fact.Value
	for _, m := range grounds {
		ask := verify.Ask{Claims: claims, Toolchain: g.Toolchain, Witnesses: []string{given.tool}}
		name := g.Release
		if m != nil {
			overlay, err := mutant.Overlay(m, g.Toolchain)
			if err != nil {
				return err
			}
			ask.Overlay, name = overlay, m.ID
		}
		want, err := g.values(ctx, g.Scripts, ask)
		if err != nil {
			return err
		}
		got, err := g.Engine(theirs).Run(ctx, ask)
		if err != nil {
			return err
		}
		if wrong := g.compare(got, want, name, file, given.file); wrong != "" {
			r.State, r.Says = Failed, []string{wrong, g.t(MsgLook, e.Look.In(g.Lang))}
			if m != nil && first != nil {
				r.Says = append([]string{g.t(MsgScriptConstant, m.ID)}, r.Says...)
			}
			return nil
		}
		if first == nil {
			first = want
		}
		varied = varied || !slices.EqualFunc(first, want, fact.Value.Equal)
	}
	if !varied {
		return fmt.Errorf("%s:%d: exercise %s: the facts are the same on all its mutants on %s: a constant would pass", e.File, e.Line, e.ID, g.Release)
	}
	r.State, r.Says = Passed, []string{e.Explain.In(g.Lang)}
	return nil
}

// values are what the project's own script reports for the claims.
func (g *Grader) values(ctx context.Context, scripts fs.FS, ask verify.Ask) ([]fact.Value, error) {
	res, err := g.Engine(scripts).Run(ctx, ask)
	if err != nil {
		return nil, err
	}
	var values []fact.Value
	for _, c := range res.Cells {
		v, ok := c.Verdict.Value()
		switch {
		case ok:
		case c.Verdict.Outcome == judge.Untested:
			return nil, impossible(c.Verdict.Reason)
		default:
			return nil, fmt.Errorf("judge %s: %s", c.Claim.ID, c.Verdict.Reason)
		}
		values = append(values, v)
	}
	return values, nil
}

// compare says what is wrong with what the learner's table reports, "" when nothing is.
func (g *Grader) compare(got *verify.Result, want []fact.Value, ground, file, theirs string) string {
	for i, c := range got.Cells {
		v, ok := c.Verdict.Value()
		switch {
		case ok && v.Equal(want[i]):
		case ok:
			return g.t(MsgScriptSays, ground, c.Claim.Fact, judge.Write(v))
		case c.Verdict.Outcome == judge.Broken:
			// The path is that of the project's own script, in the place of which theirs stood.
			return g.t(MsgScriptWrong, ground, strings.ReplaceAll(c.Verdict.Reason, file, theirs))
		default:
			return g.t(MsgScriptNothing, ground, c.Claim.Fact)
		}
	}
	return ""
}

// breaks judges the claim on a runtime with the learner's edits.
func (g *Grader) breaks(ctx context.Context, e *lab.Exercise, given *given, r *Result) error {
	claim := g.Data.Claim(e.Break.Claim)
	plain, err := g.Engine(g.Scripts).Run(ctx, verify.Ask{Claims: []*lab.Claim{claim}, Toolchain: g.Toolchain})
	if err != nil {
		return err
	}
	if v := plain.Cells[0].Verdict; v.Outcome != judge.Holds {
		return notHolding(claim, v)
	}
	res, wrong, err := g.edited(ctx, e, []*lab.Claim{claim}, plain, given, given.edits)
	if err != nil {
		return err
	}
	if wrong == "" {
		switch v := res.Cells[0].Verdict; v.Outcome {
		case judge.Refuted:
		case judge.Holds:
			wrong = g.t(MsgStillHolds, claim.ID)
		default:
			wrong = g.t(MsgNotSeen, claim.ID, v.Reason)
		}
	}
	g.finish(e, wrong, r)
	return nil
}

// repair judges what the mutant refutes on a runtime with the mutant's and the learner's edits.
func (g *Grader) repair(ctx context.Context, e *lab.Exercise, given *given, r *Result) error {
	m := g.Data.Mutant(e.Repair.Mutant)
	if fits, err := mutant.Fits(m, g.Release); err != nil {
		return err
	} else if !fits {
		return impossible(g.t(MsgOtherRelease, m.ID, g.Release))
	}
	claims := g.Data.About(e)
	plain, err := g.Engine(g.Scripts).Run(ctx, verify.Ask{Claims: claims, Toolchain: g.Toolchain})
	if err != nil {
		return err
	}
	held := map[string]bool{}
	for _, c := range plain.Cells {
		held[c.Claim.ID] = c.Verdict.Outcome == judge.Holds
	}
	claims = slices.DeleteFunc(claims, func(c *lab.Claim) bool { return !held[c.ID] })
	if len(claims) == 0 {
		return notHolding(plain.Cells[0].Claim, plain.Cells[0].Verdict)
	}
	res, wrong, err := g.edited(ctx, e, claims, plain, given, slices.Concat(m.Edits, given.edits))
	if err != nil {
		return err
	}
	if wrong == "" {
		left := 0
		for _, c := range res.Cells {
			if c.Verdict.Outcome != judge.Holds {
				left++
			}
		}
		if left > 0 {
			wrong = g.t(MsgStillWrong, left)
		}
	}
	g.finish(e, wrong, r)
	return nil
}

// notHolding is why nothing can be broken or repaired: the claim does not hold to begin with.
func notHolding(c *lab.Claim, v judge.Verdict) error {
	switch v.Outcome {
	case judge.Untested, judge.Refuted:
		return impossible(fmt.Sprintf("%s %s %s", c.ID, v.Outcome, v.Reason))
	}
	return fmt.Errorf("judge %s: %s", c.ID, v.Reason)
}

func (g *Grader) finish(e *lab.Exercise, wrong string, r *Result) {
	if wrong == "" {
		r.State, r.Says = Passed, []string{e.Explain.In(g.Lang)}
		return
	}
	sources := filepath.Join(g.Toolchain.GOROOT, "src")
	r.State, r.Says = Failed, []string{wrong, g.t(MsgLook, e.Look.In(g.Lang)), g.t(MsgSources, sources)}
}

// edited judges the claims on an edited runtime, once its programs have been seen to end as the
// unchanged ones do: a debugger would wait long for one that hangs. Wrong is what the learner did wrong.
func (g *Grader) edited(ctx context.Context, e *lab.Exercise, claims []*lab.Claim, plain *verify.Result, given *given, edits []lab.Edit) (res *verify.Result, wrong string, err error) {
	if given.problem != nil {
		return nil, given.problem.Error(), nil
	}
	overlay, err := mutant.Overlay(&lab.Mutant{ID: e.ID, Edits: edits, File: given.file}, g.Toolchain)
	if errors.Is(err, mutant.ErrEdit) {
		return nil, err.Error(), nil
	}
	if err != nil {
		return nil, "", err
	}
	engine, ask := g.Engine(g.Scripts), verify.Ask{Claims: claims, Toolchain: g.Toolchain, Overlay: overlay, BuildOnly: true}
	built, err := engine.Run(ctx, ask)
	if err != nil {
		return nil, "", err
	}
	for _, start := range built.Starts {
		switch err := start.BuildErr; {
		case errors.Is(err, build.ErrCompile):
			return nil, g.t(MsgNotBuilt, err), nil
		case err != nil:
			return nil, "", err
		}
	}
	if wrong, err := g.starts(ctx, plain, built); err != nil || wrong != "" {
		return nil, wrong, err
	}
	ask.BuildOnly = false
	res, err = engine.Run(ctx, ask)
	return res, "", err
}

// starts runs the programs of both results and says what is wrong with the edited ones, "" when
// they end as the unchanged ones do.
func (g *Grader) starts(ctx context.Context, plain, edited *verify.Result) (wrong string, err error) {
	for key, start := range edited.Starts {
		if !runnable(start) {
			continue
		}
		want, err := end(ctx, plain.Starts[key])
		if err != nil {
			return "", fmt.Errorf("run the unchanged program: %w", err)
		}
		got, err := end(ctx, start)
		if err != nil {
			return "", fmt.Errorf("run the program: %w", err)
		}
		if got != want {
			return g.t(MsgDoesNotStart, got), nil
		}
	}
	return "", nil
}

// runnable reports whether the setup is a program that this machine can run.
func runnable(s *verify.Start) bool {
	mode := s.Setup.Buildmode
	return s.BuildErr == nil && s.Setup.Tool == "" && !s.Setup.Making && (mode == "" || mode == "pie" || s.Setup.Host != "") &&
		s.Binary.GOOS == runtime.GOOS && s.Binary.GOARCH == runtime.GOARCH
}

// end runs the program of a setup once and says how it ended: what it printed, the status it
// ended with and its first words, or that it did not end.
func end(ctx context.Context, s *verify.Start) (string, error) {
	limited, cancel := context.WithTimeout(ctx, starts)
	defer cancel()
	out, err := gocmd.Run(limited, gocmd.Command{Path: s.Binary.Path, Args: verify.Arguments(s.Setup, s.Beside), Env: verify.Environment(s.Setup), Dir: "/"})
	var failed *gocmd.Error
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case limited.Err() != nil:
		return fmt.Sprintf("no end within %s", starts), nil
	case errors.As(err, &failed):
		first, _, _ := strings.Cut(failed.Says, "\n")
		return strings.TrimSuffix(fmt.Sprintf("%v: %s", failed.Err, first), ": "), nil
	}
	return string(out), err
}

// replaced is a file system with one file that is another.
type replaced struct {
	fs.FS
	name string
	data []byte
}

// ReadFile is what fs.ReadFile asks.
func (r replaced) ReadFile(name string) ([]byte, error) {
	if name == r.name {
		return r.data, nil
	}
	return fs.ReadFile(r.FS, name)
}
