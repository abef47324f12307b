package judge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
)

var (
	n    = fact.IntOf
	text = fact.TextOf
	list = fact.ListOf
	gone = fact.AbsentValue()
)

func equals(v fact.Value) lab.Predicate { return lab.Predicate{Equals: &v} }

func claim(p lab.Predicate, witnesses ...string) *lab.Claim {
	if witnesses == nil {
		witnesses = []string{"delve", "gdb"}
	}
	return &lab.Claim{ID: "g0-stack-size", Fact: "g0.stack.size", Witnesses: witnesses, Expect: p}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	release := observe.NotSeen(observe.CauseRelease, "inlined")
	machine := observe.NotSeen(observe.CauseMachine, "gdb is not there: install gdb")
	tests := []struct {
		name   string
		claim  *lab.Claim
		seen   map[string]observe.Seen
		want   judge.Outcome
		cause  observe.Cause
		reason string // whole
	}{
		{
			name: "all agree and it is so",
			seen: map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": observe.SeenValue(fact.AddressOf(65536))},
			want: judge.Holds,
		}, {
			name: "all agree and it is otherwise",
			seen: map[string]observe.Seen{"delve": observe.SeenValue(n(65432)), "gdb": observe.SeenValue(n(65432))},
			want: judge.Refuted,
		}, {
			name: "absent is a value and refutes",
			seen: map[string]observe.Seen{"delve": observe.SeenValue(gone), "gdb": observe.SeenValue(gone)},
			want: judge.Refuted,
		}, {
			name:   "disagreement says who saw what",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": observe.SeenValue(n(65432))},
			want:   judge.Broken,
			reason: "the witnesses disagree: delve saw 65536; gdb saw 65432",
		}, {
			name:   "absent against a value is a disagreement",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(gone), "gdb": observe.SeenValue(n(65536))},
			want:   judge.Broken,
			reason: "the witnesses disagree: delve saw absent; gdb saw 65536",
		}, {
			name:   "a text that looks like a number disagrees with it visibly",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(text("65536")), "gdb": observe.SeenValue(n(65536))},
			want:   judge.Broken,
			reason: `the witnesses disagree: delve saw "65536"; gdb saw 65536`,
		}, {
			name: "one saw it, one could not",
			seen: map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": release},
			want: judge.Holds,
		}, {
			name:   "one saw it, one is broken",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": observe.Broke("g0.py:3: no symbol")},
			want:   judge.Broken,
			reason: "gdb: g0.py:3: no symbol",
		}, {
			name:   "one saw a refutation, one is broken",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(1)), "gdb": observe.Broke("g0.py:3: no symbol")},
			want:   judge.Broken,
			reason: "gdb: g0.py:3: no symbol",
		}, {
			name:   "one could not, one is broken",
			seen:   map[string]observe.Seen{"delve": release, "gdb": observe.Broke("no result file")},
			want:   judge.Broken,
			reason: "gdb: no result file",
		}, {
			name:   "a witness is missing",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536))},
			want:   judge.Broken,
			reason: "gdb: gave no answer for g0.stack.size",
		}, {
			name:   "an empty answer",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": {}},
			want:   judge.Broken,
			reason: "gdb: gave an empty answer for g0.stack.size",
		}, {
			name:   "two answers",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536)), "gdb": {Value: n(65536), Unseen: release.Unseen}},
			want:   judge.Broken,
			reason: "gdb: says both that it saw g0.stack.size and that it did not",
		}, {
			name:   "nobody saw it, because of the release",
			seen:   map[string]observe.Seen{"delve": release, "gdb": release},
			want:   judge.Untested,
			cause:  observe.CauseRelease,
			reason: "inlined",
		}, {
			name:   "nobody saw it, one because of the machine",
			seen:   map[string]observe.Seen{"delve": release, "gdb": machine},
			want:   judge.Untested,
			cause:  observe.CauseMachine,
			reason: "delve: inlined; gdb: gdb is not there: install gdb",
		}, {
			name: "witnesses nobody asked do not count",
			seen: map[string]observe.Seen{
				"delve": observe.SeenValue(n(65536)), "gdb": observe.SeenValue(n(65536)),
				"ebpf": observe.SeenValue(n(1)), "static": observe.Broke("no image"),
			},
			want: judge.Holds,
		}, {
			name:   "nobody is asked",
			claim:  claim(equals(n(65536)), []string{}...),
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(n(65536))},
			want:   judge.Broken,
			reason: "the claim names no witness",
		}, {
			name:   "nothing can see it",
			claim:  &lab.Claim{Unobservable: lab.Text{En: "it is about a printed address"}},
			want:   judge.Untested,
			cause:  observe.CauseRelease,
			reason: "it is about a printed address",
		}, {
			name:   "the predicate does not fit",
			seen:   map[string]observe.Seen{"delve": observe.SeenValue(text("x")), "gdb": observe.SeenValue(text("x"))},
			want:   judge.Broken,
			reason: "the predicate does not fit: it wants a number, the witnesses saw a text (x)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := tt.claim
			if c == nil {
				c = claim(equals(n(65536)))
			} else if c.Unobservable.En == "" {
				c.Witnesses = nil
			}
			v := judge.Claim(c, tt.seen)
			if v.Outcome != tt.want || v.Cause != tt.cause || v.Reason != tt.reason {
				t.Errorf("Claim() = %s, cause %q, reason %q\nwant %s, cause %q, reason %q", v.Outcome, v.Cause, v.Reason, tt.want, tt.cause, tt.reason)
			}
			if v.Saw == nil || v.Unseen == nil || v.Broken == nil {
				t.Errorf("Claim() has nil maps: %+v", v)
			}
			for _, w := range c.Witnesses {
				in := 0
				_, saw := v.Saw[w]
				_, unseen := v.Unseen[w]
				_, broken := v.Broken[w]
				for _, b := range []bool{saw, unseen, broken} {
					if b {
						in++
					}
				}
				if in != 1 {
					t.Errorf("witness %s is in %d of saw, unseen, broken; want 1", w, in)
				}
			}
		})
	}
}

func TestPredicates(t *testing.T) {
	t.Parallel()
	calls := list(text("args"), text("osinit"), text("schedinit"))
	tests := []struct {
		says   string // what Describe makes of it
		p      lab.Predicate
		holds  []fact.Value
		refute []fact.Value // the negative controls
		broken []fact.Value // questions that make no sense
	}{{
		says:   "equals 65432",
		p:      equals(n(65432)),
		holds:  []fact.Value{n(65432), fact.AddressOf(65432)},
		refute: []fact.Value{n(65433), n(-65432), gone},
		broken: []fact.Value{text("65432"), fact.BoolOf(true), list(n(65432))},
	}, {
		says:   "equals true",
		p:      equals(fact.BoolOf(true)),
		holds:  []fact.Value{fact.BoolOf(true)},
		refute: []fact.Value{fact.BoolOf(false), gone},
		broken: []fact.Value{text("true"), n(1)},
	}, {
		says:   `equals ""`,
		p:      equals(text("")),
		holds:  []fact.Value{text("")},
		refute: []fact.Value{text("x"), gone},
		broken: []fact.Value{n(0), list()},
	}, {
		says:   `equals [args osinit "go 1"]`,
		p:      equals(list(text("args"), text("osinit"), text("go 1"))),
		holds:  []fact.Value{list(text("args"), text("osinit"), text("go 1"))},
		refute: []fact.Value{list(text("osinit"), text("args"), text("go 1")), list(), gone},
		broken: []fact.Value{text("args")},
	}, {
		says:   "one of 1, 2, absent",
		p:      lab.Predicate{OneOf: []fact.Value{n(1), n(2), gone}},
		holds:  []fact.Value{n(1), n(2), gone},
		refute: []fact.Value{n(3)},
		broken: []fact.Value{text("1")},
	}, {
		says:   "one of 1, 2",
		p:      lab.Predicate{OneOf: []fact.Value{n(1), n(2)}},
		holds:  []fact.Value{n(2)},
		refute: []fact.Value{gone, n(0)},
		broken: []fact.Value{list(n(1))},
	}, {
		says:   "between -1 and 3",
		p:      lab.Predicate{Between: []fact.Value{n(-1), n(3)}},
		holds:  []fact.Value{n(-1), n(0), n(3)},
		refute: []fact.Value{n(-2), n(4), fact.UintOf(1 << 63), gone},
		broken: []fact.Value{text("x"), fact.BoolOf(true), list(n(1))},
	}, {
		says:   `matches "go1\\.2[0-9]|tip"`,
		p:      lab.Predicate{Matches: `go1\.2[0-9]|tip`},
		holds:  []fact.Value{text("go1.26"), text("tip")},
		refute: []fact.Value{text("go1.26.8"), text("xgo1.26"), text("tip\n"), text(""), gone},
		broken: []fact.Value{n(26), list(text("tip"))},
	}, {
		says:   "ordered args, schedinit",
		p:      lab.Predicate{Ordered: []fact.Value{text("args"), text("schedinit")}},
		holds:  []fact.Value{calls, list(text("args"), text("schedinit"))},
		refute: []fact.Value{list(text("schedinit"), text("args")), list(text("args")), list(), gone},
		broken: []fact.Value{text("args"), list(n(1), n(2))},
	}, {
		says:   "ordered args, args",
		p:      lab.Predicate{Ordered: []fact.Value{text("args"), text("args")}},
		holds:  []fact.Value{list(text("args"), text("x"), text("args"))},
		refute: []fact.Value{calls},
	}, {
		says:   "has schedinit, args",
		p:      lab.Predicate{Has: []fact.Value{text("schedinit"), text("args")}},
		holds:  []fact.Value{calls},
		refute: []fact.Value{list(text("args")), list(), gone},
		broken: []fact.Value{text("args"), list(n(1)), n(1)},
	}, {
		says:   "lacks check, hashinit",
		p:      lab.Predicate{Lacks: []fact.Value{text("check"), text("hashinit")}},
		holds:  []fact.Value{calls, list()},
		refute: []fact.Value{list(text("args"), text("check")), list(text("hashinit")), gone},
		broken: []fact.Value{text("args"), list(n(1))},
	}, {
		says:   "absent",
		p:      lab.Predicate{Absent: true},
		holds:  []fact.Value{gone},
		refute: []fact.Value{n(0), text(""), fact.BoolOf(false), list()},
	}, {
		says:   "present",
		p:      lab.Predicate{Present: true},
		holds:  []fact.Value{n(0), text(""), fact.BoolOf(false), list()},
		refute: []fact.Value{gone},
	}, {
		says:   "nothing",
		broken: []fact.Value{n(1), gone},
	}, {
		says:   "equals 1",
		p:      lab.Predicate{Equals: ptr(n(1)), Present: true},
		broken: []fact.Value{n(1)},
	}, {
		says:   "between 3 and 1",
		p:      lab.Predicate{Between: []fact.Value{n(3), n(1)}},
		broken: []fact.Value{n(2), gone},
	}, {
		says:   "between 3",
		p:      lab.Predicate{Between: []fact.Value{n(3)}},
		broken: []fact.Value{n(3)},
	}, {
		says:   `matches "("`,
		p:      lab.Predicate{Matches: "("},
		broken: []fact.Value{text("(")},
	}, {
		says:   "has ",
		p:      lab.Predicate{Has: []fact.Value{}},
		broken: []fact.Value{calls},
	}, {
		says:   "one of ",
		p:      lab.Predicate{OneOf: []fact.Value{}},
		broken: []fact.Value{n(1), gone},
	}}
	for _, tt := range tests {
		t.Run(tt.says, func(t *testing.T) {
			t.Parallel()
			if got := judge.Describe(tt.p); got != tt.says {
				t.Errorf("Describe() = %q, want %q", got, tt.says)
			}
			for want, values := range map[judge.Outcome][]fact.Value{
				judge.Holds: tt.holds, judge.Refuted: tt.refute, judge.Broken: tt.broken,
			} {
				for _, value := range values {
					v := judge.Claim(claim(tt.p), map[string]observe.Seen{
						"delve": observe.SeenValue(value), "gdb": observe.SeenValue(value),
					})
					if v.Outcome != want {
						t.Errorf("%s: %s (reason %q), want %s", judge.Write(value), v.Outcome, v.Reason, want)
					}
					if (v.Reason != "") != (want == judge.Broken) {
						t.Errorf("%s: reason %q of outcome %s", judge.Write(value), v.Reason, want)
					}
				}
			}
		})
	}
}

func ptr(v fact.Value) *fact.Value { return &v }

func TestWriteTellsKindsApart(t *testing.T) {
	t.Parallel()
	values := []fact.Value{
		n(1), text("1"), fact.BoolOf(true), text("true"), list(n(1)), text("[1]"), gone, text(""), list(), text(" "),
		list(text("a"), text("b")), list(text("a b")), text("runtime.(*m).x"), text("\x1b[31m"),
	}
	written := map[string]fact.Value{}
	for _, v := range values {
		w := judge.Write(v)
		if other, ok := written[w]; ok {
			t.Errorf("%#v and %#v are both written %s", other, v, w)
		}
		if strings.ContainsRune(w, 0x1b) {
			t.Errorf("Write() = %q has a raw escape", w)
		}
		written[w] = v
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	saw := func(o judge.Outcome, v fact.Value) judge.Verdict {
		return judge.Verdict{Outcome: o, Saw: map[string]fact.Value{"delve": v}}
	}
	untested := func(c observe.Cause) judge.Verdict { return judge.Verdict{Outcome: judge.Untested, Cause: c} }
	rec := func(o judge.Outcome, v fact.Value) *judge.Recorded {
		return &judge.Recorded{Outcome: o, Value: v, Release: "go1.26.8"}
	}
	tests := []struct {
		name     string
		now      judge.Verdict
		recorded *judge.Recorded
		compare  fact.Comparison
		why      string // "" = no drift
	}{
		{"the same", saw(judge.Holds, n(1)), rec(judge.Holds, n(1)), fact.CompareExact, ""},
		{"nothing recorded", saw(judge.Refuted, n(1)), nil, fact.CompareExact, ""},
		{"another outcome", saw(judge.Refuted, n(2)), rec(judge.Holds, n(1)), fact.CompareExact, "go1.26.8: holds (1), now refuted (2)"},
		{"another value", saw(judge.Refuted, n(2)), rec(judge.Refuted, n(3)), fact.CompareExact, "go1.26.8: 3, now 2"},
		{"another value, nothing said of comparing", saw(judge.Refuted, n(2)), rec(judge.Refuted, n(3)), "", "go1.26.8: 3, now 2"},
		{"gone now", saw(judge.Refuted, gone), rec(judge.Refuted, n(3)), fact.CompareExact, "go1.26.8: 3, now absent"},
		{"another value of the host", saw(judge.Refuted, n(2)), rec(judge.Refuted, n(3)), fact.CompareHost, ""},
		{"another value of the run", saw(judge.Refuted, n(2)), rec(judge.Refuted, n(3)), fact.CompareRun, ""},
		{"another outcome of the run", saw(judge.Holds, n(2)), rec(judge.Refuted, n(3)), fact.CompareRun, "go1.26.8: refuted (3), now holds (2)"},
		{"no longer seen", untested(observe.CauseRelease), rec(judge.Holds, n(3)), fact.CompareExact, "go1.26.8: holds (3), now untested"},
		{"not seen on this machine", untested(observe.CauseMachine), rec(judge.Holds, n(3)), fact.CompareExact, ""},
		{"never seen", untested(observe.CauseRelease), rec(judge.Untested, fact.Value{}), fact.CompareExact, ""},
		{"seen at last", saw(judge.Holds, n(3)), rec(judge.Untested, fact.Value{}), fact.CompareExact, "go1.26.8: untested, now holds (3)"},
		{"broken now", judge.Verdict{Outcome: judge.Broken}, rec(judge.Holds, n(3)), fact.CompareExact, "go1.26.8: holds (3), now broken"},
		{"unnamed release", saw(judge.Holds, n(2)), &judge.Recorded{Outcome: judge.Holds, Value: n(1)}, fact.CompareExact, "the recording: 1, now 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			drift, why := judge.Drift(tt.now, tt.recorded, tt.compare)
			if drift != (tt.why != "") || why != tt.why {
				t.Errorf("Drift() = %v, %q; want %q", drift, why, tt.why)
			}
		})
	}
}

func TestRecordedOf(t *testing.T) {
	t.Parallel()
	v := judge.Claim(claim(equals(n(1))), map[string]observe.Seen{"delve": observe.SeenValue(n(2)), "gdb": observe.SeenValue(n(2))})
	got := *judge.RecordedOf(v, "go1.10")
	want := judge.Recorded{Outcome: judge.Refuted, Value: n(2), Release: "go1.10"}
	if !cmp.Equal(got.Value, want.Value) || got.Outcome != want.Outcome || got.Release != want.Release {
		t.Errorf("RecordedOf() = %+v, want %+v", got, want)
	}
	if drift, why := judge.Drift(v, &got, fact.CompareExact); drift {
		t.Errorf("a verdict drifts from itself: %s", why)
	}
}
