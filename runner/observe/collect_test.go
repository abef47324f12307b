package observe_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

func request() observe.Request {
	spec := func(name string, t fact.Type, at ...string) (string, fact.Spec) {
		return name, fact.Spec{Name: name, Type: t, At: at}
	}
	specs := fact.Catalogue{}
	for _, s := range []struct {
		name string
		t    fact.Type
		at   []string
	}{
		{"g0.size", fact.TypeInt, []string{"A"}},
		{"g0.lo", fact.TypeAddress, []string{"A", "B"}},
		{"g0.gone", fact.TypeInt, []string{"Gone"}},
		{"g0.half", fact.TypeInt, []string{"Gone", "Inlined"}},
		{"g0.late", fact.TypeInt, []string{"Late"}},
		{"g0.image", fact.TypeInt, []string{"image"}},
		{"tls.base", fact.TypeAddress, []string{"B"}},
		{"tls.steps", fact.TypeInt, []string{"A .. B"}},
		{"other.x", fact.TypeInt, []string{"A"}},
	} {
		name, sp := spec(s.name, s.t, s.at...)
		specs[name] = sp
	}
	return observe.Request{
		Scripts: []observe.Script{{Subject: "g0", Path: "g0.star"}, {Subject: "tls", Path: "tls.star"}},
		Places: []place.Place{
			{Stop: "A", State: place.Placed}, {Stop: "B", State: place.Placed}, {Stop: "Late", State: place.Placed},
			{Stop: "A .. B", State: place.Placed, To: []uint64{1}},
			{Stop: "Gone", State: place.Absent, Reason: "Gone is gone"},
			{Stop: "Inlined", State: place.Unplaced, Reason: "Inlined is inlined"},
		},
		Specs: specs,
	}
}

func served(subject, stop, facts string) observe.Served {
	return observe.Served{Subject: subject, Stop: stop, Facts: json.RawMessage(facts)}
}

// say writes a Seen in one line: the value, "unseen: …" or "broken: …".
func say(s observe.Seen) string {
	switch {
	case s.Broken != "":
		return "broken: " + s.Broken
	case s.Unseen != nil:
		return "unseen " + string(s.Unseen.Cause) + ": " + s.Unseen.Reason
	}
	return s.Value.String()
}

func TestCollect(t *testing.T) {
	t.Parallel()
	good := []observe.Served{
		served("g0", "A", `{"g0.size": 65432, "g0.lo": 1}`),
		served("g0", "B", `{"g0.lo": 18446744073709551615}`),
		served("tls", "B", `{"tls.base": 4096}`),
	}
	for _, tt := range []struct {
		name string
		walk observe.Walk
		want map[string]string // fact → prefix of what say writes
	}{
		{"all is well", observe.Walk{Served: good, Passed: []string{"A", "B"}}, map[string]string{
			"g0.size": "65432", "g0.lo": "0xffffffffffffffff", "tls.base": "0x1000", "g0.gone": "absent",
			"g0.half":  "unseen release: Inlined is inlined",
			"g0.late":  "unseen release: Late was not passed before the program ended",
			"g0.image": "unseen release: no script of this witness reads it (its stops: image)",
		}},
		{"given up", observe.Walk{Interrupted: "no answer within 2s"}, map[string]string{
			"g0.late": "broken: Late was not passed: no answer within 2s", "g0.gone": "absent",
		}},
		{"None is absent, and a later None overrides", observe.Walk{Served: []observe.Served{
			served("g0", "A", `{"g0.lo": 1}`), served("g0", "B", `{"g0.lo": null}`),
		}}, map[string]string{"g0.lo": "absent"}},
		{"a raise keeps what another stop gave", observe.Walk{Served: []observe.Served{
			served("g0", "A", `{"g0.lo": 1, "g0.size": 2}`), {Subject: "g0", Stop: "B", Error: "g0.star:7: oh"},
		}}, map[string]string{"g0.lo": "0x1", "g0.size": "2"}},
		{"a raise breaks the rest of that stop", observe.Walk{Served: []observe.Served{
			{Subject: "g0", Stop: "A", Error: "g0.star:7: oh"}, served("tls", "B", `{"tls.base": 1}`),
		}}, map[string]string{"g0.lo": "broken: g0.star:7: oh", "g0.size": "broken: g0.star:7: oh", "tls.base": "0x1"}},
		{"a script that cannot be read", observe.Walk{Failed: map[string]string{"g0": "g0.star:1: no table"}, Served: good[2:]},
			map[string]string{"g0.size": "broken: g0.star:1: no table", "g0.gone": "broken: g0.star:1: no table", "tls.base": "0x1000"}},
		{"wrong type", observe.Walk{Served: []observe.Served{served("g0", "A", `{"g0.size": "big", "g0.lo": 1.5}`)}},
			map[string]string{"g0.size": `broken: g0.star: at A: g0.size is "big", but the catalogue says int`, "g0.lo": "broken: g0.star: at A: g0.lo: not a fact's value"}},
		{"not at this stop", observe.Walk{Served: []observe.Served{served("g0", "B", `{"g0.size": 1}`)}},
			map[string]string{"g0.size": "broken: g0.star: at B: returned g0.size, but the catalogue lists it at A only"}},
		{"not in the catalogue", observe.Walk{Served: []observe.Served{served("g0", "A", `{"g0.sise": 1, "g0.lo": 1}`)}},
			map[string]string{
				"g0.lo": "0x1", "g0.sise": "broken: g0.star: at A: returned g0.sise, which is not in the catalogue (scripts/g0.yaml)",
				"g0.size": "broken: g0.star: the function at A did not return g0.size (return None for what is gone from the release); it returned g0.sise,",
			}},
		{"a fact of another subject", observe.Walk{Served: []observe.Served{served("tls", "B", `{"tls.base": 1, "g0.lo": 1}`)}},
			map[string]string{"tls.base": "broken: tls.star: at B: returned g0.lo, a fact of another subject", "g0.lo": "unseen release: A was not passed"}},
		{"no dict", observe.Walk{Served: []observe.Served{served("tls", "B", `[1]`)}},
			map[string]string{"tls.base": `broken: tls.star: at B: the function returned "[1]", not a dict of facts`}},
		{"nothing returned", observe.Walk{Served: []observe.Served{served("tls", "B", `null`)}},
			map[string]string{"tls.base": `broken: tls.star: the function at B did not return tls.base`}},
		{"a range without an end", observe.Walk{Passed: []string{"A .. B"}},
			map[string]string{"tls.steps": "unseen release: the end of A .. B was not reached before the program ended"}},
		{"a range given up", observe.Walk{Passed: []string{"A .. B"}, Interrupted: "no answer within 2s"},
			map[string]string{"tls.steps": "broken: A .. B was not passed: no answer within 2s"}},
		{"the range is another script's", observe.Walk{Passed: []string{"A .. B"}, Served: []observe.Served{served("g0", "A .. B", `{}`)}},
			map[string]string{"tls.steps": "unseen release: no script of this witness reads it (its stops: A .. B)"}},
		{"the stop is another script's", observe.Walk{Passed: []string{"B"}},
			map[string]string{"tls.base": "unseen release: no script of this witness reads it (its stops: B)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			facts, _ := observe.Collect(request(), tt.walk)
			if _, there := facts["other.x"]; there {
				t.Error("other.x: a fact of a subject without a script has an entry")
			}
			for _, name := range []string{"g0.size", "g0.lo", "g0.gone", "g0.half", "g0.late", "g0.image", "tls.base"} {
				s, there := facts[name]
				if !there || (s.Broken == "" && s.Unseen == nil && !s.Value.IsValid()) {
					t.Errorf("%s: no entry", name)
				}
			}
			for name, want := range tt.want {
				got := say(facts[name])
				if got != want && !(len(want) > 20 && strings.HasPrefix(got, want)) {
					t.Errorf("%s:\n got  %s\n want %s", name, got, want)
				}
			}
		})
	}
}

func TestCollectWarns(t *testing.T) {
	t.Parallel()
	_, warnings := observe.Collect(request(), observe.Walk{
		Warnings: []string{"old"},
		Served:   []observe.Served{served("g0", "A", `{"g0.sise": 1}`)},
	})
	if len(warnings) != 2 || warnings[0] != "old" || !strings.Contains(warnings[1], "g0.sise") {
		t.Errorf("warnings %q, want the walk's and one that names g0.sise", warnings)
	}
}
