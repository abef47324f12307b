// Package lint holds a data folder against every rule there is: what the
// loader knows, what needs a look at several files at once (scripts, fixtures,
// the list of claims), and what needs the recordings. It reads an fs.FS and
// starts no process.
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// Finding is one place where the data breaks a rule.
type Finding struct {
	File string
	Line int    // 0 when the file itself is the matter
	Rule string // an ID of Rules
	Msg  string
}

// String returns "file:line: message (rule)".
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s (%s)", f.File, f.Msg, f.Rule)
	}
	return fmt.Sprintf("%s:%d: %s (%s)", f.File, f.Line, f.Msg, f.Rule)
}

// History is what the recordings say of a claim on exactly that release:
// its outcome, and the value of its fact (invalid when nobody saw it). ok is
// false when the release is not recorded.
type History interface {
	Outcome(claim, release string) (outcome string, value fact.Value, ok bool)
	// Unrecorded are the witnesses that the recording of exactly that release has no
	// word of; all that the claim asks when there is no recording, none when its lab has none at all.
	Unrecorded(claim, release string) []string
}

// Options say what the folder is held against, besides itself.
type Options struct {
	// Base is the data that the folder adds to (--with). Nil for the project's own data.
	// A folder with a Base need not keep the list of claims, nor be in two languages,
	// nor have lessons and mutants.
	Base *lab.Data
	// History are the recordings; nil leaves out the rules that need them.
	History History
}

// Lint returns all findings, sorted by file and line; none means that the data is good.
func Lint(fsys fs.FS, o Options) []Finding {
	l := &linter{Options: o, fsys: fsys}
	var err error
	l.own, err = lab.Load(fsys)
	l.data(err)
	l.all = l.own
	if o.Base != nil {
		l.all, err = lab.Merge(o.Base, l.own)
		l.data(err)
	}
	l.data(l.ownOnly(lab.Check(l.all)))
	for _, r := range l.all.Releases {
		if release, err := constraint.ParseRelease(r); err == nil {
			l.releases = append(l.releases, release)
		}
	}

	l.labs()
	l.catalogue()
	l.fixtures()
	l.scripts()
	l.orphans()
	l.mutants()
	l.exercises()
	l.lessons()
	l.changes()
	l.traces()
	l.posts()

	slices.SortFunc(l.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.Compact(l.found)
}

type linter struct {
	Options
	fsys     fs.FS
	own      *lab.Data // the folder's
	all      *lab.Data // with Base
	releases []constraint.Release
	found    []Finding
}

func (l *linter) add(rule, file string, line int, format string, args ...any) {
	l.found = append(l.found, Finding{File: file, Line: line, Rule: rule, Msg: fmt.Sprintf(format, args...)})
}

// data adds what the loader found.
func (l *linter) data(err error) {
	for _, e := range lab.DataErrors(err) {
		l.add(string(e.Rule), e.File, e.Line, "%s", e.Msg)
	}
}

// ownOnly drops what is wrong with Base: it is not this folder's matter.
func (l *linter) ownOnly(err error) error {
	if l.Base == nil {
		return err
	}
	var own []error
	for _, e := range lab.DataErrors(err) {
		if slices.ContainsFunc(l.own.Labs, func(x *lab.Lab) bool { return x.File == e.File }) {
			own = append(own, e)
		}
	}
	return errors.Join(own...)
}

// exists reports whether the folder has the file or folder.
func (l *linter) exists(name string) bool {
	_, err := fs.Stat(l.fsys, name)
	return err == nil
}
