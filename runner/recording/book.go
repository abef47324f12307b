package recording

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Book is all recordings of one lab.
type Book struct {
	Lab string
	// Recordings are sorted by release, oldest first, then by platform.
	Recordings []*Recording
}

// Read reads all recordings of a lab; a lab without any has an empty book.
// Every file that is not a recording is named in the error.
func Read(fsys fs.FS, lab string) (*Book, error) {
	b := &Book{Lab: lab}
	entries, err := fs.ReadDir(fsys, dir(lab))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read recordings of %s: %w", lab, err)
	}
	var errs []error
	for _, e := range entries {
		if path.Ext(e.Name()) != ".json" {
			continue
		}
		r, err := readFile(fsys, lab, e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.Recordings = append(b.Recordings, r)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	b.sort()
	return b, nil
}

func readFile(fsys fs.FS, lab, name string) (*Recording, error) {
	file := dir(lab) + "/" + name
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	r, err := Decode(file, data)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if r.Path() != file {
		return nil, fmt.Errorf("read recording: %s: %w: what stands in it belongs into %s", file, ErrDamaged, r.Path())
	}
	return r, nil
}

func (b *Book) sort() {
	slices.SortFunc(b.Recordings, func(x, y *Recording) int {
		return cmp.Or(CompareReleases(x.Release, y.Release), cmp.Compare(x.GOOS, y.GOOS), cmp.Compare(x.GOARCH, y.GOARCH))
	})
}

// At returns the recording a release is judged against: its own (exact), else
// the nearest patch of the same minor, else the newest older one. It is nil
// when there is none of either: what is recorded of newer releases only says
// nothing about an older one.
func (b *Book) At(release, goos, goarch string) (r *Recording, exact bool) {
	var near, older *Recording
	for _, x := range b.Recordings {
		if x.GOOS != goos || x.GOARCH != goarch {
			continue
		}
		order := CompareReleases(x.Release, release)
		switch {
		case order == 0:
			return x, true
		case Minor(x.Release) == Minor(release):
			// The older of two that are equally far: the recordings are sorted.
			if near == nil || distance(x, release) < distance(near, release) {
				near = x
			}
		case order < 0:
			older = x
		}
	}
	if near != nil {
		return near, false
	}
	return older, false
}

func distance(r *Recording, release string) int {
	d := patch(r.Release) - patch(release)
	return max(d, -d)
}

// Recorded returns the judgement over the recording that stands for the
// release, nil when nothing is recorded of the claim.
func (b *Book) Recorded(c *lab.Claim, release, goos, goarch string) *judge.Recorded {
	r, _ := b.At(release, goos, goarch)
	if r == nil {
		return nil
	}
	v, ok := r.Judge(c)
	if !ok {
		return nil
	}
	return judge.RecordedOf(v, r.Release)
}
