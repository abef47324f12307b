package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/replay"
)

func TestInOrderOfClaims(t *testing.T) {
	t.Parallel()
	l := &lab.Lab{Claims: []*lab.Claim{{Fact: "z"}, {Fact: "b"}, {Fact: "y"}, {Fact: "z"}, {Fact: "a"}}}
	fact := func(name, setup, stop string, at int) replay.Fact {
		return replay.Fact{Name: name, Setup: setup, Stop: stop, At: at}
	}
	for _, tt := range []struct {
		name  string
		facts []replay.Fact
		want  string
	}{
		{"as they are claimed", []replay.Fact{fact("a", "s", "1", -1), fact("b", "s", "2", -1), fact("z", "s", "3", -1)}, "z b a"},
		{"one stop together", []replay.Fact{fact("a", "s", "1", -1), fact("b", "s", "2", -1), fact("z", "s", "1", -1)}, "z a b"},
		{"one setup together", []replay.Fact{fact("a", "s", "1", -1), fact("b", "r", "1", -1), fact("z", "s", "2", -1)}, "z a b"},
		{"what is not claimed comes last", []replay.Fact{fact("0", "r", "1", -1), fact("c", "s", "0", -1), fact("y", "s", "1", -1)}, "y c 0"},
		{"a trace knows better", []replay.Fact{fact("z", "s", "1", 7), fact("a", "s", "2", 5), fact("b", "s", "3", -1)}, "b a z"},
		{"none", nil, ""},
	} {
		for range 2 {
			inOrderOfClaims(tt.facts, l)
			var names []string
			for _, f := range tt.facts {
				names = append(names, f.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
			slices.Reverse(tt.facts)
		}
	}
}
