package observe

import (
	"maps"
	"slices"

	"github.com/rt0lab/rt0lab/runner/fact"
)

// Reduce makes one observation of those of a setup's runs, in their order; there
// is at least one. What each fact becomes is said by its fact.Over; without one
// the runs must agree, but for a fact that is not compared exactly: of that the
// first run's value is kept. A fact that is broken in one run is broken, and so is
// one that every run must see and some did not.
func Reduce(specs fact.Catalogue, runs []Observation) Observation {
	all := runs[0]
	if len(runs) == 1 {
		return all
	}
	all.Facts = map[string]Seen{}
	for _, o := range runs[1:] {
		all.Duration += o.Duration
		for _, w := range o.Warnings {
			if !slices.Contains(all.Warnings, w) {
				all.Warnings = append(slices.Clone(all.Warnings), w)
			}
		}
	}
	names := map[string]bool{}
	for _, o := range runs {
		for name := range o.Facts {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		seen := make([]Seen, len(runs))
		for i, o := range runs {
			seen[i] = o.Facts[name]
		}
		all.Facts[name] = reduce(specs[name], seen)
	}
	return all
}

// reduce makes one Seen of those of all runs.
func reduce(spec fact.Spec, runs []Seen) Seen {
	var values []fact.Value
	var unseen *Unseen
	absent := 0
	for i, s := range runs {
		switch {
		case s.Broken != "":
			return Broke("run %d of %d: %s", i+1, len(runs), s.Broken)
		case s.Unseen != nil:
			unseen = s.Unseen
		case s.Value.IsValid():
			values = append(values, s.Value)
			if s.Value.IsAbsent() {
				absent++
			}
		}
	}
	some := spec.Over != "" && spec.Over != fact.OverEvery // enough that some runs saw it
	switch {
	case len(values) == 0 && unseen != nil:
		return Seen{Unseen: unseen}
	case len(values) == 0:
		return Broke("none of %d runs said anything of it", len(runs))
	case len(values) < len(runs) && !some:
		return Broke("seen in %d of %d runs only; give the fact an over that allows it, or another stop", len(values), len(runs))
	case absent == len(values):
		return SeenValue(fact.AbsentValue())
	case absent > 0:
		return Broke("absent in %d of %d runs: what is gone from a release is gone in every run", absent, len(runs))
	}
	if spec.Over != "" {
		return SeenValue(spec.Type.Write(spec.Over.Of(values)))
	}
	if spec.Compare == fact.CompareExact {
		for i, v := range values {
			if !v.Equal(values[0]) {
				return Broke("run 1 of %d saw %s, run %d saw %s: say over in its catalogue", len(runs), values[0], i+1, v)
			}
		}
	}
	return SeenValue(values[0])
}
