package lint_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lint"
)

const mine = `schema: 1
title: mine
claims:
  - id: my-claim
    says: g0's stack is there
    fact: g0.size
    expect: {present: true}
`

// A folder of one's own adds claims in one language and without a lesson, about facts and
// in setups of the project; what it gets wrong is found, what the project gets wrong is not its matter.
func TestWith(t *testing.T) {
	t.Parallel()
	data, _ := read(t, good)
	delete(data, "history")
	lessBase, err := lab.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	lessBase.Labs[0].Claims[1].Fact = "g0.gone"
	for name, c := range map[string]struct{ old, new, want string }{
		"good":         {"", "", ""},
		"unknown fact": {"g0.size", "g0.siez", `labs/50-mine/lab.yaml:6: claim "my-claim": fact "g0.siez" is not in scripts/g0.yaml; did you mean "g0.size"? (reference)`},
		"no English":   {"title: mine", `title: ""`, `labs/50-mine/lab.yaml: the lab's title: no English text (en) (text)`},
		"same claim":   {"my-claim", "g0-hidden", `labs/50-mine/lab.yaml:4: claim "g0-hidden" stands in labs/03-g0/lab.yaml:18 already (unique)`},
		"type":         {"present: true", "equals: true", `labs/50-mine/lab.yaml:7: claim "my-claim": equals has the truth value true, but fact g0.size is of type int (type)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := fstest.MapFS{"labs/50-mine/lab.yaml": {Data: []byte(strings.Replace(mine, c.old, c.new, 1))}}
			var got []string
			for _, f := range lint.Lint(fs.FS(folder), lint.Options{Base: lessBase}) {
				got = append(got, fmt.Sprint(f))
			}
			if s := strings.Join(got, "\n"); s != c.want {
				t.Errorf("found %s\nwant %s", s, c.want)
			}
		})
	}
}
