// Package mutant shows that claims can fail: it edits the runtime a little and
// says whether exactly the claims that should notice do.
//
// It builds and starts nothing itself. Overlay makes the edited files, the
// engine of package verify runs them, Judge compares.
package mutant

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// ErrEdit is wrapped when an edit does not fit the sources of a release: the
// file is missing, or the old text does not stand there exactly once.
var ErrEdit = errors.New("the edit does not fit")

// ErrBaseline is wrapped when a claim is broken without the mutant: nothing can be said then.
var ErrBaseline = errors.New("broken without the mutant")

// Fits reports whether the mutant has an edit for the release.
func Fits(m *lab.Mutant, releaseName string) (bool, error) {
	for _, e := range m.Edits {
		ok, err := constraint.Fits(e.Go, releaseName)
		if err != nil {
			return false, fmt.Errorf("%s:%d: %w", m.File, e.Line, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// Overlay applies the edits that fit the release to its sources and returns
// the new content by absolute path, as build.Input wants it. Several edits of
// one file are applied in their order.
func Overlay(m *lab.Mutant, tc release.Toolchain) (map[string][]byte, error) {
	overlay := map[string][]byte{}
	for _, e := range m.Edits {
		fits, err := constraint.Fits(e.Go, tc.Name)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", m.File, e.Line, err)
		}
		if !fits {
			continue
		}
		path := filepath.Join(tc.GOROOT, "src", filepath.FromSlash(e.File))
		text, edited := overlay[path]
		if !edited {
			text, err = os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s:%d: %s: %w: %s has no %s", m.File, e.Line, m.ID, ErrEdit, tc.Name, e.File)
			}
			if err != nil {
				return nil, fmt.Errorf("mutant %s: read the runtime: %w", m.ID, err)
			}
		}
		if n := strings.Count(string(text), e.Old); n != 1 {
			return nil, fmt.Errorf("%s:%d: %s: %w: in %s of %s the old text stands %d times, not once",
				m.File, e.Line, m.ID, ErrEdit, e.File, tc.Name, n)
		}
		overlay[path] = []byte(strings.Replace(string(text), e.Old, e.New, 1))
	}
	return overlay, nil
}

// Claims are the claims a mutant is judged on: every claim, of whatever lab,
// in a setup that one of the refuted claims lives in.
func Claims(data *lab.Data, m *lab.Mutant) []*lab.Claim {
	setups := map[string]bool{}
	for _, l := range data.Labs {
		for _, c := range l.Claims {
			if s := data.SetupOf(c); s != nil && slices.Contains(m.Refutes, c.ID) {
				setups[s.Key()] = true
			}
		}
	}
	var claims []*lab.Claim
	for _, l := range data.Labs {
		for _, c := range l.Claims {
			if s := data.SetupOf(c); s != nil && setups[s.Key()] && c.Unobservable.En == "" {
				claims = append(claims, c)
			}
		}
	}
	return claims
}

// Matters reports whether a claim that the mutant refutes holds without it.
func Matters(m *lab.Mutant, plain []verify.Cell) bool {
	return slices.ContainsFunc(plain, func(c verify.Cell) bool {
		return c.Verdict.Outcome == judge.Holds && slices.Contains(m.Refutes, c.Claim.ID)
	})
}

// Finding is what became of one mutant on one release.
type Finding struct {
	Mutant  *lab.Mutant
	Release string
	// Caught are the claims that held and are refuted now.
	Caught []string
	// NotHeld are claims of Refutes that do not hold on this release anyway.
	NotHeld []string
	// Missed are claims of Refutes that held and are not refuted; with what they are instead.
	Missed []string
	// Stray are claims outside of Refutes whose outcome changed; with what they are instead.
	Stray []string
	Err   error // the mutant could not be made, built or judged
}

// OK reports whether the mutant did what it says: every claim it refutes that
// held is refuted, there is at least one, and nothing else changed.
func (f Finding) OK() bool {
	return f.Err == nil && len(f.Caught) > 0 && len(f.Missed) == 0 && len(f.Stray) == 0
}

// Idle reports whether none of the claims the mutant refutes holds on this release.
func (f Finding) Idle() bool {
	return f.Err == nil && len(f.Caught) == 0 && len(f.Missed) == 0 && len(f.Stray) == 0
}

// Judge compares the outcomes without and with the mutant. It is pure.
func Judge(m *lab.Mutant, releaseName string, plain, mutated []verify.Cell) Finding {
	f := Finding{Mutant: m, Release: releaseName}
	before := map[string]judge.Verdict{}
	for _, c := range plain {
		before[c.Claim.ID] = c.Verdict
	}
	for _, c := range mutated {
		if was := before[c.Claim.ID]; was.Outcome == judge.Broken {
			f.Err = fmt.Errorf("%w: %s: %s", ErrBaseline, c.Claim.ID, was.Reason)
			return f
		}
	}
	for _, c := range mutated {
		id, was, is := c.Claim.ID, before[c.Claim.ID].Outcome, c.Verdict.Outcome
		named := slices.Contains(m.Refutes, id)
		switch {
		case named && was != judge.Holds:
			f.NotHeld = append(f.NotHeld, id)
		case named && is == judge.Refuted:
			f.Caught = append(f.Caught, id)
		case named:
			f.Missed = append(f.Missed, describe(c, was))
		case is == was, was == judge.Refuted && is == judge.Holds && slices.Contains(m.LetsHold, id):
		case (m.Dies || m.Hangs) && is == judge.Untested:
			// The mutated program ended before the stop of this fact.
		case m.Hangs && is == judge.Broken:
			// It did not, and the witnesses waited in vain.
		default:
			f.Stray = append(f.Stray, describe(c, was))
		}
	}
	for _, list := range [][]string{f.Caught, f.NotHeld, f.Missed, f.Stray} {
		slices.Sort(list)
	}
	return f
}

func describe(c verify.Cell, was judge.Outcome) string {
	text := fmt.Sprintf("%s: %s, was %s", c.Claim.ID, c.Verdict.Outcome, was)
	if v, ok := c.Verdict.Value(); ok {
		text += ", saw " + v.String()
	}
	if c.Verdict.Reason != "" {
		text += ": " + c.Verdict.Reason
	}
	return text
}
