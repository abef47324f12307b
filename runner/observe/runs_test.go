package observe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

func TestReduce(t *testing.T) {
	t.Parallel()
	ints := func(ns ...int64) (seen []observe.Seen) {
		for _, n := range ns {
			seen = append(seen, observe.SeenValue(fact.IntOf(n)))
		}
		return seen
	}
	bools := func(bs ...bool) (seen []observe.Seen) {
		for _, b := range bs {
			seen = append(seen, observe.SeenValue(fact.BoolOf(b)))
		}
		return seen
	}
	list := func(words ...string) observe.Seen {
		var vs []fact.Value
		for _, w := range words {
			vs = append(vs, fact.TextOf(w))
		}
		return observe.SeenValue(fact.ListOf(vs...))
	}
	gone := observe.SeenValue(fact.AbsentValue())
	unseen := observe.NotSeen(observe.CauseRelease, "not passed")
	for _, tt := range []struct {
		name string
		spec fact.Spec
		runs []observe.Seen
		want string // the value, "unseen: …" or "broken: …"
	}{
		{"the same in all runs", fact.Spec{Type: fact.TypeInt}, ints(3, 3, 3), "3"},
		{"another in one run", fact.Spec{Type: fact.TypeInt, Compare: fact.CompareExact}, ints(3, 3, 4), "broken: run 1 of 3 saw 3, run 3 saw 4"},
		{"varies, as its catalogue says", fact.Spec{Type: fact.TypeInt, Compare: fact.CompareRun}, ints(3, 3, 4), "3"},
		{"min", fact.Spec{Type: fact.TypeInt, Over: fact.OverMin}, ints(3, 2, 4), "2"},
		{"max", fact.Spec{Type: fact.TypeInt, Over: fact.OverMax}, ints(3, 2, 4), "4"},
		{"min of an address is one", fact.Spec{Type: fact.TypeAddress, Over: fact.OverMin}, ints(32, 16), "0x10"},
		{"any, seen once", fact.Spec{Type: fact.TypeBool, Over: fact.OverAny}, bools(false, true, false), "true"},
		{"any, never seen", fact.Spec{Type: fact.TypeBool, Over: fact.OverAny}, bools(false, false), "false"},
		{"every", fact.Spec{Type: fact.TypeBool, Over: fact.OverEvery}, bools(true, true), "true"},
		{"not every", fact.Spec{Type: fact.TypeBool, Over: fact.OverEvery}, bools(true, false), "false"},
		{"union", fact.Spec{Type: fact.TypeList, Over: fact.OverUnion}, []observe.Seen{list("b", "a"), list("c", "a")}, "[a b c]"},
		{"absent in all runs", fact.Spec{Type: fact.TypeInt, Over: fact.OverMax}, []observe.Seen{gone, gone}, "absent"},
		{"absent in one run", fact.Spec{Type: fact.TypeInt, Over: fact.OverMax}, append(ints(1), gone), "broken: absent in 1 of 2 runs"},
		{"unseen in all runs", fact.Spec{Type: fact.TypeInt}, []observe.Seen{unseen, unseen}, "unseen: not passed"},
		{"unseen in one run", fact.Spec{Type: fact.TypeInt}, append(ints(1), unseen), "broken: seen in 1 of 2 runs only"},
		{"unseen in one run, any", fact.Spec{Type: fact.TypeBool, Over: fact.OverAny}, append(bools(true), unseen), "true"},
		{"unseen in one run, every", fact.Spec{Type: fact.TypeBool, Over: fact.OverEvery}, append(bools(true), unseen), "broken: seen in 1 of 2 runs only"},
		{"broken in one run", fact.Spec{Type: fact.TypeInt, Over: fact.OverMax}, append(ints(1), observe.Broke("g0.py:7: oops")), "broken: run 2 of 2: g0.py:7: oops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Name = "t.x"
			var runs []observe.Observation
			for _, s := range tt.runs {
				runs = append(runs, observe.Observation{Witness: "gdb", Duration: time.Second, Facts: map[string]observe.Seen{"t.x": s}})
			}
			o := observe.Reduce(fact.Catalogue{"t.x": tt.spec}, runs)
			var got string
			switch s := o.Facts["t.x"]; {
			case s.Broken != "":
				got = "broken: " + s.Broken
			case s.Unseen != nil:
				got = "unseen: " + s.Unseen.Reason
			default:
				got = s.Value.String()
			}
			if got != tt.want && !(strings.HasPrefix(tt.want, "broken: ") && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if want := time.Duration(len(runs)) * time.Second; o.Duration != want {
				t.Errorf("the runs took %v together, want %v", o.Duration, want)
			}
		})
	}
}

// TestReduceOfOneRun: what is over several runs is no other when there is one.
func TestReduceOfOneRun(t *testing.T) {
	t.Parallel()
	one := observe.Observation{Witness: "gdb", Facts: map[string]observe.Seen{"t.x": observe.SeenValue(fact.IntOf(7))}}
	if o := observe.Reduce(nil, []observe.Observation{one}); !o.Facts["t.x"].Value.Equal(fact.IntOf(7)) {
		t.Errorf("got %v", o.Facts["t.x"])
	}
}
