package course

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/form"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

// ErrWork is wrapped when a work file or the progress file cannot be used: it is a folder, too
// large, not readable, or damaged.
var ErrWork = errors.New("work folder")

// maxWork bounds a work file, in bytes: what a person types is far smaller.
const maxWork = 1 << 20

// Work is the folder with what a learner writes: a folder per lab, with answers.txt and
// a file per exercise, and progress.yaml.
type Work struct{ Dir string }

const answersFile = "answers.txt"

func (w *Work) folder(l *lab.Lab) string { return filepath.Join(w.Dir, l.ID) }

// Files are the work files of an exercise, where a learner finds them.
func (w *Work) Files(l *lab.Lab, e *lab.Exercise) []string {
	var names []string
	switch {
	case e.Answer != nil:
		names = []string{answersFile}
	case e.Script != nil:
		names = []string{e.ID + ".star", e.ID + ".py"}
	default:
		names = []string{e.ID + ".yaml"}
	}
	for i := range names {
		names[i] = filepath.Join(w.folder(l), names[i])
	}
	return names
}

// Prepare writes the work files of a lab that are not there, and returns their paths. A file
// that is there is never touched.
func (w *Work) Prepare(d *lab.Data, l *lab.Lab, lang string) (written []string, err error) {
	starters := Starters(d, l, lang)
	if len(starters) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(w.folder(l), 0o777); err != nil {
		return nil, fmt.Errorf("%w: make it: %w (choose another with --work)", ErrWork, err)
	}
	for _, s := range starters {
		file := filepath.Join(w.folder(l), s.Name)
		if _, err := os.Lstat(file); err == nil {
			continue
		}
		if err := maybe.WriteFile(file, []byte(s.Text), 0o666); err != nil {
			return written, fmt.Errorf("%w: write a work file: %w", ErrWork, err)
		}
		written = append(written, file)
	}
	return written, nil
}

// Reset writes the work files of the exercises anew; what was there is kept beside them as
// FILE.old. Answers of other exercises stay only in that old file.
func (w *Work) Reset(d *lab.Data, l *lab.Lab, exercises []*lab.Exercise, lang string) (old []string, err error) {
	var files []string
	for _, e := range exercises {
		files = append(files, w.Files(l, e)...)
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		err := os.Rename(file, file+".old")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return old, fmt.Errorf("%w: put a work file aside: %w", ErrWork, err)
		}
		old = append(old, file+".old")
	}
	_, err = w.Prepare(d, l, lang)
	return old, err
}

// read returns a work file; missing is no error and gives nothing.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWork, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWork, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file but a %s; move it away, and rt0lab check writes the file anew", ErrWork, file, what(info.Mode()))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxWork+1))
	if err != nil {
		return nil, fmt.Errorf("%w: read %s: %w", ErrWork, file, err)
	}
	if len(data) > maxWork {
		return nil, fmt.Errorf("%w: %s is larger than %d KiB; rt0lab reset writes it anew", ErrWork, file, maxWork>>10)
	}
	return data, nil
}

func what(m fs.FileMode) string {
	if m.IsDir() {
		return "folder"
	}
	return "thing of another kind"
}

// answers is answers.txt of one lab: lines "exercise: answer", and comments.
type answers struct {
	file    string
	typed   map[string]string
	problem error // what cannot be read as an answer, with its line
}

func (a *answers) given(id string) string { return a.typed[id] }

func (w *Work) answers(l *lab.Lab) (*answers, error) {
	a := &answers{file: filepath.Join(w.folder(l), answersFile), typed: map[string]string{}}
	data, err := read(a.file)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, e := range l.Exercises {
		if e.Answer != nil {
			known = append(known, e.ID)
		}
	}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		text = strings.Replace(text, "：", ":", 1) // as Chinese keyboards have it
		id, answer, ok := strings.Cut(text, ":")
		id = strings.TrimSpace(id)
		switch _, twice := a.typed[id]; {
		case !ok:
			a.problem = fmt.Errorf("%s:%d: want a line \"exercise: answer\"", a.file, n)
		case !slices.Contains(known, id):
			a.problem = fmt.Errorf("%s:%d: no exercise %q asks for an answer in this lab%s", a.file, n, id, near.Hint(id, known))
		case twice:
			a.problem = fmt.Errorf("%s:%d: %s has an answer already, further up", a.file, n, id)
		default:
			a.typed[id] = strings.TrimSpace(answer)
		}
		if a.problem != nil {
			break
		}
	}
	return a, nil
}

// given is the work of one exercise that is no answer.
type given struct {
	file    string // the one that was written in
	tool    string // "delve" or "gdb", for a script
	source  string // of the script
	edits   []lab.Edit
	problem error // of the file's YAML
}

func (g *given) empty() bool { return g.problem == nil && g.source == "" && len(g.edits) == 0 }

// given reads what was written for a script, break or repair exercise. Of the two languages of a
// script the one counts that was written in, Starlark when both were.
func (w *Work) given(l *lab.Lab, e *lab.Exercise) (*given, error) {
	for _, file := range w.Files(l, e) {
		data, err := read(file)
		if err != nil {
			return nil, err
		}
		switch {
		case len(bytes.TrimSpace(data)) == 0:
		case e.Script == nil:
			edits, problem := readEdits(file, data)
			return &given{file: file, edits: edits, problem: problem}, nil
		case !untouched(data):
			return &given{file: file, tool: toolOf[filepath.Ext(file)], source: string(data)}, nil
		}
	}
	return &given{file: w.Files(l, e)[0]}, nil
}

// Edits are what the runtime of a break or repair exercise differs by: the mutant's edits and
// those the learner has written so far; nil for the other kinds.
func (w *Work) Edits(d *lab.Data, l *lab.Lab, e *lab.Exercise) (*lab.Mutant, error) {
	if e.Break == nil && e.Repair == nil {
		return nil, nil
	}
	given, err := w.given(l, e)
	if err == nil {
		err = given.problem
	}
	if err != nil {
		return nil, err
	}
	all := &lab.Mutant{ID: e.ID, File: given.file}
	if e.Repair != nil {
		m := d.Mutant(e.Repair.Mutant)
		all.Edits, all.File = m.Edits, m.File
	}
	if len(given.edits) > 0 { // an edit that is wrong is the learner's
		all.Edits, all.File = slices.Concat(all.Edits, given.edits), given.file
	}
	return all, nil
}

var toolOf = map[string]string{".star": "delve", ".py": "gdb"}

// untouched reports whether the file still has the line that a starter has in the place of an
// answer, and no fact.
func untouched(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		code, _, _ := strings.Cut(line, "#")
		if strings.Contains(code, "return {") && strings.TrimSpace(code) != strings.TrimSpace(starterReturn) {
			return false
		}
	}
	return bytes.Contains(data, []byte(starterReturn))
}

// readEdits reads the edits of the runtime that a learner wrote, in the form that mutants have.
func readEdits(file string, data []byte) ([]lab.Edit, error) {
	var f struct {
		Edits []form.Edit `yaml:"edits"`
	}
	if errs := strict.Decode(withoutTabs(data), &f); len(errs) > 0 {
		return nil, fmt.Errorf("%s:%d: %s", file, errs[0].Line, errs[0].Msg)
	}
	var edits []lab.Edit
	for _, e := range f.Edits {
		if !fs.ValidPath(e.File) {
			return nil, fmt.Errorf("%s:%d: file %q: want a path below GOROOT/src, like runtime/proc.go", file, e.Lines.Of("file"), e.File)
		}
		edits = append(edits, lab.Edit{Go: string(e.Go), File: e.File, Old: withTabs(e.Old), New: withTabs(e.New), Line: e.Lines.Of("")})
	}
	return edits, nil
}

// put writes one work file.
func (w *Work) put(l *lab.Lab, s Starter) error {
	if err := os.MkdirAll(w.folder(l), 0o777); err != nil {
		return fmt.Errorf("%w: make it: %w", ErrWork, err)
	}
	if err := os.WriteFile(filepath.Join(w.folder(l), s.Name), []byte(s.Text), 0o666); err != nil {
		return fmt.Errorf("%w: write a work file: %w", ErrWork, err)
	}
	return nil
}
