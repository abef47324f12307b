package recording_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/recording"
)

var catalogue = fact.Catalogue{
	"g0.stack.size": {Type: fact.TypeInt, Unit: "bytes", Compare: fact.CompareExact},
	"g0.stack.lo":   {Type: fact.TypeAddress, Compare: fact.CompareRun},
	"g0.cpus":       {Type: fact.TypeInt, Compare: fact.CompareHost},
	"g0.calls":      {Type: fact.TypeList, Compare: fact.CompareExact},
}

// seen gives both debuggers the same answer for each fact.
func seen(facts map[string]fact.Value) map[string]map[string]observe.Seen {
	all := map[string]map[string]observe.Seen{}
	for name, v := range facts {
		all[name] = map[string]observe.Seen{"delve": observe.SeenValue(v), "gdb": observe.SeenValue(v)}
	}
	return all
}

func input() recording.Input {
	both := []string{"delve", "gdb"}
	return recording.Input{
		Lab: &lab.Lab{
			ID: "03-g0",
			Setups: map[string]*lab.Setup{
				"plain": {Name: "plain"}, "fixed": {Name: "fixed", Go: ">=1.26"}, "arm": {Name: "arm", Goarch: "arm64"},
			},
			Claims: []*lab.Claim{
				{ID: "a", Fact: "g0.stack.size", Setup: "plain", Witnesses: both},
				{ID: "a2", Fact: "g0.stack.size", Setup: "plain", Witnesses: []string{"gdb"}},
				{ID: "b", Fact: "g0.calls", Setup: "plain", Witnesses: both},
				{ID: "c", Fact: "g0.stack.lo", Setup: "fixed", Witnesses: both},
				{ID: "d", Fact: "g0.stack.size", Setup: "arm", Witnesses: []string{"static"}},
				{ID: "e", Unobservable: lab.Text{En: "why"}},
			},
		},
		Catalogue: catalogue,
		Release:   "go1.20.14", GOOS: "linux", GOARCH: "amd64",
		Tools: map[string]string{"delve": "delve 1.27.2", "gdb": "gdb 13.1"},
		Setups: map[string]recording.Observed{
			"plain": {Digest: "d1", Facts: seen(map[string]fact.Value{
				"g0.stack.size": fact.IntOf(65432), "g0.calls": fact.ListOf(), "g0.stack.lo": fact.UintOf(4096), "g0.cpus": fact.IntOf(2),
			})},
			"fixed": {Unsupported: "needs go >=1.26"},
		},
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	in := input()
	in.Setups["plain"].Facts["g0.calls"]["delve"] = observe.NotSeen(observe.CauseRelease, "inlined")
	// Not asked by any claim for this one: no word of it.
	in.Setups["plain"].Facts["g0.cpus"]["static"] = observe.NotSeen(observe.CauseMachine, "no image")
	in.Setups["plain"].Facts["g0.unseen"] = map[string]observe.Seen{"gdb": observe.NotSeen(observe.CauseRelease, "no such stop")}
	in.Setups["plain"].Facts["g0.raised"] = map[string]observe.Seen{"gdb": observe.Broke("g0.py:3: x")}
	in.Setups["plain"].Facts["g0.heap"] = map[string]observe.Seen{"gdb": observe.SeenValue(fact.IntOf(1)), "delve": observe.SeenValue(fact.IntOf(2))}
	in.Setups["stray"] = recording.Observed{Digest: "of no claim"}
	r, left, err := recording.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	by := []string{"delve", "gdb"}
	want := &recording.Recording{
		Lab: "03-g0", Release: "go1.20.14", GOOS: "linux", GOARCH: "amd64", Tools: in.Tools,
		Setups: map[string]*recording.Setup{
			"fixed": {Unsupported: "needs go >=1.26"},
			"plain": {Digest: "d1", Facts: map[string]recording.Entry{
				"g0.stack.size": {Value: fact.IntOf(65432), By: by},
				"g0.stack.lo":   {Value: fact.IntOf(4096), By: by},
				"g0.cpus":       {Value: fact.IntOf(2), By: by},
				"g0.calls": {Value: fact.ListOf(), By: []string{"gdb"},
					Unseen: map[string]observe.Unseen{"delve": {Cause: observe.CauseRelease, Reason: "inlined"}}},
			}},
		},
	}
	if diff := cmp.Diff(want, r, cmp.Comparer(fact.Value.Equal)); diff != "" {
		t.Errorf("Make() differs (-want +got)\n%s", diff)
	}
	if got := r.Setups["plain"].Facts["g0.stack.lo"].Value.String(); got != "0x1000" {
		t.Errorf("an address is written %s", got)
	}
	wantLeft := []string{
		"g0.heap in setup plain: the witnesses disagree: delve saw 2; gdb saw 1",
		"g0.raised in setup plain: gdb: g0.py:3: x",
	}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("left out (-want +got)\n%s", diff)
	}
	if _, err := r.Encode(); err != nil {
		t.Error(err)
	}
}

func TestMakeArm(t *testing.T) {
	t.Parallel()
	in := input()
	in.GOARCH = "arm64"
	in.Setups = map[string]recording.Observed{"arm": {Digest: "d2", Facts: map[string]map[string]observe.Seen{
		"g0.stack.size": {"static": observe.SeenValue(fact.IntOf(1))},
	}}}
	r, _, err := recording.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Setups) != 1 || r.Setups["arm"] == nil || path.Base(r.Path()) != "go1.20.14-linux-arm64.json" {
		t.Errorf("Make() = %+v", r)
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	noGdb := observe.NotSeen(observe.CauseMachine, "gdb is not there: install gdb")
	in := input()
	facts := in.Setups["plain"].Facts
	facts["g0.stack.size"]["gdb"] = noGdb
	facts["g0.calls"]["gdb"] = noGdb
	delete(in.Setups, "fixed")
	_, _, err := recording.Make(in)
	if !errors.Is(err, recording.ErrIncomplete) {
		t.Fatalf("Make() = %v, want ErrIncomplete", err)
	}
	for _, part := range []string{
		"setup fixed was not observed",
		"gdb is needed and cannot be had: gdb is not there: install gdb (g0.calls, g0.stack.size)",
	} {
		if strings.Count(err.Error(), part) != 1 {
			t.Errorf("Make() = %v\nwant once: %s", err, part)
		}
	}
	for name, damage := range map[string]struct {
		do   func(recording.Input) recording.Input
		want string
	}{
		"disagreement": {func(in recording.Input) recording.Input {
			in.Setups["plain"].Facts["g0.stack.size"]["gdb"] = observe.SeenValue(fact.IntOf(1))
			return in
		}, "g0.stack.size in setup plain: the witnesses disagree: delve saw 65432; gdb saw 1"},
		"broken": {func(in recording.Input) recording.Input {
			in.Setups["plain"].Facts["g0.calls"]["gdb"] = observe.Broke("g0.py:3: no symbol")
			return in
		}, "g0.calls in setup plain: gdb: g0.py:3: no symbol"},
		"a witness said nothing": {func(in recording.Input) recording.Input {
			delete(in.Setups["plain"].Facts["g0.calls"], "gdb")
			return in
		}, "g0.calls in setup plain: gdb: gave no answer"},
		"a fact nobody reported": {func(in recording.Input) recording.Input {
			delete(in.Setups["plain"].Facts, "g0.calls")
			return in
		}, "g0.calls in setup plain: gave no answer"},
		"development version": {func(in recording.Input) recording.Input {
			in.Release = "devel go1.28-0"
			return in
		}, "release"},
		"no digest": {func(in recording.Input) recording.Input {
			in.Setups["plain"] = recording.Observed{Facts: in.Setups["plain"].Facts}
			return in
		}, "setup plain: no digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := recording.Make(damage.do(input()))
			if !errors.Is(err, recording.ErrIncomplete) || !strings.Contains(err.Error(), damage.want) {
				t.Errorf("Make() = %v\nwant: %s", err, damage.want)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	record := func(change func(recording.Input)) *recording.Recording {
		in := input()
		if change != nil {
			change(in)
		}
		r, _, err := recording.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	set := func(name string, v fact.Value) func(recording.Input) {
		return func(in recording.Input) {
			in.Setups["plain"].Facts[name] = map[string]observe.Seen{"delve": observe.SeenValue(v), "gdb": observe.SeenValue(v)}
		}
	}
	old := record(nil)
	tests := []struct {
		name   string
		change func(recording.Input)
		want   []string
	}{
		{"nothing", nil, nil},
		{"tools", func(in recording.Input) { in.Tools["gdb"] = "gdb 16.1" }, nil},
		{"digest", func(in recording.Input) {
			in.Setups["plain"] = recording.Observed{Digest: "d9", Facts: in.Setups["plain"].Facts}
		}, nil},
		{"value", set("g0.stack.size", fact.IntOf(65536)), []string{"plain g0.stack.size: 65432 bytes (delve, gdb) → 65536 bytes (delve, gdb)"}},
		{"gone", set("g0.stack.size", fact.AbsentValue()), []string{"plain g0.stack.size: 65432 bytes (delve, gdb) → absent (delve, gdb)"}},
		{"value of the run", set("g0.stack.lo", fact.UintOf(8192)), nil},
		{"of the run, left out because two starts differ", func(in recording.Input) {
			in.Setups["plain"].Facts["g0.stack.lo"]["gdb"] = observe.SeenValue(fact.UintOf(12288))
		}, nil},
		{"value of the host", set("g0.cpus", fact.IntOf(64)), nil},
		{"gone of the host", set("g0.cpus", fact.AbsentValue()), []string{"plain g0.cpus: 2 (delve, gdb) → absent (delve, gdb)"}},
		{"new fact", set("g0.zz", fact.BoolOf(true)), []string{"plain g0.zz: not recorded → true (delve, gdb)"}},
		{"no longer seen by one", func(in recording.Input) {
			in.Setups["plain"].Facts["g0.calls"]["delve"] = observe.NotSeen(observe.CauseRelease, "inlined")
		}, []string{"plain g0.calls: [] (delve, gdb) → [] (gdb), not seen by delve: inlined"}},
		{"no longer seen", func(in recording.Input) {
			u := observe.NotSeen(observe.CauseRelease, "inlined")
			in.Setups["plain"].Facts["g0.calls"] = map[string]observe.Seen{"delve": u, "gdb": u}
		}, []string{"plain g0.calls: [] (delve, gdb) → not seen by delve: inlined, not seen by gdb: inlined"}},
		{"can be built", func(in recording.Input) {
			in.Setups["fixed"] = recording.Observed{Digest: "d3", Facts: seen(map[string]fact.Value{"g0.stack.lo": fact.IntOf(1)})}
		}, []string{"fixed: cannot be built → built"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range recording.Compare(old, record(tt.change), catalogue) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Compare() (-want +got)\n%s", diff)
			}
		})
	}
	t.Run("setup gone", func(t *testing.T) {
		t.Parallel()
		r := record(nil)
		delete(r.Setups, "plain")
		got := recording.Compare(old, r, catalogue)
		if len(got) != 1 || got[0].String() != "plain: built → not recorded" {
			t.Errorf("Compare() = %v", got)
		}
	})
}

// The recorded outcome is the judgement over the recording: a run, and the
// same run written and read again, must be judged alike.
func TestRecordingJudgesLikeTheRun(t *testing.T) {
	t.Parallel()
	size, lo := fact.IntOf(65432), fact.TextOf("0x1000")
	predicates := map[string][]lab.Predicate{
		"g0.stack.size": {{Equals: &size}, {Between: []fact.Value{fact.IntOf(0), fact.IntOf(1)}}, {Absent: true}, {Matches: "x"}},
		"g0.stack.lo":   {{Equals: &lo}, {Present: true}},
		"g0.calls":      {{Has: []fact.Value{fact.TextOf("runtime.args")}}, {Lacks: []fact.Value{fact.TextOf("runtime.args")}}},
		"g0.cpus":       {{OneOf: []fact.Value{fact.IntOf(2)}}, {Ordered: []fact.Value{fact.IntOf(2)}}},
	}
	in := input()
	in.Lab.Claims = nil
	in.Setups["plain"].Facts["g0.calls"]["delve"] = observe.NotSeen(observe.CauseRelease, "inlined")
	for name, ps := range predicates {
		for _, p := range ps {
			in.Lab.Claims = append(in.Lab.Claims, &lab.Claim{ID: judge.Describe(p), Fact: name, Setup: "plain", Witnesses: []string{"delve", "gdb"}, Expect: p})
		}
	}
	made, _, err := recording.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := recording.Decode(made.Path(), text)
	if err != nil {
		t.Fatal(err)
	}
	count := map[judge.Outcome]int{}
	for _, c := range in.Lab.Claims {
		live := judge.Claim(c, in.Setups["plain"].Facts[c.Fact])
		recorded, ok := read.Judge(c)
		if !ok {
			t.Fatalf("%s %s is not recorded", c.Fact, c.ID)
		}
		if diff := cmp.Diff(live, recorded, cmp.Comparer(fact.Value.Equal)); diff != "" {
			t.Errorf("%s %s: (-run +recording)\n%s", c.Fact, c.ID, diff)
		}
		if drift, why := judge.Drift(live, judge.RecordedOf(recorded, read.Release), fact.CompareExact); drift {
			t.Errorf("%s %s drifts from its own recording: %s", c.Fact, c.ID, why)
		}
		count[live.Outcome]++
	}
	if count[judge.Holds] == 0 || count[judge.Refuted] == 0 || count[judge.Broken] == 0 {
		t.Errorf("the claims are too much alike to show anything: %v", count)
	}
}
