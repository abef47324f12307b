package lab

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/near"
)

// DefaultSetup is the setup of a claim that names none.
const DefaultSetup = "plain"

// unique sorts the labs by number and reports what must be unique over all of
// them and is not: claims, mutants, numbers, and setups of one name with
// another content.
func (c *collector) unique(d *Data) {
	slices.SortStableFunc(d.Labs, func(a, b *Lab) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	numbers := map[int]string{}
	claims, mutants, exercises, setups := map[string]string{}, map[string]string{}, map[string]string{}, map[string]*Setup{}
	traces := map[string]*Trace{}
	for _, lab := range d.Labs {
		if other, twice := numbers[lab.Number]; twice {
			c.fail(RuleUnique, lab.File, 0, "the number %02d is that of %s already", lab.Number, other)
		}
		numbers[lab.Number] = lab.ID
		if t := lab.Trace; t != nil {
			if other := traces[t.Setup]; other != nil && other.To != t.To {
				c.fail(RuleUnique, t.File, t.Line, "the trace of setup %q ends at %s, and in %s:%d at %s", t.Setup, t.To, other.File, other.Line, other.To)
			}
			traces[t.Setup] = t
		}
		for _, claim := range lab.Claims {
			c.once(claims, "claim", claim.ID, claim.File, claim.Line)
		}
		for _, m := range lab.Mutants {
			c.once(mutants, "mutant", m.ID, m.File, m.Line)
		}
		for _, e := range lab.Exercises {
			c.once(exercises, "exercise", e.ID, e.File, e.Line)
		}
		for _, name := range slices.Sorted(maps.Keys(lab.Setups)) {
			s := lab.Setups[name]
			if other := setups[name]; other != nil && other.Key() != s.Key() {
				c.fail(RuleUnique, s.File, s.Line, "setup %q is not the same as in %s:%d; give one of them another name", name, other.File, other.Line)
				continue
			}
			setups[name] = s
		}
	}
}

func (c *collector) once(seen map[string]string, kind, id, file string, line int) {
	if other, twice := seen[id]; twice {
		c.fail(RuleUnique, file, line, "%s %q stands in %s already", kind, id, other)
		return
	}
	seen[id] = fmt.Sprintf("%s:%d", file, line)
}

// Check holds the references between files: every claim's setup and fact, and
// what mutants refute. Call it once everything is loaded and merged; a folder
// for --with may rely on the setups and facts of what it is merged into. The
// error joins DataErrors.
func Check(d *Data) error {
	var c collector
	claims := map[string]bool{}
	var ids []string
	for _, lab := range d.Labs {
		for _, claim := range lab.Claims {
			claims[claim.ID] = true
			ids = append(ids, claim.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.Posts)) {
		for key, list := range map[string][]string{"text": d.Posts[id].Text, "transcript": d.Posts[id].Transcript} {
			for _, claim := range list {
				if !claims[claim] {
					c.fail(RuleReference, postsFile, d.Posts[id].Lines.Of(key), "post %q: %q is no claim of any lab%s", id, claim, near.Hint(claim, ids))
				}
			}
		}
	}
	facts := slices.Sorted(maps.Keys(d.Catalogue))
	subjects := slices.Sorted(maps.Keys(d.Subjects))
	for _, lab := range d.Labs {
		for _, claim := range lab.Claims {
			if claim.Fact == "" {
				continue // unobservable, or reported while it was read
			}
			if lab.Setups[claim.Setup] == nil {
				c.fail(RuleReference, claim.File, claim.Lines.Of("setup"), "claim %q: there is no setup %q in this lab%s", claim.ID, claim.Setup, d.elsewhere(lab, claim.Setup))
			}
			if _, ok := d.Catalogue[claim.Fact]; ok {
				continue
			}
			subject := fact.Subject(claim.Fact)
			if file, ok := d.Subjects[subject]; ok {
				c.fail(RuleReference, claim.File, claim.Lines.Of("fact"), "claim %q: fact %q is not in %s%s", claim.ID, claim.Fact, file, near.Hint(claim.Fact, facts))
			} else {
				c.fail(RuleReference, claim.File, claim.Lines.Of("fact"), "claim %q: there is no subject %q (no scripts/%s.yaml)%s", claim.ID, subject, subject, near.Hint(subject, subjects))
			}
		}
		for _, m := range lab.Mutants {
			for key, named := range map[string][]string{"refutes": m.Refutes, "lets_hold": m.LetsHold} {
				for _, id := range named {
					if !claims[id] {
						c.fail(RuleReference, m.File, m.Lines.Of(key), "mutant %q, %s: %q is no claim of any lab%s", m.ID, key, id, near.Hint(id, ids))
					}
				}
			}
		}
		c.checkExercises(d, lab, ids)
	}
	return c.join()
}

// SetupOf returns the setup of a claim, which stands in the claim's own lab. It
// is nil when there is none, which Check reports.
func (d *Data) SetupOf(c *Claim) *Setup {
	for _, lab := range d.Labs {
		if slices.Contains(lab.Claims, c) {
			return lab.Setups[c.Setup]
		}
	}
	return nil
}

// elsewhere says where another lab has a setup of that name, or what was meant.
func (d *Data) elsewhere(lab *Lab, name string) string {
	for _, other := range d.Labs {
		if s := other.Setups[name]; s != nil {
			return fmt.Sprintf("; %s:%d has one, write it here as well", s.File, s.Line)
		}
	}
	return near.Hint(name, slices.Sorted(maps.Keys(lab.Setups)))
}

// borrow returns the lab with the setups that its claims name and only base has.
func (d *Data) borrow(extra *Lab) *Lab {
	lab := *extra
	lab.Setups = maps.Clone(extra.Setups)
	for _, c := range lab.Claims {
		for _, other := range d.Labs {
			if s := other.Setups[c.Setup]; s != nil && lab.Setups[c.Setup] == nil {
				lab.Setups[c.Setup] = s
			}
		}
	}
	return &lab
}

// Merge returns the data of both; extra is what a --with folder adds. Neither is
// changed. A lab of extra may name setups that only base has. What both have (a
// claim, a mutant, a lab's number, a subject, a post) is an error that joins
// DataErrors; the same setup is none. Releases of extra replace those of base
// when it has any.
func Merge(base, extra *Data) (*Data, error) {
	var c collector
	d := &Data{
		Labs:      slices.Clone(base.Labs),
		Catalogue: maps.Clone(base.Catalogue),
		Posts:     maps.Clone(base.Posts),
		Subjects:  maps.Clone(base.Subjects),
		Releases:  base.Releases,
		Known:     slices.Concat(base.Known, extra.Known),
		Glossary:  slices.Concat(base.Glossary, extra.Glossary),
	}
	for _, lab := range extra.Labs {
		d.Labs = append(d.Labs, base.borrow(lab))
	}
	if len(extra.Releases) > 0 {
		d.Releases = extra.Releases
	}
	for _, subject := range slices.Sorted(maps.Keys(extra.Subjects)) {
		if file, twice := d.Subjects[subject]; twice {
			c.fail(RuleUnique, extra.Subjects[subject], 0, "subject %q is that of %s already; a folder of one's own needs another name", subject, file)
			continue
		}
		d.Subjects[subject] = extra.Subjects[subject]
	}
	for name, spec := range extra.Catalogue {
		if _, twice := d.Catalogue[name]; !twice {
			d.Catalogue[name] = spec
		}
	}
	for _, id := range slices.Sorted(maps.Keys(extra.Posts)) {
		if _, twice := d.Posts[id]; twice {
			c.fail(RuleUnique, postsFile, extra.Posts[id].Line, "post %q is there already; take another id", id)
			continue
		}
		d.Posts[id] = extra.Posts[id]
	}
	c.unique(d)
	return d, c.join()
}
