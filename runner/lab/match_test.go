package lab_test

import (
	"reflect"
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	holds := map[string]string{"a go1.1": "holds", "b go1.1": "refuted", "a go1.2": "holds", "b go1.2": "holds", "a go1.3": "refuted", "b go1.3": "untested", "a go1.4": "holds"}
	outcome := func(claim, release string) (string, bool) {
		o, ok := holds[claim+" "+release]
		return o, ok
	}
	for _, tt := range []struct {
		name     string
		claims   []string
		releases []string
		best     []lab.Match
	}{
		{"all hold on one release", []string{"a", "b"}, []string{"go1.1", "go1.2", "go1.3"}, []lab.Match{{Release: "go1.2", Holds: 2}}},
		{"none has all", []string{"a", "b"}, []string{"go1.1", "go1.3"}, []lab.Match{{Release: "go1.1", Holds: 1, Refuted: []string{"b"}}}},
		{"several", []string{"a"}, []string{"go1.1", "go1.2", "go1.3"}, []lab.Match{{Release: "go1.1", Holds: 1}, {Release: "go1.2", Holds: 1}}},
		{"none holds anywhere", []string{"a", "b"}, []string{"go1.3"}, []lab.Match{}},
		{"a release that is not recorded for all is no match", []string{"a", "b"}, []string{"go1.4"}, []lab.Match{}},
		{"no claims", nil, []string{"go1.1"}, []lab.Match{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := lab.Best(lab.Matches(tt.claims, tt.releases, outcome))
			if len(got) == 0 && len(tt.best) == 0 {
				return
			}
			if !reflect.DeepEqual(got, tt.best) {
				t.Errorf("best of %v on %v: %+v, want %+v", tt.claims, tt.releases, got, tt.best)
			}
		})
	}
}
