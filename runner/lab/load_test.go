package lab_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/lab"
)

// The project's own data must load without a single error.
func TestLoadOwnData(t *testing.T) {
	t.Parallel()
	d, err := lab.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Check(d); err != nil {
		t.Error(err)
	}
	ids := map[string]bool{}
	for _, g := range d.Known {
		for _, id := range g.Claims {
			if ids[id] {
				t.Errorf("claim %q stands twice in the catalogue", id)
			}
			ids[id] = true
		}
	}
	if len(ids) != 275 || len(d.Releases) != 18 || len(d.Posts) != 5 {
		t.Errorf("claims %d, releases %d, posts %d; want 275, 18, 5", len(ids), len(d.Releases), len(d.Posts))
	}
}

const good = `schema: 1
title: {en: "g0", zh: "g0"}
setups:
  plain: {fixture: hello}
claims:
  - id: g0-stack-lo
    says: {en: "a", zh: "b"}
    posts: [{post: S1, at: rt0_go}]
    fact: g0.stack.size
    expect: {equals: 0xff98}
    changes: [{since: "go1.21", why: {en: "a", zh: "b"}}]
mutants:
  - id: g0-half
    says: {en: "a", zh: "b"}
    edits: [{go: ">=1.21", file: runtime/asm_amd64.s, old: "a", new: "b"}]
    refutes: [g0-stack-lo]
`

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	d, err := lab.Load(fstest.MapFS{"labs/03-g0/lab.yaml": {Data: []byte(good)}})
	if err != nil {
		t.Fatal(err)
	}
	c := d.Labs[0].Claims[0]
	if c.Setup != "plain" || len(c.Witnesses) != 2 || d.SetupOf(c).Gcflags != nil || d.SetupOf(c).CompilerFlags() != "-N -l" {
		t.Errorf("defaults: %+v", c)
	}
	if got := c.Expect.Equals.String(); got != "0xff98" {
		t.Errorf("equals = %s", got)
	}
	if c.Line != 6 || c.Lines.Of("fact") != 9 {
		t.Errorf("lines: %d, %v", c.Line, c.Lines)
	}
}
