package lab

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/form"
	"github.com/rt0lab/rt0lab/runner/lab/near"
)

func text(t form.Text) Text { return Text{En: t.En, Zh: t.Zh} }

// lab reads one lab.yaml and turns its form into what the program works with.
func (l *loader) lab(file string) {
	var f form.Lab
	if !l.read(file, &f) {
		return
	}
	id := path.Base(path.Dir(file))
	if !labFolder.MatchString(id) {
		l.fail(RuleName, file, 0, "a lab's folder is called NN-slug, like 03-g0")
		return
	}
	number, _ := strconv.Atoi(id[:2]) // two digits, see labFolder
	lab := &Lab{ID: id, Number: number, Title: text(f.Title), File: file, Setups: map[string]*Setup{}}
	for _, name := range slices.Sorted(maps.Keys(f.Setups)) {
		lab.Setups[name] = l.setup(file, name, f.Setups[name])
	}
	l.beside(file, f.Setups, lab.Setups)
	lab.Trace = l.trace(file, f.Trace, lab.Setups)
	for _, c := range f.Claims {
		lab.Claims = append(lab.Claims, l.claim(file, c))
	}
	for _, m := range f.Mutants {
		lab.Mutants = append(lab.Mutants, l.mutant(file, m))
	}
	l.exercises(lab)
	l.data.Labs = append(l.data.Labs, lab)
}

// inside reports a path that leaves the folder it is meant to stay in.
func (l *loader) inside(file string, line int, what, p string) {
	if p != "" && (!fs.ValidPath(p) || p == "." || strings.Contains(p, `\`)) {
		l.fail(RulePath, file, line, "%s %q: want a path below its folder, without .. and without a leading /", what, p)
	}
}

// maxRuns keeps a slip of the keyboard from costing minutes.
const maxRuns = 50

func (l *loader) setup(file, name string, f form.Setup) *Setup {
	line := f.Lines.Of("")
	if !plainName.MatchString(name) {
		l.fail(RuleName, file, line, "setup %q: a name is lower-case letters and digits, with - or _ between", name)
	}
	l.inside(file, f.Lines.Of("fixture"), "fixture", f.Fixture)
	l.subject(file, name, f)
	l.inside(file, f.Lines.Of("host"), "host", f.Host)
	if f.Buildmode == "c-archive" && (f.Host == "" || !f.Cgo) || f.Host != "" && f.Buildmode != "c-archive" {
		l.fail(RuleSetup, file, line, "setup %q: an archive becomes a program by a host in C: buildmode c-archive, host and cgo: true go together", name)
	}
	if f.Race && !f.Cgo {
		l.fail(RuleSetup, file, f.Lines.Of("race"), "setup %q: race needs cgo: true", name)
	}
	if f.Linkmode == "external" && !f.Cgo {
		l.fail(RuleSetup, file, f.Lines.Of("linkmode"), "setup %q: linkmode external needs cgo: true", name)
	}
	if _, said := f.Lines["runs"]; said && (f.Runs < 2 || f.Runs > maxRuns) {
		l.fail(RuleSetup, file, f.Lines.Of("runs"), "setup %q: runs is %d; want 2 to %d, or leave it out for one", name, f.Runs, maxRuns)
	}
	return &Setup{
		Name: name, Fixture: f.Fixture, Tool: f.Tool, Making: f.Making, Gopath: f.Gopath, Gcflags: f.Gcflags, Ldflags: f.Ldflags, Tags: f.Tags, Cgo: f.Cgo,
		Linkmode: f.Linkmode, Buildmode: f.Buildmode, Host: f.Host, Race: f.Race, Goexperiment: f.Goexperiment,
		Goos: f.Goos, Goarch: f.Goarch, Goamd64: f.Goamd64, Args: f.Args, Env: f.Env, Runs: f.Runs, Go: string(f.Go),
		File: file, Line: line, Lines: f.Lines,
	}
}

// trace reads what of a lab is traced: a program that runs on linux/amd64 and is started once.
func (l *loader) trace(file string, f *form.Trace, setups map[string]*Setup) *Trace {
	if f == nil {
		return nil
	}
	if f.To == "" || strings.ContainsAny(f.To, " \t:#") {
		l.fail(RuleName, file, f.Lines.Of("to"), "trace: to %q: want the name of a function", f.To)
	}
	s := setups[f.Setup]
	if s == nil {
		l.fail(RuleReference, file, f.Lines.Of("setup"), "trace: there is no setup %q in this lab%s", f.Setup, near.Hint(f.Setup, slices.Sorted(maps.Keys(setups))))
		return nil
	}
	if goos, goarch := s.System(); goos != "linux" || goarch != "amd64" || s.Fixture == "" || s.Making || s.Buildmode != "" || s.Cgo {
		l.fail(RuleSetup, file, f.Lines.Of("setup"), "trace: setup %q is no plain program for linux/amd64, which alone can be traced", f.Setup)
	}
	return &Trace{Setup: f.Setup, To: f.To, File: file, Line: f.Lines.Of("")}
}

// beside finds the setups that others are compared with, or open.
func (l *loader) beside(file string, forms map[string]form.Setup, setups map[string]*Setup) {
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		f := forms[name]
		if f.Beside == "" {
			if slices.Contains(f.Args, BesideArg) {
				l.fail(RuleSetup, file, f.Lines.Of("args"), "setup %q: %s stands for another setup, and there is no key \"beside\" that says which", name, BesideArg)
			}
			continue
		}
		other := setups[f.Beside]
		switch {
		case other == nil:
			l.fail(RuleReference, file, f.Lines.Of("beside"), "setup %q: there is no setup %q in this lab%s", name, f.Beside, near.Hint(f.Beside, slices.Sorted(maps.Keys(setups))))
		case forms[f.Beside].Beside != "" || f.Making || forms[f.Beside].Making:
			l.fail(RuleSetup, file, f.Lines.Of("beside"), "setup %q: two programs are compared, not a making, and not what is compared itself", name)
		default:
			setups[name].Beside = other
		}
	}
}

// subject holds that a setup says what is looked at, once.
func (l *loader) subject(file, name string, f form.Setup) {
	switch {
	case f.Fixture == "" && f.Tool == "":
		l.fail(RuleSetup, file, f.Lines.Of(""), "setup %q: missing key \"fixture\" (or name a tool of the release)", name)
	case f.Fixture != "" && f.Tool != "":
		l.fail(RuleSetup, file, f.Lines.Of("tool"), "setup %q: a tool is looked at instead of a fixture, not beside it", name)
	}
	if f.Tool == "" {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(f.Lines)) {
		if key != "" && key != "tool" && key != "fixture" && key != "go" {
			l.fail(RuleSetup, file, f.Lines.Of(key), "setup %q: a tool comes with the release, nothing is built or run: leave out %s", name, key)
		}
	}
}

func (l *loader) claim(file string, f form.Claim) *Claim {
	c := &Claim{
		ID: f.ID, Says: text(f.Says), Fact: f.Fact, Setup: f.Setup, Witnesses: f.Witnesses,
		Unobservable: text(f.Unobservable), NoMutant: text(f.NoMutant),
		File: file, Line: f.Lines.Of(""), Lines: f.Lines,
	}
	if c.ID != "" && !claimID.MatchString(c.ID) {
		l.fail(RuleName, file, c.Lines.Of("id"), "claim %q: an id is lower-case words joined by -, and perhaps /part", c.ID)
	}
	if c.Setup == "" {
		c.Setup = DefaultSetup
	}
	if len(c.Witnesses) == 0 {
		c.Witnesses = []string{"delve", "gdb"}
	}
	for i, w := range c.Witnesses {
		if slices.Contains(c.Witnesses[:i], w) {
			l.fail(RuleUnique, file, c.Lines.Of("witnesses"), "claim %q: witness %q stands here twice", c.ID, w)
		}
	}
	for _, p := range f.Posts {
		c.Posts = append(c.Posts, Source{Post: p.Post, At: p.At, Line: p.Lines.Of("")})
	}
	for _, ch := range f.Changes {
		c.Changes = append(c.Changes, Change{Since: string(ch.Since), Why: text(ch.Why), Line: ch.Lines.Of("since")})
	}
	if f.Expect != nil {
		c.Expect = l.predicate(file, c.ID, f.Expect)
	}
	_, unobservable := c.Lines["unobservable"]
	_, hasFact := c.Lines["fact"]
	_, hasExpect := c.Lines["expect"]
	switch {
	case unobservable && (hasFact || hasExpect):
		l.fail(RuleUnobservable, file, c.Lines.Of("unobservable"), "claim %q: unobservable stands instead of fact and expect, not beside them", c.ID)
	case !unobservable && !hasFact:
		l.fail(RuleUnobservable, file, c.Line, "claim %q: missing key \"fact\" (or say why it is unobservable)", c.ID)
	case !unobservable && !hasExpect:
		l.fail(RuleUnobservable, file, c.Line, "claim %q: missing key \"expect\"", c.ID)
	}
	return c
}

func (l *loader) predicate(file, id string, f *form.Expect) Predicate {
	line := f.Lines.Of("")
	var keys []string
	for key := range f.Lines {
		if key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	switch {
	case len(keys) == 0:
		l.fail(RulePredicate, file, line, "claim %q: expect is empty; say exactly one thing of the fact", id)
	case len(keys) > 1:
		l.fail(RulePredicate, file, line, "claim %q: expect says %s; want exactly one, make parts (id/part) of the claim for the others", id, strings.Join(keys, " and "))
	}
	p := Predicate{OneOf: values(f.OneOf), Between: values(f.Between), Ordered: values(f.Ordered),
		Has: values(f.Has), Lacks: values(f.Lacks), Absent: f.Absent, Present: f.Present}
	if f.Equals != nil {
		if f.Equals.IsAbsent() {
			l.fail(RulePredicate, file, f.Lines.Of("equals"), "claim %q: write absent: true for what is gone", id)
		}
		p.Equals = &f.Equals.Value
	}
	if f.Matches != nil {
		p.Matches = *f.Matches
		if p.Matches == "" {
			l.fail(RulePredicate, file, f.Lines.Of("matches"), "claim %q: matches is empty; write equals: \"\" for the empty text", id)
		}
	}
	for key, list := range map[string][]fact.Value{"one_of": p.OneOf, "ordered": p.Ordered, "has": p.Has, "lacks": p.Lacks} {
		if _, said := f.Lines[key]; said && len(list) == 0 {
			l.fail(RulePredicate, file, f.Lines.Of(key), "claim %q: %s has no values", id, key)
		}
	}
	if _, said := f.Lines["between"]; said {
		if !isRange(p.Between) {
			l.fail(RulePredicate, file, f.Lines.Of("between"), "claim %q: between wants two integers, the lower one first", id)
		}
	}
	return p
}

func isRange(vs []fact.Value) bool {
	if len(vs) != 2 {
		return false
	}
	order, ok := vs[0].Compare(vs[1])
	return ok && order <= 0
}

func values(list []form.Value) []fact.Value {
	var vs []fact.Value
	for _, v := range list {
		vs = append(vs, v.Value)
	}
	return vs
}

func (l *loader) mutant(file string, f form.Mutant) *Mutant {
	m := &Mutant{ID: f.ID, Says: text(f.Says), Refutes: f.Refutes, LetsHold: f.LetsHold, Dies: f.Dies, Hangs: f.Hangs, File: file, Line: f.Lines.Of(""), Lines: f.Lines}
	if m.ID != "" && !plainName.MatchString(m.ID) {
		l.fail(RuleName, file, m.Lines.Of("id"), "mutant %q: an id is lower-case words joined by -", m.ID)
	}
	for key, n := range map[string]int{"edits": len(f.Edits), "refutes": len(f.Refutes)} {
		if _, said := m.Lines[key]; said && n == 0 {
			l.fail(RuleShape, file, m.Lines.Of(key), "mutant %q: %s is empty", m.ID, key)
		}
	}
	for _, e := range f.Edits {
		l.inside(file, e.Lines.Of("file"), "file of an edit", e.File)
		m.Edits = append(m.Edits, Edit{Go: string(e.Go), File: e.File, Old: e.Old, New: e.New, Line: e.Lines.Of("")})
	}
	return m
}
