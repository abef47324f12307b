package recording

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
)

// Difference is one thing two recordings do not have in common.
type Difference struct {
	Setup string
	Fact  string // "" when the whole setup differs
	// Old and New are what each recording says, in words; "" where it says nothing.
	Old, New string
}

// String writes the difference on one line: "plain g0.stack.size: 65432 → 65536".
func (d Difference) String() string {
	where := d.Setup
	if d.Fact != "" {
		where += " " + d.Fact
	}
	return where + ": " + cmp.Or(d.Old, "not recorded") + " → " + cmp.Or(d.New, "not recorded")
}

// Compare lists what differs between two recordings, sorted by setup and
// fact; of two recordings of the same release that is what drifted, of two
// releases what the newer one changed. Tools, host and digests are not
// compared, nor are values that differ from machine to machine or run to run,
// nor the wording of reasons.
func Compare(old, now *Recording, cat fact.Catalogue) []Difference {
	var ds []Difference
	for _, name := range both(old.Setups, now.Setups) {
		a, b := old.Setups[name], now.Setups[name]
		if sa, sb := state(a), state(b); sa != sb {
			ds = append(ds, Difference{Setup: name, Old: sa, New: sb})
			continue
		}
		for _, f := range both(a.Facts, b.Facts) {
			ea, oka := a.Facts[f]
			eb, okb := b.Facts[f]
			if oka && okb && same(ea, eb, cat[f].Compare) {
				continue
			}
			if oka != okb && cat[f].Compare == fact.CompareRun {
				// Left out of one of them, because two starts saw two values; Make
				// never leaves out what a claim asks for.
				continue
			}
			ds = append(ds, Difference{Setup: name, Fact: f, Old: words(ea, oka, cat[f].Unit), New: words(eb, okb, cat[f].Unit)})
		}
	}
	return ds
}

// state says whether a setup is there and can be built.
func state(s *Setup) string {
	switch {
	case s == nil:
		return ""
	case s.Unsupported != "":
		return "cannot be built"
	}
	return "built"
}

func same(a, b Entry, compare fact.Comparison) bool {
	if !slices.Equal(a.By, b.By) || !sameKeys(a.Unseen, b.Unseen) {
		return false
	}
	if compare == fact.CompareHost || compare == fact.CompareRun {
		// Being gone is a matter of the release, whatever the value is one of.
		return a.Value.IsAbsent() == b.Value.IsAbsent()
	}
	return a.Value.Equal(b.Value)
}

// words says what a recording has of a fact.
func words(e Entry, ok bool, unit string) string {
	if !ok {
		return ""
	}
	var parts []string
	if e.Value.IsValid() {
		value := judge.Write(e.Value)
		if unit != "" && !e.Value.IsAbsent() {
			value += " " + unit
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", value, strings.Join(e.By, ", ")))
	}
	for _, w := range slices.Sorted(maps.Keys(e.Unseen)) {
		parts = append(parts, fmt.Sprintf("not seen by %s: %s", w, e.Unseen[w].Reason))
	}
	return strings.Join(parts, ", ")
}

func both[V any](a, b map[string]V) []string {
	keys := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func sameKeys[V any](a, b map[string]V) bool {
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return len(a) == len(b)
}
