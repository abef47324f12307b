package lint

import (
	"errors"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/near"
)

// fixtures parses every fixture and finds the setups without one.
func (l *linter) fixtures() {
	names := l.folders("fixtures")
	for _, x := range l.own.Labs {
		for _, name := range slices.Sorted(maps.Keys(x.Setups)) {
			s := x.Setups[name]
			if s.Tool != "" || !fs.ValidPath(s.Fixture) || l.Base != nil && !slices.Contains(names, s.Fixture) {
				continue // the loader reported the path; a fixture of Base is found when the setup is built
			}
			if !slices.Contains(names, s.Fixture) {
				l.add(ruleFixture, s.File, s.Lines.Of("fixture"), "setup %q: there is no folder fixtures/%s%s", name, s.Fixture, near.Hint(s.Fixture, names))
			}
		}
	}
	for _, name := range names {
		l.fixture(path.Join("fixtures", name))
	}
}

func (l *linter) fixture(folder string) {
	hasMain := false
	l.walk(folder, func(file string) {
		if reason := dropped(file); reason != "" {
			l.add(ruleFixture, file, 0, "go:embed leaves out %s; call it otherwise", reason)
			return
		}
		if strings.HasSuffix(file, ".go.txt") { // the builder's alone: it need not parse
			hasMain = hasMain || path.Dir(file) == folder
			return
		}
		if path.Ext(file) != ".go" {
			return
		}
		src, err := fs.ReadFile(l.fsys, file)
		if err != nil {
			l.add(ruleFixture, file, 0, "cannot be read: %v", err)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
		var list scanner.ErrorList
		if errors.As(err, &list) {
			l.add(ruleFixture, file, list[0].Pos.Line, "does not parse: %s", list[0].Msg)
			return
		}
		if path.Dir(file) == folder && f.Name.Name == "main" {
			hasMain = true
		}
	})
	if !hasMain {
		l.add(ruleFixture, folder, 0, "no file with package main that parses")
	}
}

// dropped says what go:embed silently leaves out of a folder.
func dropped(file string) string {
	base := path.Base(file)
	switch {
	case base == "go.mod":
		return "folders with a go.mod"
	case strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"):
		return "names that begin with " + base[:1]
	}
	return ""
}

var recordingName = regexp.MustCompile(`^go1\.[0-9]+(\.[0-9]+)?-[a-z0-9]+-[a-z0-9]+\.json$`)

var traceName = regexp.MustCompile(`^go1\.[0-9]+(\.[0-9]+)?-linux-amd64\.trace$`)

// orphans finds files that nothing knows or uses.
func (l *linter) orphans() {
	l.orphanLabs()
	used := map[string]bool{}
	for _, x := range l.all.Labs {
		for _, s := range x.Setups {
			used[s.Fixture] = true
		}
	}
	for _, entry := range l.list("fixtures") {
		switch {
		case !entry.IsDir():
			l.add(ruleOrphan, "fixtures/"+entry.Name(), 0, "a fixture is a folder")
		case !used[entry.Name()]:
			l.add(ruleOrphan, "fixtures/"+entry.Name(), 0, "no setup uses this fixture")
		}
	}
	l.orphanScripts()
}

func (l *linter) orphanLabs() {
	known := []string{"posts.yaml", "releases.yaml", "catalogue.yaml", "glossary.yaml", "lab.schema.json", "exercises.schema.json"}
	for _, entry := range l.list("labs") {
		folder := "labs/" + entry.Name()
		if !entry.IsDir() {
			if !slices.Contains(known, entry.Name()) {
				l.add(ruleOrphan, folder, 0, "not a file of labs/ (there are %s)", strings.Join(known, ", "))
			}
			continue
		}
		if entry.Name() == "traces" {
			l.orphanTraces(folder)
			continue
		}
		if !l.exists(folder + "/lab.yaml") {
			l.add(ruleOrphan, folder, 0, "a folder without lab.yaml is no lab")
			continue
		}
		l.walk(folder, func(file string) {
			name := strings.TrimPrefix(file, folder+"/")
			switch {
			case slices.Contains([]string{"lab.yaml", lab.ExercisesFile, "README.md", "README.zh-CN.md"}, name):
			case path.Dir(name) == "exercises":
				l.orphanTable(file)
			case path.Dir(name) != "recorded":
				l.add(ruleOrphan, file, 0, "not a file of a lab (there are lab.yaml, exercises.yaml, README.md, README.zh-CN.md, exercises/, recorded/)")
			case !recordingName.MatchString(path.Base(name)):
				l.add(ruleOrphan, file, 0, "a recording is called RELEASE-GOOS-GOARCH.json")
			}
		})
	}
}

// orphanTraces finds traces of setups that no lab traces.
func (l *linter) orphanTraces(folder string) {
	traced := map[string]bool{}
	for _, x := range l.all.Labs {
		if x.Trace != nil {
			traced[x.Trace.Setup] = true
		}
	}
	l.walk(folder, func(file string) {
		switch setup := path.Dir(strings.TrimPrefix(file, folder+"/")); {
		case !traceName.MatchString(path.Base(file)):
			l.add(ruleOrphan, file, 0, "a boot trace is called SETUP/RELEASE-GOOS-GOARCH.trace")
		case !traced[setup]:
			l.add(ruleOrphan, file, 0, "no lab traces a setup %q", setup)
		}
	})
}

// traces demands a trace of every release, once those of the setup are begun. That each can be read is
// the matter of who shows it: there are many, and lint has only looked for their names.
func (l *linter) traces() {
	for _, x := range l.own.Labs {
		if x.Trace == nil || l.Base != nil {
			continue
		}
		folder := "labs/traces/" + x.Trace.Setup
		if !l.exists(folder) {
			continue
		}
		var lacking []string
		for _, release := range l.all.Releases {
			if !l.exists(folder + "/" + release + "-linux-amd64.trace") {
				lacking = append(lacking, release)
			}
		}
		if len(lacking) > 0 {
			l.add(ruleRecorded, x.Trace.File, x.Trace.Line, "there is no boot trace on %s; run rt0lab --data DIR record", strings.Join(lacking, ", "))
		}
	}
}

func (l *linter) orphanScripts() {
	asked := map[string]map[string]bool{} // subject → witnesses
	for _, x := range l.all.Labs {
		for _, c := range x.Claims {
			if c.Fact == "" {
				continue
			}
			subject := fact.Subject(c.Fact)
			if asked[subject] == nil {
				asked[subject] = map[string]bool{}
			}
			for _, w := range c.Witnesses {
				asked[subject][w] = true
			}
		}
	}
	l.walk("scripts", func(file string) {
		if slices.ContainsFunc(kinds, func(k kind) bool { return k.Library == file }) {
			return
		}
		subject := strings.TrimSuffix(path.Base(file), path.Ext(file))
		if file == "scripts/"+subject+".yaml" {
			if len(asked[subject]) == 0 {
				l.add(ruleOrphan, file, 0, "no claim asks for a fact of the subject %q", subject)
			}
			return
		}
		witness := ""
		for _, w := range kinds {
			if file == w.File(subject) {
				witness = w.witness
			}
		}
		switch {
		case witness == "":
			l.add(ruleOrphan, file, 0, "not a script (there are SUBJECT.yaml, starlark/SUBJECT.star, gdb/SUBJECT.py, static/SUBJECT.star, ebpf/SUBJECT.star)")
		case l.all.Subjects[subject] == "":
			l.add(ruleOrphan, file, 0, "there is no catalogue scripts/%s.yaml of its facts", subject)
		case !asked[subject][witness]:
			l.add(ruleOrphan, file, 0, "no claim asks %s for a fact of the subject %q", witness, subject)
		}
	})
}

func (l *linter) list(folder string) []fs.DirEntry {
	entries, err := fs.ReadDir(l.fsys, folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.add(ruleOrphan, folder, 0, "cannot be read: %v", err)
	}
	return entries
}

func (l *linter) folders(folder string) []string {
	var names []string
	for _, entry := range l.list(folder) {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// walk calls visit for every file below the folder.
func (l *linter) walk(folder string, visit func(file string)) {
	err := fs.WalkDir(l.fsys, folder, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			visit(file)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.add(ruleOrphan, folder, 0, "cannot be read: %v", err)
	}
}
