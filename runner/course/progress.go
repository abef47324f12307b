package course

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/renameio/v2/maybe"
	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

// progressFile is in the work folder. It may be read, edited and deleted.
const progressFile = "progress.yaml"

const progressHead = "# What rt0lab remembers of your way through the labs. It may be edited; without it you begin anew.\n"

// ErrProgress is wrapped when the progress file is damaged; nothing is written over it.
var ErrProgress = errors.New("progress file")

// Progress is what is remembered of a learner.
type Progress struct {
	Lines     strict.Lines    `yaml:"-"`
	Schema    int             `yaml:"schema" jsonschema:"required,enum=1"`
	Exercises map[string]Done `yaml:"exercises"`
}

// Done is what is remembered of one exercise.
type Done struct {
	// Passed is the day on which it was passed, "2006-01-02"; "" when it was not.
	Passed string `yaml:"passed,omitempty"`
	// Release is what it was passed on.
	Release string `yaml:"release,omitempty"`
	// Tries counts the checks of it that had something to check; Failed those that failed.
	Tries  int `yaml:"tries,omitempty"`
	Failed int `yaml:"failed,omitempty"`
	// Hints is how many were shown.
	Hints int `yaml:"hints,omitempty"`
	// Solution is 1 when it was asked for before it was passed, 2 when it was shown.
	Solution int `yaml:"solution,omitempty"`
}

// Progress reads what is remembered. A file that is not there is a beginning.
func (w *Work) Progress() (*Progress, error) {
	p := &Progress{Schema: 1, Exercises: map[string]Done{}}
	file := filepath.Join(w.Dir, progressFile)
	data, err := read(file)
	if err != nil || data == nil {
		return p, err
	}
	var read Progress
	if errs := strict.Decode(data, &read); len(errs) > 0 {
		return nil, fmt.Errorf("%w: %s:%d: %s (mend it, or move it away and begin anew)", ErrProgress, file, errs[0].Line, errs[0].Msg)
	}
	if read.Schema != 1 {
		return nil, fmt.Errorf("%w: %s: schema %d, and this rt0lab reads 1 (take the rt0lab that wrote it, or move it away)", ErrProgress, file, read.Schema)
	}
	for id, done := range read.Exercises {
		if min(done.Tries, done.Failed, done.Hints, done.Solution) < 0 {
			return nil, fmt.Errorf("%w: %s: %s: a count below 0 (mend it, or move it away and begin anew)", ErrProgress, file, id)
		}
		p.Exercises[id] = done
	}
	return p, nil
}

// Remember changes what is remembered: it reads the file, lets change change it and writes it, as
// one step against every other process. A crash leaves the old file or the new one.
func (w *Work) Remember(change func(p *Progress)) error {
	if err := os.MkdirAll(w.Dir, 0o777); err != nil {
		return fmt.Errorf("%w: make it: %w (choose another with --work)", ErrWork, err)
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(w.Dir, ".progress.lock")).Lock()
	if err != nil {
		return fmt.Errorf("%w: lock it: %w", ErrProgress, err)
	}
	defer unlock()
	p, err := w.Progress()
	if err != nil {
		return err
	}
	change(p)
	data, err := yaml.MarshalWithOptions(p, yaml.Indent(2))
	if err != nil {
		return fmt.Errorf("%w: write it: %w", ErrProgress, err)
	}
	data = append(bytes.TrimRight(data, "\n"), '\n')
	file := filepath.Join(w.Dir, progressFile)
	if old, err := read(file); err == nil && bytes.Equal(old, append([]byte(progressHead), data...)) {
		return nil
	}
	if err := maybe.WriteFile(file, append([]byte(progressHead), data...), 0o666); err != nil {
		return fmt.Errorf("%w: write it: %w", ErrProgress, err)
	}
	return nil
}

// Note remembers the results of a check.
func (p *Progress) Note(results []Result, day time.Time) {
	for _, r := range results {
		done := p.Exercises[r.Exercise.ID]
		switch r.State {
		case Passed:
			done.Tries++
			if done.Passed == "" {
				done.Passed, done.Release = day.Format(time.DateOnly), r.Release
			}
		case Failed:
			done.Tries++
			done.Failed++
		default:
			continue
		}
		p.Exercises[r.Exercise.ID] = done
	}
}

// Next is the first exercise that is not passed and that possible says can be checked here (nil: all
// can); nil when there is none.
func (p *Progress) Next(labs []*lab.Lab, possible func(*lab.Exercise) bool) (*lab.Lab, *lab.Exercise) {
	for _, l := range labs {
		for _, e := range l.Exercises {
			if p.Exercises[e.ID].Passed == "" && (possible == nil || possible(e)) {
				return l, e
			}
		}
	}
	return nil, nil
}

// offerHint is how many failures it takes until a hint is offered.
const offerHint = 2

// OfferHint reports whether a hint is due and there is one left.
func (d Done) OfferHint() bool { return d.Passed == "" && d.Failed >= offerHint && d.Hints < lab.Hints }

// Hint remembers that one more hint of the exercise is shown, and returns how many that makes;
// last is true when all of them had been shown already.
func (w *Work) Hint(e *lab.Exercise) (shown int, last bool, err error) {
	err = w.Remember(func(p *Progress) {
		d := p.Exercises[e.ID]
		last = d.Hints >= len(e.Hints)
		d.Hints = min(d.Hints+1, len(e.Hints))
		shown, p.Exercises[e.ID] = d.Hints, d
	})
	return shown, last, err
}

// AskSolution remembers that the solution was asked for. It may be shown when the exercise is passed,
// or when it is asked for the second time.
func (w *Work) AskSolution(e *lab.Exercise) (show bool, err error) {
	err = w.Remember(func(p *Progress) {
		d := p.Exercises[e.ID]
		show = d.Passed != "" || d.Solution > 0
		d.Solution = min(d.Solution+1, 2)
		if show {
			d.Solution = 2
		}
		p.Exercises[e.ID] = d
	})
	return show, err
}

// Forget removes what is remembered of the exercises.
func (w *Work) Forget(exercises []*lab.Exercise) error {
	return w.Remember(func(p *Progress) {
		for _, e := range exercises {
			delete(p.Exercises, e.ID)
		}
	})
}
