package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/replay"
)

// addFacts puts the facts of a recording where the trace, if there is one, passes their stops.
func addFacts(tape *replay.Tape, data *lab.Data, l *lab.Lab, rec *recording.Recording) {
	position := map[string]int{}
	if tape.Player != nil {
		for _, stop := range tape.Player.Stops {
			position[stop.Name] = stop.At
		}
	}
	for setup, seen := range rec.Setups {
		if l.Trace != nil && setup != l.Trace.Setup {
			continue // of another program
		}
		for name, e := range seen.Facts {
			spec, known := data.Catalogue[name]
			if !known || !e.Value.IsValid() {
				continue
			}
			f := replay.Fact{
				Name: name, Value: judge.Write(e.Value), By: e.By, Setup: setup, Stop: strings.Join(spec.At, ", "), At: -1,
				Varies: spec.Compare != fact.CompareExact, What: spec.En,
			}
			if spec.Unit != "" && !e.Value.IsAbsent() {
				f.Value += " " + spec.Unit
			}
			if tape.Lang == "zh" {
				f.What = spec.Zh
			}
			// A fact that is read at several stops has its value behind the last of them.
			for i, stop := range spec.At {
				at, passed := position[stop]
				if !passed {
					f.At = -1
					break
				}
				if i == 0 || at > f.At {
					f.At, f.Stop = at, stop
				}
			}
			tape.Facts = append(tape.Facts, f)
		}
	}
	inOrderOfClaims(tape.Facts, l)
}

// inOrderOfClaims sorts facts by when they are read, as far as a trace tells; where none does, as the lab speaks of
// them, those of one setup and of one stop together. What the lab does not claim comes last.
func inOrderOfClaims(facts []replay.Fact, l *lab.Lab) {
	type stop struct{ setup, at string }
	claimed, setups, stops := map[string]int{}, map[string]int{}, map[stop]int{}
	for i, c := range slices.Backward(l.Claims) {
		claimed[c.Fact] = i
	}
	for _, f := range facts {
		if _, ok := claimed[f.Name]; !ok {
			claimed[f.Name] = len(l.Claims)
		}
		setups[f.Setup], stops[stop{f.Setup, f.Stop}] = len(l.Claims), len(l.Claims)
	}
	for _, f := range facts {
		at := stop{f.Setup, f.Stop}
		setups[f.Setup], stops[at] = min(setups[f.Setup], claimed[f.Name]), min(stops[at], claimed[f.Name])
	}
	slices.SortFunc(facts, func(a, b replay.Fact) int {
		return cmp.Or(cmp.Compare(setups[a.Setup], setups[b.Setup]), cmp.Compare(a.Setup, b.Setup), cmp.Compare(a.At, b.At),
			cmp.Compare(stops[stop{a.Setup, a.Stop}], stops[stop{b.Setup, b.Stop}]), cmp.Compare(a.Stop, b.Stop),
			cmp.Compare(claimed[a.Name], claimed[b.Name]), cmp.Compare(a.Name, b.Name))
	})
}
