package lint

import (
	"fmt"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// seen is what one recorded release says of a claim.
type seen struct {
	release string
	minor   int
	outcome string
	value   fact.Value
}

// changes holds the reasons of the claims against the recordings, both ways.
func (l *linter) changes() {
	if l.History == nil {
		return
	}
	for _, x := range l.own.Labs {
		for _, c := range x.Claims {
			l.changed(c)
			l.unrecorded(c)
		}
	}
}

func (l *linter) changed(c *lab.Claim) {
	said := map[int]lab.Change{}
	for _, ch := range c.Changes {
		r, err := constraint.ParseRelease(ch.Since)
		if err != nil {
			continue // the loader reported it
		}
		if _, twice := said[r.Minor]; twice {
			l.add(ruleStale, c.File, ch.Line, "claim %q: since %s stands here twice", c.ID, ch.Since)
		}
		said[r.Minor] = ch
	}
	history := l.recorded(c)
	if len(history) == 0 {
		return
	}
	explained := map[int]bool{}
	exact := l.all.Catalogue[c.Fact].Compare == fact.CompareExact
	for i := 1; i < len(history); i++ {
		before, now := history[i-1], history[i]
		what := difference(before, now, exact)
		if what == "" {
			continue
		}
		// Of a list of which the claim names some elements, the others may come and
		// go without a reason; one that is given is welcome.
		found := before.outcome == now.outcome && namesSome(c.Expect)
		// Where releases between the two are not recorded, the change may be theirs.
		for minor := min(before.minor+1, now.minor); minor <= now.minor; minor++ {
			if _, ok := said[minor]; ok {
				found, explained[minor] = true, true
			}
		}
		if !found {
			l.add(ruleChanges, c.File, c.Lines.Of("changes"), "claim %q: %s; say in changes why (since: \"go1.%d\")", c.ID, what, now.minor)
		}
	}
	first, last := history[0], history[len(history)-1]
	for minor, ch := range said {
		if !explained[minor] {
			l.add(ruleStale, c.File, ch.Line, "claim %q: nothing changes with %s in the recordings (%s to %s)", c.ID, ch.Since, first.release, last.release)
		}
	}
}

// unrecorded demands a word of every witness on every release. Authors of a
// folder of their own record what they like.
func (l *linter) unrecorded(c *lab.Claim) {
	if l.Base != nil || c.Fact == "" {
		return
	}
	var lacking []string
	for _, release := range l.all.Releases {
		if witnesses := l.History.Unrecorded(c.ID, release); len(witnesses) > 0 {
			lacking = append(lacking, release+" ("+strings.Join(witnesses, ", ")+")")
		}
	}
	if len(lacking) > 0 {
		l.add(ruleRecorded, c.File, c.Line, "claim %q is not recorded on %s; run rt0lab --data DIR record", c.ID, strings.Join(lacking, ", "))
	}
}

// difference says in words what is another in the later release, "" when nothing is.
func difference(before, now seen, exact bool) string {
	switch {
	case before.outcome != now.outcome:
		return fmt.Sprintf("%s %s, %s %s", before.release, before.outcome, now.release, now.outcome)
	case exact && before.value.IsValid() && now.value.IsValid() && !before.value.Equal(now.value):
		return fmt.Sprintf("the value is %s on %s and %s on %s", clip(before.value), before.release, clip(now.value), now.release)
	}
	return ""
}

// namesSome reports whether the predicate is about some elements of a list only.
func namesSome(p lab.Predicate) bool { return p.Ordered != nil || p.Has != nil || p.Lacks != nil }

// clip keeps a long list or text from filling the screen.
func clip(v fact.Value) string {
	const most = 80
	text := []rune(v.String())
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

// recorded returns the past of the claim, oldest first, on the releases that its setup is for.
func (l *linter) recorded(c *lab.Claim) []seen {
	var fits constraint.Constraint
	if s := l.all.SetupOf(c); s != nil {
		fits, _ = constraint.Parse(s.Go) // the loader has parsed it already
	}
	var history []seen
	for _, name := range l.all.Releases {
		r, err := constraint.ParseRelease(name)
		if err != nil || !fits.Fits(r) {
			continue
		}
		if outcome, value, ok := l.History.Outcome(c.ID, name); ok {
			history = append(history, seen{name, r.Minor, outcome, value})
		}
	}
	return history
}
