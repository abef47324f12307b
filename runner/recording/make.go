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

// Input is what a recording is made of.
type Input struct {
	Lab       *lab.Lab
	Catalogue fact.Catalogue
	Release   string
	// GOOS and GOARCH choose the setups of the lab: only those of this platform
	// are recorded, and all of them that a claim looks at must be there.
	GOOS, GOARCH string
	Tools        map[string]string
	Host         Host
	Setups       map[string]Observed // by name
}

// Observed is what the witnesses saw in one setup.
type Observed struct {
	Digest string
	// Unsupported says why this release cannot build the setup; nothing was observed then.
	Unsupported string
	Facts       map[string]map[string]observe.Seen // by fact, by witness
}

// Platform is a system that setups are built for.
type Platform struct{ GOOS, GOARCH string }

// PlatformOf is the platform of a setup: linux/amd64 unless it says otherwise.
func PlatformOf(s *lab.Setup) Platform {
	if s == nil {
		s = &lab.Setup{} // an unobservable claim needs none
	}
	goos, goarch := s.System()
	return Platform{goos, goarch}
}

// ErrIncomplete is wrapped by Make when something a claim asks for was not
// seen well enough to be recorded.
var ErrIncomplete = errors.New("cannot be recorded")

// Make makes a recording. What the claims of the lab ask for must have been
// seen by every witness they name, or be out of sight because of the release;
// a broken or missing witness, one this machine lacks, or a disagreement is an
// error that lists all of them.
//
// Facts nobody claims anything of come along where somebody saw them; leftOut
// names those that were broken or seen differently, and why.
func Make(in Input) (r *Recording, leftOut []string, err error) {
	m := &maker{in: in, asked: map[string]map[string][]string{}, lacks: map[string][]string{}}
	r = &Recording{
		Lab: in.Lab.ID, Release: in.Release, GOOS: in.GOOS, GOARCH: in.GOARCH,
		Tools: maps.Clone(in.Tools), Host: in.Host, Setups: map[string]*Setup{},
	}
	m.ask()
	for _, name := range slices.Sorted(maps.Keys(m.asked)) {
		obs, ok := in.Setups[name]
		if !ok {
			m.fault("setup %s was not observed", name)
			continue
		}
		r.Setups[name] = m.setup(name, obs)
	}
	for _, lack := range slices.Sorted(maps.Keys(m.lacks)) {
		m.fault("%s (%s)", lack, some(m.lacks[lack]))
	}
	if len(m.faults) == 0 {
		if err := r.check(); err != nil {
			m.fault("%v", err)
		}
	}
	if len(m.faults) > 0 {
		return nil, nil, fmt.Errorf("record %s on %s %s/%s: %w:\n  %s", in.Lab.ID, in.Release, in.GOOS, in.GOARCH,
			ErrIncomplete, strings.Join(m.faults, "\n  "))
	}
	return r, m.leftOut, nil
}

type maker struct {
	in      Input
	asked   map[string]map[string][]string // setup → fact → witnesses
	faults  []string
	lacks   map[string][]string // what this machine lacks → the facts
	leftOut []string
}

func (m *maker) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// ask collects what the claims of this platform want to know.
func (m *maker) ask() {
	here := Platform{m.in.GOOS, m.in.GOARCH}
	for _, c := range m.in.Lab.Claims {
		if c.Unobservable.En != "" || PlatformOf(m.in.Lab.Setups[c.Setup]) != here {
			continue
		}
		facts := m.asked[c.Setup]
		if facts == nil {
			facts = map[string][]string{}
			m.asked[c.Setup] = facts
		}
		all := slices.Concat(facts[c.Fact], c.Witnesses)
		slices.Sort(all)
		facts[c.Fact] = slices.Compact(all)
	}
}

func (m *maker) setup(name string, obs Observed) *Setup {
	if obs.Unsupported != "" {
		return &Setup{Unsupported: obs.Unsupported}
	}
	s := &Setup{Digest: obs.Digest, Facts: map[string]Entry{}}
	for _, f := range slices.Sorted(maps.Keys(m.asked[name])) {
		if e, ok := m.claimed(name, f, m.asked[name][f], obs.Facts[f]); ok {
			s.Facts[f] = e
		}
	}
	for _, f := range slices.Sorted(maps.Keys(obs.Facts)) {
		if _, ok := m.asked[name][f]; ok {
			continue
		}
		if e, ok := m.unclaimed(name, f, obs.Facts[f]); ok {
			s.Facts[f] = e
		}
	}
	return s
}

// claimed records a fact that claims ask the witnesses for.
func (m *maker) claimed(setup, name string, witnesses []string, seen map[string]observe.Seen) (Entry, bool) {
	// judge.Claim sorts the answers; its predicate is of no interest here.
	v := judge.Claim(&lab.Claim{Fact: name, Witnesses: witnesses, Expect: lab.Predicate{Present: true}}, seen)
	if v.Outcome == judge.Broken {
		m.fault("%s in setup %s: %s", name, setup, v.Reason)
		return Entry{}, false
	}
	whole := true
	for w, u := range v.Unseen {
		if u.Cause != observe.CauseRelease {
			key := fmt.Sprintf("%s is needed and cannot be had: %s", w, u.Reason)
			m.lacks[key] = append(m.lacks[key], name)
			whole = false
		}
	}
	return m.entry(name, v), whole
}

// unclaimed records a fact that comes along.
func (m *maker) unclaimed(setup, name string, seen map[string]observe.Seen) (Entry, bool) {
	var saw []string
	for _, w := range slices.Sorted(maps.Keys(seen)) {
		if seen[w].Broken != "" {
			m.leftOut = append(m.leftOut, fmt.Sprintf("%s in setup %s: %s: %s", name, setup, w, seen[w].Broken))
			return Entry{}, false
		}
		if seen[w].Value.IsValid() {
			saw = append(saw, w)
		}
	}
	if len(saw) == 0 {
		return Entry{}, false
	}
	v := judge.Claim(&lab.Claim{Fact: name, Witnesses: saw, Expect: lab.Predicate{Present: true}}, seen)
	if v.Outcome == judge.Broken {
		// Each witness starts the fixture for itself: what differs from run to
		// run may differ between them, and is nothing to tell anybody.
		if m.in.Catalogue[name].Compare != fact.CompareRun {
			m.leftOut = append(m.leftOut, fmt.Sprintf("%s in setup %s: %s", name, setup, v.Reason))
		}
		return Entry{}, false
	}
	return m.entry(name, v), true
}

func (m *maker) entry(name string, v judge.Verdict) Entry {
	e := Entry{By: slices.Sorted(maps.Keys(v.Saw))}
	if value, ok := v.Value(); ok {
		e.Value = m.in.Catalogue[name].Type.Write(value)
	}
	if len(v.Unseen) > 0 {
		e.Unseen = v.Unseen
	}
	return e
}

// some names the first few of many facts.
func some(facts []string) string {
	slices.Sort(facts)
	facts = slices.Compact(facts)
	const most = 3
	if len(facts) <= most {
		return strings.Join(facts, ", ")
	}
	return fmt.Sprintf("%s and %d more facts", strings.Join(facts[:most], ", "), len(facts)-most)
}
