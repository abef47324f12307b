package course

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// Folder holds the tables that pass a lab's script exercises, beside exercises.yaml:
// EXERCISE.star and EXERCISE.py.
const Folder = "exercises"

// Solution returns the work files that pass an exercise on the release: for an answer one with
// the value of the fact, for a script the lab's own table in both languages, for an edit
// of the runtime that of a mutant, or what undoes it.
func (g *Grader) Solution(ctx context.Context, l *lab.Lab, e *lab.Exercise) ([]Starter, error) {
	switch {
	case e.Answer != nil:
		if err := g.look(ctx, []*lab.Exercise{e}); err != nil {
			return nil, err
		}
		text, err := g.solved(e)
		return []Starter{{answersFile, e.ID + ": " + text + "\n"}}, err
	case e.Script != nil:
		var files []Starter
		for _, name := range []string{e.ID + ".star", e.ID + ".py"} {
			text, err := fs.ReadFile(g.Scripts, path.Join("labs", l.ID, Folder, name))
			if err != nil {
				return nil, fmt.Errorf("read the solution of %s: %w", e.ID, err)
			}
			files = append(files, Starter{name, string(text)})
		}
		return files, nil
	}
	edits, err := g.undone(e)
	if err != nil {
		return nil, err
	}
	return []Starter{{e.ID + ".yaml", written(edits)}}, nil
}

// written is a work file with the edits. Texts are in quotes, as in lab.yaml: a block of YAML cannot
// begin with a tab or an empty line.
func written(edits []lab.Edit) string {
	var b strings.Builder
	b.WriteString("edits:\n")
	for _, x := range edits {
		fmt.Fprintf(&b, "  - file: %s\n    old: %q\n    new: %q\n", x.File, x.Old, x.New)
	}
	return b.String()
}

// solved is the right answer of an exercise.
func (g *Grader) solved(e *lab.Exercise) (string, error) {
	value, _, err := g.Value(e)
	if err != nil {
		return "", err
	}
	if len(e.Answer.Choices) == 0 {
		return value.String(), nil
	}
	i, err := g.choice(e, value)
	if err != nil {
		return "", err
	}
	return letter(i), nil
}

// undone are the edits that solve a break or a repair exercise on the release.
func (g *Grader) undone(e *lab.Exercise) ([]lab.Edit, error) {
	id := ""
	if e.Break != nil {
		id = e.Break.Solution
	} else {
		id = e.Repair.Mutant
	}
	var edits []lab.Edit
	m := g.Data.Mutant(id)
	for _, x := range m.Edits {
		fits, err := constraint.Fits(x.Go, g.Release)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", m.File, x.Line, err)
		}
		if !fits {
			continue
		}
		if e.Repair != nil {
			x.Old, x.New = x.New, x.Old
		}
		edits = append(edits, x)
	}
	if len(edits) == 0 {
		return nil, impossible(g.t(MsgOtherRelease, m.ID, g.Release))
	}
	if e.Repair != nil {
		slices.Reverse(edits) // the last one first
	}
	return edits, nil
}

// Show is the solution as a learner reads it, with the reason.
func (g *Grader) Show(ctx context.Context, l *lab.Lab, e *lab.Exercise) (string, error) {
	files, err := g.Solution(ctx, l, e)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s:\n\n", f.Name)
		for line := range strings.Lines(f.Text) {
			b.WriteString("    " + line)
		}
		b.WriteString("\n")
	}
	if e.Answer != nil {
		value, _, err := g.Value(e)
		if err != nil {
			return "", err
		}
		if i, err := g.choice(e, value); err == nil && len(e.Answer.Choices) > 0 {
			fmt.Fprintf(&b, "    %s  %s\n\n", letter(i), e.Answer.Choices[i].Says.In(g.Lang))
		}
	}
	b.WriteString(e.Explain.In(g.Lang) + "\n")
	return b.String(), nil
}

// Prove checks an exercise itself: as it is shipped it must not pass, and with each of its solutions
// it must. The folder is one that the caller throws away.
func (g *Grader) Prove(ctx context.Context, l *lab.Lab, e *lab.Exercise, folder string) error {
	shipped := &Work{Dir: folder + "/shipped"}
	if _, err := shipped.Prepare(g.Data, l, g.Lang); err != nil {
		return err
	}
	results, err := g.Grade(ctx, l, []*lab.Exercise{e}, shipped)
	if err != nil {
		return err
	}
	if r := results[0]; r.State != Untouched {
		return fmt.Errorf("%s:%d: exercise %s is %s as it is shipped, not %s: %s", e.File, e.Line, e.ID, r.State, Untouched, strings.Join(r.Says, "; "))
	}
	solutions, err := g.Solution(ctx, l, e)
	if err != nil {
		return fmt.Errorf("%s:%d: exercise %s: %w", e.File, e.Line, e.ID, err)
	}
	for _, s := range solutions {
		solved := &Work{Dir: folder + "/" + path.Ext(s.Name)}
		if err := solved.put(l, s); err != nil {
			return err
		}
		results, err := g.Grade(ctx, l, []*lab.Exercise{e}, solved)
		if err != nil {
			return err
		}
		if r := results[0]; r.State != Passed {
			return fmt.Errorf("%s:%d: exercise %s is %s with its solution %s on %s: %s", e.File, e.Line, e.ID, r.State, s.Name, g.Release, strings.Join(r.Says, "; "))
		}
	}
	return nil
}
