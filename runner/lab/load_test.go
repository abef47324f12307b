package lab_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/fact"
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
			ids[id] = true
		}
	}
	if len(ids) != 281 || len(d.Releases) != 18 || len(d.Posts) != 5 {
		t.Errorf("claims %d, releases %d, posts %d; want 281, 18, 5", len(ids), len(d.Releases), len(d.Posts))
	}
}

const g0 = `schema: 1
title: {en: "g0", zh: "g0"}
setups:
  plain: {fixture: hello}
claims:
  - id: g0-stack-lo/size
    says: {en: "a", zh: "b"}
    posts: [{post: S1, at: rt0_go}]
    fact: g0.stack.size
    expect: {equals: 0xff98}
    changes: [{since: "go1.21", why: a plain text}]
  - id: g0-guards
    says: {en: "a", zh: "b"}
    fact: g0.stack.size
    expect: {one_of: [-1, 18446744073709551615, true, [a, 0x10], "absent", "1.20"]}
mutants:
  - id: g0-half
    says: {en: "a", zh: "b"}
    edits: [{go: ">=1.21", file: runtime/asm_amd64.s, old: "a", new: ""}]
    refutes: [g0-stack-lo/size]
`

const g0Facts = `schema: 1
subject: g0
facts:
  g0.stack.size: {type: int, at: runtime.schedinit, en: a, zh: b}
`

const posts = `schema: 1
posts:
  S1: {title: a, release: "go1.16", system: linux/amd64}
`

func folder(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func load(t *testing.T, files ...string) *lab.Data {
	t.Helper()
	d, err := lab.Load(folder(files...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoad(t *testing.T) {
	t.Parallel()
	d := load(t, "labs/03-g0/lab.yaml", g0, "scripts/g0.yaml", g0Facts)
	if err := lab.Check(d); err != nil {
		t.Fatal(err)
	}
	c := d.Labs[0].Claims[0]
	if c.Setup != "plain" || !slices.Equal(c.Witnesses, []string{"delve", "gdb"}) {
		t.Errorf("defaults of a claim: setup %q, witnesses %v", c.Setup, c.Witnesses)
	}
	if s := d.SetupOf(c); s.Gcflags != nil || s.CompilerFlags() != "-N -l" {
		t.Errorf("gcflags %v, %q", s.Gcflags, s.CompilerFlags())
	}
	if got := c.Expect.Equals.String(); got != "0xff98" {
		t.Errorf("equals %s, want 0xff98", got)
	}
	if c.Line != 6 || c.Lines.Of("fact") != 9 || c.Lines.Of("setup") != 6 || c.Changes[0].Line != 11 {
		t.Errorf("lines: %d, %v, %d", c.Line, c.Lines, c.Changes[0].Line)
	}
	if c.Changes[0].Why != (lab.Text{En: "a plain text"}) {
		t.Errorf("a plain text is English: %+v", c.Changes[0].Why)
	}
	want := []fact.Value{
		fact.IntOf(-1), fact.UintOf(1<<64 - 1), fact.BoolOf(true),
		fact.ListOf(fact.TextOf("a"), fact.AddressOf(16)), fact.AbsentValue(), fact.TextOf("1.20"),
	}
	if got := d.Labs[0].Claims[1].Expect.OneOf; !slices.EqualFunc(got, want, fact.Value.Equal) {
		t.Errorf("one_of %v, want %v", got, want)
	}
	spec := d.Catalogue["g0.stack.size"]
	if spec.Compare != fact.CompareExact || !slices.Equal(spec.At, []string{"runtime.schedinit"}) || spec.Line != 4 {
		t.Errorf("fact: %+v", spec)
	}
}

// Everything wrong is reported at once, with file and line, in their order.
func TestLoadCollects(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(strings.Replace(g0, "fact:", "fcat:", 1), `"go1.21"`, "1.20", 1)
	d, err := lab.Load(folder("labs/03-g0/lab.yaml", bad, "labs/04-cpu/lab.yaml", "schema: [", "scripts/g0.yaml", "schema: 1\nsubject: g0\n"))
	var got []string
	for _, e := range lab.DataErrors(err) {
		got = append(got, e.Error())
	}
	want := []string{
		`labs/03-g0/lab.yaml:6: claim "g0-stack-lo/size": missing key "fact" (or say why it is unobservable)`,
		`labs/03-g0/lab.yaml:9: unknown key "fcat" in an entry of "claims"; did you mean "fact"? (accepted: id, says, posts, fact, setup, witnesses, expect, changes, unobservable, no_mutant)`,
		`labs/03-g0/lab.yaml:11: "since": want a release without its patch, like "go1.21" in quotes, saw 1.20 without`,
		`labs/04-cpu/lab.yaml:1: not YAML: sequence end token ']' not found`,
		`scripts/g0.yaml:1: missing key "facts" in the file`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d == nil || len(d.Labs) == 0 || d.Labs[0].Title.En != "g0" {
		t.Error("what can be read is returned beside the error")
	}
}

func TestLoadNothing(t *testing.T) {
	t.Parallel()
	if _, err := lab.Load(fstest.MapFS{}); err == nil {
		t.Error("an empty folder is no data folder")
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const mine = `schema: 1
title: mine
claims:
  - {id: my-claim, says: mine, fact: g0.stack.size, expect: {present: true}}
`
	base := load(t, "labs/03-g0/lab.yaml", g0, "scripts/g0.yaml", g0Facts, "labs/posts.yaml", posts)
	extra := load(t, "labs/50-mine/lab.yaml", mine)
	d, err := lab.Merge(base, extra)
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Check(d); err != nil {
		t.Error(err)
	}
	claims, err := lab.Select(d, []string{"my-claim"}, "")
	if err != nil || len(claims) != 1 || d.SetupOf(claims[0]) == nil {
		t.Errorf("the setup of base serves: %v, %v", claims, err)
	}
	if len(base.Labs) != 1 || len(extra.Labs[0].Setups) != 0 {
		t.Error("neither folder may be changed")
	}
	if err := lab.Check(extra); err == nil {
		t.Error("by itself the folder has no setup")
	}

	same := load(t, "labs/03-g0/lab.yaml", g0, "scripts/g0.yaml", g0Facts, "labs/posts.yaml", posts)
	_, err = lab.Merge(base, same)
	var got []string
	for _, e := range lab.DataErrors(err) {
		got = append(got, e.Error())
	}
	want := []string{
		`labs/03-g0/lab.yaml: the number 03 is that of 03-g0 already`,
		`labs/03-g0/lab.yaml:6: claim "g0-stack-lo/size" stands in labs/03-g0/lab.yaml:6 already`,
		`labs/03-g0/lab.yaml:12: claim "g0-guards" stands in labs/03-g0/lab.yaml:12 already`,
		`labs/03-g0/lab.yaml:17: mutant "g0-half" stands in labs/03-g0/lab.yaml:17 already`,
		`labs/posts.yaml:3: post "S1" is there already; take another id`,
		`scripts/g0.yaml: subject "g0" is that of scripts/g0.yaml already; a folder of one's own needs another name`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
