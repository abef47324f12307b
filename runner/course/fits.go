package course

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/mutant"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// Fits tries the edits of an exercise on the sources of the release, without building anything: the
// mutant can be made, and what undoes it gives the sources back. It reports whether there was
// anything to try.
func (g *Grader) Fits(e *lab.Exercise) (tried bool, err error) {
	for _, id := range e.Mutants() {
		m := g.Data.Mutant(id)
		fits, err := mutant.Fits(m, g.Release)
		if err != nil {
			return tried, err
		}
		if !fits && e.Script != nil {
			continue // the others serve
		}
		if mine, err := constraint.Fits(e.Go, g.Release); err != nil || !mine {
			return tried, err
		}
		if !fits {
			return tried, fmt.Errorf("%s:%d: exercise %s: its mutant %s has no edit for %s; limit the exercise with go", e.File, e.Line, e.ID, m.ID, g.Release)
		}
		tried = true
		if _, err := mutant.Overlay(m, g.Toolchain); err != nil {
			return tried, err
		}
		if e.Repair == nil {
			continue
		}
		edits, err := g.undone(e)
		if err != nil {
			return tried, err
		}
		all := &lab.Mutant{ID: e.ID, File: e.File, Edits: slices.Concat(m.Edits, edits)}
		back, err := mutant.Overlay(all, g.Toolchain)
		if err != nil {
			return tried, fmt.Errorf("undo %s: %w", m.ID, err)
		}
		for file, text := range back {
			if was, err := os.ReadFile(file); err != nil || !bytes.Equal(was, text) {
				return tried, fmt.Errorf("%s:%d: exercise %s: undoing %s does not give %s back (%v)", e.File, e.Line, e.ID, m.ID, file, err)
			}
		}
	}
	return tried, nil
}
