// Package recording keeps what was seen: all facts of one lab on one release
// and platform, with what made them. The tool writes recordings, people do
// not; they are the one truth about the past. The recorded outcome of a claim
// is the judgement over the recording, it is stored nowhere.
//
// A recording must not depend on the machine it was made on: a witness this
// machine lacks cannot be left out of it, see Make.
package recording

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Schema is the version of the file format.
const Schema = 1

// Recording is what was seen of one lab on one release and platform. The
// platform is that of the setups it holds, not of the machine: a setup that is
// cross-compiled for arm64 stands in the arm64 recording.
type Recording struct {
	Lab     string // "03-g0"
	Release string // "go1.26.8"
	GOOS    string
	GOARCH  string
	Tools   map[string]string // by witness: "gdb" → "gdb 13.1"
	Host    Host
	Setups  map[string]*Setup // by name
}

// Host is the machine a recording was made on; for people, never compared.
type Host struct {
	Kernel string
	CPU    string
}

// Setup is what was seen in one setup.
type Setup struct {
	// Digest names the inputs of the build.
	Digest string
	// Unsupported says why this release cannot build the setup ("needs go
	// >=1.26"); Digest and Facts are empty then.
	Unsupported string
	Facts       map[string]Entry // by name of the fact
}

// Entry is one fact.
type Entry struct {
	// Value is what the witnesses in By saw, all of them; invalid when By is empty.
	Value fact.Value
	By    []string // sorted
	// Unseen has the witnesses that were asked and could not see it. Its cause is
	// always the release.
	Unseen map[string]observe.Unseen
}

// Path is where the recording is kept below the data folder, with slashes:
// "labs/03-g0/recorded/go1.26.8-linux-amd64.json".
func (r *Recording) Path() string {
	return dir(r.Lab) + "/" + r.Release + "-" + r.GOOS + "-" + r.GOARCH + ".json"
}

func dir(lab string) string { return "labs/" + lab + "/recorded" }

// Seen returns what each witness said of the fact in the setup, as
// judge.Claim wants it; nil when the recording does not have the fact. Of a
// setup the release cannot build, every one of the witnesses saw nothing.
func (r *Recording) Seen(setup, name string, witnesses ...string) map[string]observe.Seen {
	s := r.Setups[setup]
	if s == nil {
		return nil
	}
	if s.Unsupported != "" {
		seen := map[string]observe.Seen{}
		for _, w := range witnesses {
			seen[w] = observe.NotSeen(observe.CauseRelease, "%s", s.Unsupported)
		}
		return seen
	}
	e, ok := s.Facts[name]
	if !ok {
		return nil
	}
	seen := map[string]observe.Seen{}
	for _, w := range e.By {
		seen[w] = observe.SeenValue(e.Value)
	}
	for w, u := range e.Unseen {
		seen[w] = observe.Seen{Unseen: &u}
	}
	return seen
}

// Judge passes judgement over the recording. ok is false when it does not
// have the fact, or none of the claim's witnesses: nothing is recorded then.
// A witness that was added to the claim after the recording was made does not
// count; Missing tells that one is due.
func (r *Recording) Judge(c *lab.Claim) (v judge.Verdict, ok bool) {
	if c.Unobservable.En != "" {
		return judge.Claim(c, nil), true
	}
	seen := r.Seen(c.Setup, c.Fact, c.Witnesses...)
	only := *c
	only.Witnesses = slices.DeleteFunc(slices.Clone(c.Witnesses), func(w string) bool {
		_, ok := seen[w]
		return !ok
	})
	if len(only.Witnesses) == 0 {
		return judge.Verdict{}, false
	}
	return judge.Claim(&only, seen), true
}

// Missing returns the witnesses of the claim that the recording has no word
// of: when there are any, the lab wants to be recorded again.
func (r *Recording) Missing(c *lab.Claim) []string {
	if c.Unobservable.En != "" {
		return nil
	}
	seen := r.Seen(c.Setup, c.Fact, c.Witnesses...)
	var missing []string
	for _, w := range c.Witnesses {
		if _, ok := seen[w]; !ok {
			missing = append(missing, w)
		}
	}
	return missing
}

// check holds a recording against what the format promises, whoever made it.
func (r *Recording) check() error {
	for _, f := range []struct{ key, value string }{
		{"lab", r.Lab}, {"release", r.Release}, {"goos", r.GOOS}, {"goarch", r.GOARCH},
	} {
		if f.value == "" || strings.ContainsAny(f.value, "/\\ \t\n") {
			return fmt.Errorf("%q is no value for %s", f.value, f.key)
		}
	}
	if !known(r.Release) {
		return fmt.Errorf("release %q is not a released version of Go: only those are recorded", r.Release)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Setups)) {
		s := r.Setups[name]
		if s.Unsupported != "" && (s.Digest != "" || len(s.Facts) > 0) {
			return fmt.Errorf("setup %s: unsupported, and yet it has a digest or facts", name)
		}
		if s.Unsupported == "" && s.Digest == "" {
			return fmt.Errorf("setup %s: no digest", name)
		}
		for _, f := range slices.Sorted(maps.Keys(s.Facts)) {
			if err := s.Facts[f].check(); err != nil {
				return fmt.Errorf("setup %s: fact %s: %w", name, f, err)
			}
		}
	}
	return nil
}

func (e Entry) check() error {
	if e.Value.IsValid() != (len(e.By) > 0) {
		return errors.New("a value and who saw it go together")
	}
	if len(e.By)+len(e.Unseen) == 0 {
		return errors.New("no witness said anything of it")
	}
	for i, w := range e.By {
		if w == "" {
			return errors.New("a witness without a name saw it")
		}
		if i > 0 && e.By[i-1] >= w {
			return fmt.Errorf("by is not sorted, or names %s twice", w)
		}
		if _, ok := e.Unseen[w]; ok {
			return fmt.Errorf("%s both saw it and did not", w)
		}
	}
	for _, w := range slices.Sorted(maps.Keys(e.Unseen)) {
		if u := e.Unseen[w]; u.Cause != observe.CauseRelease || u.Reason == "" {
			return fmt.Errorf("%s: only a reason of the release is recorded, not %q %q", w, u.Cause, u.Reason)
		}
	}
	return nil
}
