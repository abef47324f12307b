package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/place"
)

// Walk is what a witness saw before anybody judged it against the catalogue:
// which script function answered what, where. It is the shape in which shim.py
// and the Delve child report; Collect turns it into facts.
type Walk struct {
	Tool string `json:"tool"`
	// Served are the calls of script functions in the order in which they were made.
	Served []Served `json:"served"`
	// Passed are the stops in the order in which they were first passed; a range
	// is passed at its beginning.
	Passed []string `json:"passed"`
	// Failed has, by subject, the error of a script that could not be read at
	// all (it does not parse, it raises while loading, it has no table).
	Failed map[string]string `json:"failed,omitempty"`
	// Interrupted says why the walk was given up before the program ended or
	// every stop was served; "" when it was not. What was not passed by then is
	// broken, not unseen: one cannot know whether it would have been.
	Interrupted string   `json:"interrupted,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
}

// Served is one call of one function of one script's table. A range calls its
// function at every instruction and is served once, when its end is reached,
// with the last value of every fact: half of a range is no value. A range that
// was passed and that nobody served is one whose end was not reached.
type Served struct {
	Subject string `json:"subject"`
	Stop    string `json:"stop"`
	// Facts is the JSON object the function returned; null is read as {}.
	Facts json.RawMessage `json:"facts,omitempty"`
	// Error is what the function raised, with file and line of the script.
	Error string `json:"error,omitempty"`
}

// Collect maps a walk to the facts of the subjects that have a script in the
// request, and returns the warnings that belong into the observation.
//
// The last value a function returned wins. A fact that was returned where the
// catalogue does not list it, or with another type, is broken whatever else was
// returned for it. A fact without a value is broken when a function at one of
// its stops raised, absent when all its stops are gone from the release, and
// otherwise unseen, or broken when every stop was served and nobody returned it.
func Collect(req Request, w Walk) (facts map[string]Seen, warnings []string) {
	c := collector{
		req:    req,
		walk:   w,
		path:   map[string]string{},
		place:  map[string]place.Place{},
		value:  map[string]fact.Value{},
		broken: map[string]string{},
		served: map[call]*outcome{},
		ended:  map[string]bool{},
	}
	for _, s := range req.Scripts {
		c.path[s.Subject] = s.Path
	}
	for _, p := range req.Places {
		c.place[p.Stop] = p
	}
	for _, s := range w.Served {
		c.take(s)
	}
	facts = map[string]Seen{}
	for name, spec := range req.Specs {
		subject := fact.Subject(name)
		if _, asked := c.path[subject]; !asked {
			continue
		}
		if message, failed := w.Failed[subject]; failed {
			facts[name] = Seen{Broken: message}
			continue
		}
		facts[name] = c.seen(name, spec)
	}
	for _, name := range c.unknown {
		facts[name] = Seen{Broken: c.broken[name]}
		c.warnings = append(c.warnings, c.broken[name])
	}
	return facts, append(slices.Clone(w.Warnings), c.warnings...)
}

// call names one entry of one script's table.
type call struct{ subject, stop string }

// outcome is what became of all calls of one entry.
type outcome struct {
	raised  string
	strange []string // names it returned that the catalogue does not know
}

type collector struct {
	req      Request
	walk     Walk
	path     map[string]string // by subject
	place    map[string]place.Place
	value    map[string]fact.Value
	broken   map[string]string
	served   map[call]*outcome
	ended    map[string]bool // the stops that were served for any script
	unknown  []string        // facts that are in no catalogue, in the order returned
	warnings []string
}

// take reads what one call returned.
func (c *collector) take(s Served) {
	key := call{s.Subject, s.Stop}
	c.ended[s.Stop] = true
	out := c.served[key]
	if out == nil {
		out = &outcome{}
		c.served[key] = out
	}
	if s.Error != "" {
		if out.raised == "" {
			out.raised = s.Error
		}
		return
	}
	where := fmt.Sprintf("%s: at %s", c.path[s.Subject], s.Stop)
	returned, err := object(s.Facts)
	if err != nil {
		out.raised = fmt.Sprintf("%s: %v", where, err)
		return
	}
	names := slices.Sorted(maps.Keys(returned))
	for _, name := range names {
		if fact.Subject(name) != s.Subject {
			// All of it is dropped, or nobody would notice.
			out.raised = fmt.Sprintf("%s: returned %s, a fact of another subject", where, name)
			return
		}
	}
	for _, name := range names {
		spec, known := c.req.Specs[name]
		if !known {
			out.strange = append(out.strange, name)
			if _, twice := c.broken[name]; !twice {
				c.broken[name] = fmt.Sprintf("%s: returned %s, which is not in the catalogue (scripts/%s.yaml)", where, name, s.Subject)
				c.unknown = append(c.unknown, name)
			}
			continue
		}
		if !slices.Contains(spec.At, s.Stop) {
			c.breakFact(name, "%s: returned %s, but the catalogue lists it at %s only", where, name, strings.Join(spec.At, ", "))
			continue
		}
		v, err := fact.Of(returned[name])
		if err != nil {
			c.breakFact(name, "%s: %s: %v", where, name, err)
			continue
		}
		if !spec.Type.Fits(v) {
			c.breakFact(name, "%s: %s is %s, but the catalogue says %s", where, name, clip(fmt.Sprint(returned[name])), spec.Type)
			continue
		}
		c.value[name] = spec.Type.Write(v)
	}
}

// breakFact keeps the first thing that was wrong with a fact.
func (c *collector) breakFact(name, format string, args ...any) {
	if _, already := c.broken[name]; !already {
		c.broken[name] = fmt.Sprintf(format, args...)
	}
}

// seen says what became of one fact of the catalogue.
func (c *collector) seen(name string, spec fact.Spec) Seen {
	if message, ok := c.broken[name]; ok {
		return Seen{Broken: message}
	}
	if v, ok := c.value[name]; ok {
		return SeenValue(v)
	}
	var (
		absent, mine     int
		unplaced, missed *place.Place
		leftOut          []string
		strange          []string
	)
	subject := fact.Subject(name)
	for _, stop := range spec.At {
		if out := c.served[call{subject, stop}]; out != nil {
			if out.raised != "" {
				return Seen{Broken: out.raised}
			}
			mine++
			leftOut = append(leftOut, stop)
			strange = append(strange, out.strange...)
			continue
		}
		p, ok := c.place[stop]
		switch {
		case !ok:
			continue
		case p.State == place.Absent:
			absent++
		case p.State == place.Unplaced:
			if unplaced == nil {
				unplaced = &p
			}
		case slices.Contains(c.walk.Passed, stop) && (len(p.To) == 0 || c.ended[stop]):
			// Passed for another script's sake: this one has no such entry.
			continue
		default:
			if missed == nil {
				missed = &p
			}
		}
		mine++
	}
	switch {
	case mine == 0:
		return NotSeen(CauseRelease, "no script of this witness reads it (its stops: %s)", strings.Join(spec.At, ", "))
	case absent == mine:
		return SeenValue(fact.AbsentValue())
	case unplaced != nil:
		reason := unplaced.Reason
		if reason == "" {
			reason = unplaced.Stop + " has no address of its own"
		}
		return NotSeen(CauseRelease, "%s", reason)
	case missed != nil && c.walk.Interrupted != "":
		return Broke("%s was not passed: %s", missed.Stop, c.walk.Interrupted)
	case missed != nil && slices.Contains(c.walk.Passed, missed.Stop):
		return NotSeen(CauseRelease, "the end of %s was not reached before the program ended", missed.Stop)
	case missed != nil:
		return NotSeen(CauseRelease, "%s was not passed before the program ended", missed.Stop)
	}
	message := fmt.Sprintf("%s: the function at %s did not return %s (return None for what is gone from the release)",
		c.path[subject], strings.Join(leftOut, ", "), name)
	if len(strange) > 0 {
		message += "; it returned " + strings.Join(slices.Compact(strange), ", ") + ", which the catalogue does not know"
	}
	return Seen{Broken: message}
}

// object reads the JSON object a function returned; integers stay exact.
func object(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("read what the function returned: %w", err)
	}
	switch x := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return x, nil
	}
	return nil, fmt.Errorf("the function returned %s, not a dict of facts", clip(string(raw)))
}

// clip keeps a value in a message short.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
