package lab

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/form"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

// The files beside the labs' own folders.
const (
	postsFile     = "labs/posts.yaml"
	releasesFile  = "labs/releases.yaml"
	catalogueFile = "labs/catalogue.yaml"
	glossaryFile  = "labs/glossary.yaml"
)

var (
	labFolder   = regexp.MustCompile(`^[0-9]{2}-[a-z0-9]+(-[a-z0-9]+)*$`)
	claimID     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*(/[a-z0-9]+([-.][a-z0-9]+)*)?$`)
	plainName   = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)
	subjectName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	factName    = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
)

// Load reads a data folder: labs/*/lab.yaml, the catalogues of facts
// scripts/*.yaml, and posts.yaml, releases.yaml and catalogue.yaml below labs/,
// each of which may be missing (a folder for --with has only what it adds).
//
// The error joins a *DataError for everything that is wrong in any of the
// files; the data returned beside it is what could be read all the same, and
// never nil.
func Load(fsys fs.FS) (*Data, error) {
	l := loader{fsys: fsys, data: &Data{
		Catalogue: fact.Catalogue{},
		Posts:     map[string]Post{},
		Subjects:  map[string]string{},
	}}
	files := l.glob("labs/*/lab.yaml")
	ahead[form.Facts](&l, l.glob("scripts/*.yaml"))
	ahead[form.Lab](&l, files)
	ahead[form.Exercises](&l, l.glob("labs/*/"+ExercisesFile))
	l.posts()
	l.releases()
	l.known()
	l.glossary()
	for _, file := range l.glob("scripts/*.yaml") {
		l.facts(file)
	}
	for _, file := range files {
		l.lab(file)
	}
	if len(files) == 0 && len(l.data.Catalogue) == 0 && len(l.errs) == 0 {
		l.fail(RuleShape, "labs", 0, "no labs/*/lab.yaml and no scripts/*.yaml here; is this a data folder?")
	}
	l.unique(l.data)
	return l.data, l.join()
}

type loader struct {
	collector
	fsys  fs.FS
	data  *Data
	early map[string]*decoded
}

// decoded is a file that is read beside others; done is closed when it is.
type decoded struct {
	done chan struct{}
	into any
	errs []strict.Error
	err  error // the file cannot be read
}

// ahead begins to read the files, all at once: parsing YAML is most of what it takes to start.
func ahead[F any](l *loader, files []string) {
	if l.early == nil {
		l.early = map[string]*decoded{}
	}
	for _, file := range files {
		d := &decoded{done: make(chan struct{}), into: new(F)}
		l.early[file] = d
		go func() {
			defer close(d.done)
			d.errs, d.err = decode(l.fsys, file, d.into)
		}()
	}
}

func decode(fsys fs.FS, file string, into any) ([]strict.Error, error) {
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	return strict.Decode(src, into), nil
}

func (l *loader) glob(pattern string) []string {
	files, err := fs.Glob(l.fsys, pattern)
	if err != nil {
		l.fail(RuleShape, pattern, 0, "%v", err)
	}
	return files
}

// read decodes the file; ok is false when there is nothing to look at.
func (l *loader) read(file string, into any) (ok bool) {
	var errs []strict.Error
	var err error
	if d := l.early[file]; d != nil {
		<-d.done
		errs, err = d.errs, d.err
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(d.into).Elem())
	} else {
		errs, err = decode(l.fsys, file, into)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.fail(RuleShape, file, 0, "cannot be read: %v", err)
		}
		return false
	}
	for _, e := range errs {
		l.fail(RuleShape, file, e.Line, "%s", e.Msg)
	}
	return true
}

func (l *loader) posts() {
	var f form.Posts
	if !l.read(postsFile, &f) {
		return
	}
	for id, p := range f.Posts {
		l.data.Posts[id] = Post{
			ID: id, Title: p.Title, Site: p.Site, Release: string(p.Release), System: p.System,
			Transcript: p.Transcript, Text: p.Text, Line: p.Lines.Of(""), Lines: p.Lines,
		}
	}
}

func (l *loader) releases() {
	var f form.Releases
	if !l.read(releasesFile, &f) {
		return
	}
	for _, r := range f.Releases {
		if slices.Contains(l.data.Releases, string(r)) {
			l.fail(RuleUnique, releasesFile, f.Lines.Of("releases"), "release %q stands here twice", r)
		}
		l.data.Releases = append(l.data.Releases, string(r))
	}
}

func (l *loader) known() {
	var f form.Known
	if !l.read(catalogueFile, &f) {
		return
	}
	seen := map[string]string{}
	for _, g := range f.Groups {
		for _, id := range g.Claims {
			l.once(seen, "claim", id, catalogueFile, g.Lines.Of("claims"))
			if !claimID.MatchString(id) || strings.Contains(id, "/") {
				l.fail(RuleName, catalogueFile, g.Lines.Of("claims"), "claim %q: an id here is lower-case words joined by -, without a part", id)
			}
		}
		l.data.Known = append(l.data.Known, Group{
			Section: g.Section, Title: text(g.Title), Lab: g.Lab, Claims: g.Claims,
			File: catalogueFile, Line: g.Lines.Of(""),
		})
	}
}

func (l *loader) facts(file string) {
	var f form.Facts
	if !l.read(file, &f) {
		return
	}
	subject := strings.TrimSuffix(path.Base(file), ".yaml")
	switch {
	case !subjectName.MatchString(subject):
		l.fail(RuleName, file, 0, "a subject is lower-case letters, digits and underscores")
	case f.Subject != "" && f.Subject != subject:
		l.fail(RuleName, file, f.Lines.Of("subject"), "subject %q is not the name of the file", f.Subject)
	}
	l.data.Subjects[subject] = file
	for _, name := range slices.Sorted(maps.Keys(f.Facts)) {
		spec := f.Facts[name]
		line := spec.Lines.Of("")
		switch {
		case !factName.MatchString(name):
			l.fail(RuleName, file, line, "fact %q: want SUBJECT.name in lower-case letters, digits, dots and underscores", name)
		case fact.Subject(name) != subject:
			l.fail(RuleName, file, line, "fact %q is not of the subject %q", name, subject)
		}
		l.data.Catalogue[name] = fact.Spec{
			Name: name, Type: fact.Type(spec.Type), Unit: spec.Unit,
			Over:    fact.Over(spec.Over),
			Compare: cmp.Or(fact.Comparison(spec.Compare), fact.CompareExact),
			At:      spec.At, En: spec.En, Zh: spec.Zh, Line: line,
		}
	}
}

func (l *loader) glossary() {
	var f form.Glossary
	if !l.read(glossaryFile, &f) {
		return
	}
	en, zh := map[string]string{}, map[string]string{}
	for _, t := range f.Terms {
		line := t.Lines.Of("")
		l.once(en, "the word", t.En, glossaryFile, line)
		l.once(zh, "the word", t.Zh, glossaryFile, line)
		l.data.Glossary = append(l.data.Glossary, Term{Word: Text{t.En, t.Zh}, Not: t.Not, Means: text(t.Means), Line: line})
	}
}
