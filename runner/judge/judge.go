// Package judge holds what witnesses saw against what a claim says. It is
// pure: it knows values and nothing of processes, files, clocks or releases,
// so the same judgement is passed over a live run and over a recording.
package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Outcome is what became of a claim.
type Outcome string

// The outcomes.
const (
	Holds    Outcome = "holds"
	Refuted  Outcome = "refuted"
	Untested Outcome = "untested" // nobody saw the fact; Verdict.Cause says which kind of reason
	Broken   Outcome = "broken"   // a script, a tool or the data is at fault, or the witnesses disagree
)

// Outcomes are all outcomes, best first.
var Outcomes = []Outcome{Holds, Refuted, Untested, Broken}

// Verdict is the judgement over one claim of one build.
type Verdict struct {
	Outcome Outcome
	// Want is the predicate in words, see Describe; "" for an unobservable claim.
	Want string
	// Saw, Unseen and Broken tell what each witness said; every witness of the
	// claim is in exactly one of them. They are never nil.
	Saw    map[string]fact.Value
	Unseen map[string]observe.Unseen
	Broken map[string]string
	// Reason is in words, for untested and broken; "" for the other two.
	Reason string
	// Cause is set for untested only.
	Cause observe.Cause
}

// Value returns the value all witnesses that saw the fact agree on; ok is
// false when nobody saw it or they disagree.
func (v Verdict) Value() (value fact.Value, ok bool) {
	for _, w := range v.Saw {
		if ok && !value.Equal(w) {
			return fact.Value{}, false
		}
		value, ok = w, true
	}
	return value, ok
}

// Claim judges c by what its witnesses said of its fact. A witness of the
// claim that is missing in seen is broken: whoever leaves one out on purpose
// says so with observe.NotSeen. Witnesses the claim does not ask are ignored.
//
// An error of any witness makes the outcome broken, whatever the others saw:
// an error is never taken for a refutation.
func Claim(c *lab.Claim, seen map[string]observe.Seen) Verdict {
	v := Verdict{
		Saw:    map[string]fact.Value{},
		Unseen: map[string]observe.Unseen{},
		Broken: map[string]string{},
	}
	if c.Unobservable.En != "" {
		v.Outcome, v.Cause, v.Reason = Untested, observe.CauseRelease, c.Unobservable.En
		return v
	}
	v.Want = Describe(c.Expect)
	if len(c.Witnesses) == 0 {
		v.Outcome, v.Reason = Broken, "the claim names no witness"
		return v
	}
	for _, name := range c.Witnesses {
		v.sort(name, c.Fact, seen)
	}
	switch {
	case len(v.Broken) > 0:
		v.Outcome, v.Reason = Broken, join(v.Broken)
	case len(v.Saw) == 0:
		v.Outcome = Untested
		v.Cause, v.Reason = why(v.Unseen)
	default:
		v.weigh(c.Expect)
	}
	return v
}

// sort puts the answer of one witness where it belongs.
func (v *Verdict) sort(name, factName string, seen map[string]observe.Seen) {
	s, ok := seen[name]
	switch {
	case !ok:
		v.Broken[name] = "gave no answer for " + factName
	case s.Broken != "":
		v.Broken[name] = s.Broken
	case s.Unseen != nil && s.Value.IsValid():
		v.Broken[name] = "says both that it saw " + factName + " and that it did not"
	case s.Unseen != nil:
		v.Unseen[name] = *s.Unseen
	case s.Value.IsValid():
		v.Saw[name] = s.Value
	default:
		v.Broken[name] = "gave an empty answer for " + factName
	}
}

// weigh judges by the values seen, of which there is at least one.
func (v *Verdict) weigh(p lab.Predicate) {
	value, ok := v.Value()
	if !ok {
		var said []string
		for _, name := range slices.Sorted(maps.Keys(v.Saw)) {
			said = append(said, name+" saw "+Write(v.Saw[name]))
		}
		v.Outcome, v.Reason = Broken, "the witnesses disagree: "+strings.Join(said, "; ")
		return
	}
	holds, err := Test(p, value)
	switch {
	case err != nil:
		v.Outcome, v.Reason = Broken, err.Error()
	case holds:
		v.Outcome = Holds
	default:
		v.Outcome = Refuted
	}
}

// why sums the reasons of the witnesses up: release only when every one of
// them lies in the release, because otherwise another machine could see the fact.
func why(unseen map[string]observe.Unseen) (observe.Cause, string) {
	cause := observe.CauseRelease
	said := map[string]string{}
	for name, u := range unseen {
		if u.Cause != observe.CauseRelease {
			cause = observe.CauseMachine
		}
		said[name] = u.Reason
	}
	return cause, join(said)
}

// join writes what each witness said in the order of their names; a sentence
// all of them say is written once.
func join(said map[string]string) string {
	names := slices.Sorted(maps.Keys(said))
	if len(names) > 1 && len(slices.Compact(slices.Sorted(maps.Values(said)))) == 1 {
		return said[names[0]]
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s: %s", name, said[name])
	}
	return strings.Join(parts, "; ")
}
