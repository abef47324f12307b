package recording_test

import (
	"slices"
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
)

// of returns a recording of one release with one fact, seen by both debuggers.
func of(release string, v fact.Value) *recording.Recording {
	return &recording.Recording{
		Lab: "03-g0", Release: release, GOOS: "linux", GOARCH: "amd64",
		Setups: map[string]*recording.Setup{"plain": {Digest: "d", Facts: map[string]recording.Entry{
			"g0.stack.size": {Value: v, By: []string{"delve", "gdb"}},
		}}},
	}
}

func TestCompareReleases(t *testing.T) {
	t.Parallel()
	want := []string{
		"go1.10", "go1.10.4", "go1.20", "go1.20.14", "go1.21rc1", "go1.21.0", "go1.26.8",
		"go1.27.4 X:nodwarf5", "go1.100.0", "devel go1.28-0a1b", "devel go1.28-ffff",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, recording.CompareReleases)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %q\n  want: %q", got, want)
	}
	for release, minor := range map[string]string{
		"go1.10": "go1.10", "go1.26.8": "go1.26", "go1.21rc1": "go1.21", "go1.26.8 X:a": "go1.26", "devel go1.28-0a1b": "devel go1.28-0a1b",
	} {
		if got := recording.Minor(release); got != minor {
			t.Errorf("Minor(%q) = %q, want %q", release, got, minor)
		}
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	book := &recording.Book{Lab: "03-g0"}
	for _, r := range []string{"go1.12.17", "go1.20", "go1.20.14", "go1.26.2", "go1.26.8"} {
		book.Recordings = append(book.Recordings, of(r, fact.IntOf(1)))
	}
	arm := of("go1.27.4", fact.IntOf(1))
	arm.GOARCH = "arm64"
	book.Recordings = append(book.Recordings, arm)
	tests := []struct {
		release, arch string
		want          string // "" = none
		exact         bool
	}{
		{"go1.26.8", "amd64", "go1.26.8", true},
		{"go1.26.8 X:rangefunc", "amd64", "go1.26.8", true},
		{"go1.12.17", "amd64", "go1.12.17", true},
		{"go1.26.9", "amd64", "go1.26.8", false},       // the patch of tomorrow
		{"go1.26.4", "amd64", "go1.26.2", false},       // nearest below
		{"go1.26.7", "amd64", "go1.26.8", false},       // nearest above
		{"go1.26.5", "amd64", "go1.26.2", false},       // equally far: the older
		{"go1.26.0", "amd64", "go1.26.2", false},       // its minor, though newer
		{"go1.26rc1", "amd64", "go1.26.2", false},      // a candidate of the minor
		{"go1.20.1", "amd64", "go1.20", false},         // go1.20 is patch 0
		{"go1.27.0", "amd64", "go1.26.8", false},       // the release of tomorrow
		{"go1.27rc1", "amd64", "go1.26.8", false},      //
		{"go1.19.13", "amd64", "go1.12.17", false},     // newest older
		{"go1.11.13", "amd64", "", false},              // nothing older
		{"devel go1.28-0", "amd64", "go1.26.8", false}, // newer than all
		{"go1.27.4", "arm64", "go1.27.4", true},
		{"go1.26.8", "arm64", "", false},
		{"go1.26.8", "riscv64", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.release+" "+tt.arch, func(t *testing.T) {
			t.Parallel()
			r, exact := book.At(tt.release, "linux", tt.arch)
			got := ""
			if r != nil {
				got = r.Release
			}
			if got != tt.want || exact != tt.exact {
				t.Errorf("At() = %q, %v; want %q, %v", got, exact, tt.want, tt.exact)
			}
		})
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	book := &recording.Book{Lab: "03-g0", Recordings: []*recording.Recording{of("go1.26.8", fact.IntOf(65536))}}
	old := fact.IntOf(65432)
	c := &lab.Claim{Fact: "g0.stack.size", Setup: "plain", Witnesses: []string{"delve", "gdb"}, Expect: lab.Predicate{Equals: &old}}
	got := book.Recorded(c, "go1.27.0", "linux", "amd64")
	if got == nil || got.Outcome != judge.Refuted || got.Release != "go1.26.8" || !got.Value.Equal(fact.IntOf(65536)) {
		t.Errorf("Recorded() = %+v", got)
	}
	if got := book.Recorded(c, "go1.25.0", "linux", "amd64"); got != nil {
		t.Errorf("Recorded() of an older release = %+v, want nil", got)
	}
	c.Fact = "g0.new"
	if got := book.Recorded(c, "go1.26.8", "linux", "amd64"); got != nil {
		t.Errorf("Recorded() of a new fact = %+v, want nil", got)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	small, big := fact.IntOf(65432), fact.IntOf(65536)
	book := &recording.Book{Lab: "03-g0", Recordings: []*recording.Recording{
		of("go1.10", small), of("go1.20.14", small), of("go1.21.13", big), of("go1.26.8", big),
	}}
	// Recorded before anybody claimed anything of the fact.
	book.Recordings[0].Setups["plain"].Facts = map[string]recording.Entry{}
	data := &lab.Data{Labs: []*lab.Lab{{
		ID:     "03-g0",
		Setups: map[string]*lab.Setup{"plain": {Name: "plain"}},
		Claims: []*lab.Claim{{
			ID: "g0-stack-lo", Fact: "g0.stack.size", Setup: "plain", Witnesses: []string{"delve", "gdb"}, Expect: lab.Predicate{Equals: &small},
		}},
	}, {
		ID: "04-x", Claims: []*lab.Claim{{ID: "x"}},
	}}}
	h := recording.NewHistory(data, map[string]*recording.Book{"03-g0": book})
	for _, tt := range []struct {
		claim, release string
		outcome        string
		value          fact.Value
		ok             bool
	}{
		{"g0-stack-lo", "go1.10", "", fact.Value{}, false},
		{"g0-stack-lo", "go1.20.14", "holds", small, true},
		{"g0-stack-lo", "go1.21.13", "refuted", big, true},
		{"g0-stack-lo", "go1.22.12", "", fact.Value{}, false}, // not that very release
		{"x", "go1.20.14", "", fact.Value{}, false},
		{"nobody", "go1.20.14", "", fact.Value{}, false},
	} {
		outcome, value, ok := h.Outcome(tt.claim, tt.release)
		if outcome != tt.outcome || !value.Equal(tt.value) || ok != tt.ok {
			t.Errorf("Outcome(%s, %s) = %s, %v, %v; want %s, %v, %v", tt.claim, tt.release, outcome, value, ok, tt.outcome, tt.value, tt.ok)
		}
	}
	for _, tt := range []struct {
		release string
		outcome judge.Outcome
		since   string
		always  bool
	}{
		{"go1.26.8", judge.Refuted, "go1.21.13", false},
		{"go1.27.0", judge.Refuted, "go1.21.13", false},
		{"go1.26.8", judge.Holds, "", false},
		{"go1.21.13", judge.Refuted, "go1.21.13", false},
		{"go1.20.14", judge.Holds, "go1.20.14", true},
		{"go1.9", judge.Holds, "", false},
	} {
		since, always := h.Since("g0-stack-lo", tt.release, tt.outcome)
		if since != tt.since || always != tt.always {
			t.Errorf("Since(%s, %s) = %q, %v; want %q, %v", tt.release, tt.outcome, since, always, tt.since, tt.always)
		}
	}
}
