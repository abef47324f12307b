package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// era is a span of minors over which the start of a program looks much the
// same, so that one edit can be written for all of it.
type era struct{ from, to int }

var eras = []era{{10, 15}, {16, 20}, {21, 25}, {26, constraint.Newest}}

func (e era) has(r constraint.Release) bool { return e.from <= r.Minor && r.Minor <= e.to }

// mutants looks at the edits, at what they refute, and at what none refutes.
func (l *linter) mutants() {
	claims := map[string]*lab.Claim{}
	for _, x := range l.all.Labs {
		for _, c := range x.Claims {
			claims[c.ID] = c
		}
	}
	refuting := map[string][]*lab.Mutant{}
	for _, x := range l.all.Labs {
		for _, m := range x.Mutants {
			for _, id := range m.Refutes {
				refuting[id] = append(refuting[id], m)
			}
		}
	}
	for _, x := range l.own.Labs {
		for _, m := range x.Mutants {
			l.edits(m)
			l.refutes(m, claims)
		}
		for _, c := range x.Claims {
			l.refutable(c, refuting[c.ID])
		}
	}
}

func (l *linter) edits(m *lab.Mutant) {
	for i, e := range m.Edits {
		l.constraint(m.File, e.Line, e.Go)
		switch ext := path.Ext(e.File); {
		case e.File == "":
		case strings.HasPrefix(e.File, "src/"):
			l.add(ruleEdit, m.File, e.Line, "mutant %q: %s begins below src; leave the src/ out", m.ID, e.File)
		case !strings.Contains(e.File, "/"), ext != ".go" && ext != ".s" && ext != ".h", strings.HasSuffix(e.File, "_test.go"):
			l.add(ruleEdit, m.File, e.Line, "mutant %q: %s is no source file of a package below GOROOT/src (like runtime/proc.go)", m.ID, e.File)
		}
		switch {
		case strings.TrimSpace(e.Old) == "":
			l.add(ruleEdit, m.File, e.Line, "mutant %q: old is empty; it must stand exactly once in the file", m.ID)
		case e.Old == e.New:
			l.add(ruleEdit, m.File, e.Line, "mutant %q: old and new are the same", m.ID)
		}
		for _, before := range m.Edits[:i] {
			if before.File == e.File && before.Old == e.Old && l.overlap(before.Go, e.Go) {
				l.add(ruleEdit, m.File, e.Line, "mutant %q: the edit of line %d changes the same text for the same releases", m.ID, before.Line)
			}
		}
	}
}

// overlap reports whether some recorded release fits both constraints.
func (l *linter) overlap(a, b string) bool {
	ca, errA := constraint.Parse(a)
	cb, errB := constraint.Parse(b)
	return errA == nil && errB == nil && slices.ContainsFunc(l.releases, func(r constraint.Release) bool { return ca.Fits(r) && cb.Fits(r) })
}

func (l *linter) refutes(m *lab.Mutant, claims map[string]*lab.Claim) {
	for i, id := range m.Refutes {
		c := claims[id]
		switch {
		case slices.Contains(m.Refutes[:i], id):
			l.add(ruleRefutes, m.File, m.Lines.Of("refutes"), "mutant %q names the claim %q twice", m.ID, id)
		case c != nil && c.Unobservable.En != "":
			l.add(ruleRefutes, m.File, m.Lines.Of("refutes"), "mutant %q: the claim %q is unobservable, nothing refutes it", m.ID, id)
		case slices.Contains(m.LetsHold, id):
			l.add(ruleRefutes, m.File, m.Lines.Of("lets_hold"), "mutant %q refutes the claim %q and lets it hold; which is it?", m.ID, id)
		}
	}
}

// refutable demands a mutant for every era in which the claim holds, or a reason.
func (l *linter) refutable(c *lab.Claim, mutants []*lab.Mutant) {
	if c.NoMutant.En != "" {
		if len(mutants) > 0 {
			l.add(ruleNoMutant, c.File, c.Lines.Of("no_mutant"), "claim %q: no_mutant stands here, but the mutant %q (%s:%d) refutes it",
				c.ID, mutants[0].ID, mutants[0].File, mutants[0].Line)
		}
		return
	}
	if l.History == nil || c.Fact == "" || l.Base != nil {
		return
	}
	for _, e := range eras {
		var holds []string
		caught := false
		for _, name := range l.all.Releases {
			r, err := constraint.ParseRelease(name)
			if err != nil || !e.has(r) {
				continue
			}
			if outcome, _, ok := l.History.Outcome(c.ID, name); !ok || outcome != "holds" {
				continue
			}
			holds = append(holds, name)
			caught = caught || slices.ContainsFunc(mutants, func(m *lab.Mutant) bool { return fits(m, r) })
		}
		if len(holds) > 0 && !caught {
			l.add(ruleMutant, c.File, c.Line, "claim %q holds on %s, where no mutant refutes it; add one or say in no_mutant why none can", c.ID, strings.Join(holds, " "))
		}
	}
}

// fits reports whether some edit of the mutant is made on the release.
func fits(m *lab.Mutant, r constraint.Release) bool {
	return slices.ContainsFunc(m.Edits, func(e lab.Edit) bool {
		c, err := constraint.Parse(e.Go)
		return err == nil && c.Fits(r)
	})
}
