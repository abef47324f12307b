package recording_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/recording"
)

func TestWithout(t *testing.T) {
	t.Parallel()
	whole := &recording.Recording{Lab: "07-chain", Setups: map[string]*recording.Setup{
		"plain": {Digest: "d", Facts: map[string]recording.Entry{
			"x.both":   {Value: fact.IntOf(1), By: []string{"delve", "ebpf"}},
			"x.unseen": {Value: fact.IntOf(1), By: []string{"delve"}, Unseen: map[string]observe.Unseen{"ebpf": {Cause: observe.CauseRelease, Reason: "r"}}},
			"x.alone":  {Value: fact.IntOf(1), By: []string{"ebpf"}},
		}},
		"alone": {Digest: "d", Facts: map[string]recording.Entry{"x.alone": {Value: fact.IntOf(1), By: []string{"ebpf"}}}},
		"old":   {Unsupported: "needs go >=1.26"},
	}}
	lean := whole.Without([]string{"ebpf"})
	if got := slices.Sorted(maps.Keys(lean.Setups)); !slices.Equal(got, []string{"old", "plain"}) {
		t.Errorf("setups %v", got)
	}
	facts := lean.Setups["plain"].Facts
	if len(facts) != 2 || !slices.Equal(facts["x.both"].By, []string{"delve"}) || len(facts["x.unseen"].Unseen) != 0 {
		t.Errorf("%+v", facts)
	}
	// The recording itself keeps what it has, and nothing is left out when nobody is.
	if e := whole.Setups["plain"].Facts; len(e) != 3 || len(e["x.both"].By) != 2 || len(e["x.unseen"].Unseen) != 1 {
		t.Errorf("%+v", e)
	}
	if ds := recording.Compare(whole, whole.Without(nil), fact.Catalogue{}); len(ds) != 0 {
		t.Errorf("%v", ds)
	}
	if ds := recording.Compare(whole, lean, fact.Catalogue{}); len(ds) == 0 {
		t.Error("what is left out makes no difference: that proves nothing")
	}
}
