package near_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab/near"
)

func TestNames(t *testing.T) {
	t.Parallel()
	known := strings.Fields("plain cgo g0-stack-lo g0-stack-hi g0-stack-size order-chain S1 S3 witnesses fact expect")
	for _, c := range []struct{ word, want string }{
		{"plane", "plain"},
		{"fcat", "fact"},
		{"Expect", "expect"},
		{"witness", "witnesses"},
		{"g0-stack", "g0-stack-hi g0-stack-lo g0-stack-size"}, // contained
		{"S7", "S1 S3"},
		{"nothing-of-it", ""},
		{"x", ""},
		{"", ""},
	} {
		if got := near.Names(c.word, known, 3); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%q: %v, want %s", c.word, got, c.want)
		}
	}
	if got := near.Names("g0-stack", known, 2); len(got) != 2 {
		t.Errorf("limit 2: %v", got)
	}
	if got := near.Hint("S7", known); got != `; did you mean "S1" or "S3"?` {
		t.Errorf("hint %q", got)
	}
	if got := near.Hint("nothing-of-it", known); got != "" {
		t.Errorf("hint %q", got)
	}
}
