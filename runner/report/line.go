// Package report writes what was judged: JSON lines, a report for terminals, a
// matrix of claims and releases. The lines are the one machine truth;
// everything else here is a pure function of them and of a Style.
package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Schema is the version of the JSON lines.
const Schema = 1

// Line is one claim judged on one release.
type Line struct {
	Schema  int           `json:"schema"`
	Lab     string        `json:"lab"`
	Claim   string        `json:"claim"`
	Setup   string        `json:"setup"`
	Release string        `json:"release"` // the resolved name: "go1.26.8"
	GOOS    string        `json:"goos"`
	GOARCH  string        `json:"goarch"`
	Outcome judge.Outcome `json:"outcome"`
	// Recorded is the outcome of the recording, nil where nothing is recorded.
	Recorded *judge.Outcome `json:"recorded"`
	Drift    bool           `json:"drift"`
	Fact     string         `json:"fact"`
	Unit     string         `json:"unit"`
	Want     string         `json:"want"`
	// Saw and Unseen are by witness.
	Saw    map[string]fact.Value     `json:"saw"`
	Unseen map[string]observe.Unseen `json:"unseen"`
	// Reason is why it is untested or broken, and what drifted.
	Reason     string `json:"reason"`
	DurationMS int64  `json:"duration_ms"`
}

// value is what all witnesses that saw the fact agree on.
func (l Line) value() (fact.Value, bool) { return judge.Verdict{Saw: l.Saw}.Value() }

// cause is the kind of reason of an untested line: what no witness was asked
// for (an unobservable claim) is nobody's machine's fault.
func (l Line) cause() observe.Cause {
	for _, u := range l.Unseen {
		if u.Cause != observe.CauseRelease {
			return observe.CauseMachine
		}
	}
	return observe.CauseRelease
}

// key says which lines are about the same thing.
func (l Line) key() [6]string {
	return [6]string{l.Lab, l.Claim, l.Setup, l.Release, l.GOOS, l.GOARCH}
}

// JSONLines writes one object per line, in the order given.
func JSONLines(w io.Writer, lines []Line) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		l.Schema = Schema
		if l.Saw == nil {
			l.Saw = map[string]fact.Value{}
		}
		if l.Unseen == nil {
			l.Unseen = map[string]observe.Unseen{}
		}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write JSON line of %s on %s: %w", l.Claim, l.Release, err)
		}
	}
	return nil
}

// ErrLine is wrapped by Read when a line is not one of ours, or two lines
// contradict each other.
var ErrLine = errors.New("not a JSON line of rt0lab")

// Read reads JSON lines and merges the shards of a matrix: the same claim on
// the same release may stand in several shards if they say the same of it (how
// long it took aside). It is strict: every key must be there, and no other.
// The lines come back sorted by release, platform and lab; within a lab they
// stay in their order.
func Read(shards ...io.Reader) ([]Line, error) {
	var all []Line
	from := map[[6]string]int{}
	for n, r := range shards {
		where := func(line int) string {
			if len(shards) == 1 {
				return fmt.Sprintf("line %d", line)
			}
			return fmt.Sprintf("shard %d, line %d", n+1, line)
		}
		in := bufio.NewReader(r)
		for number := 1; ; number++ {
			text, err := in.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("read JSON lines: %s: %w", where(number), err)
			}
			if text = bytes.TrimSpace(text); len(text) > 0 {
				l, wrong := parse(text)
				if wrong != nil {
					return nil, fmt.Errorf("read JSON lines: %s: %w: %w", where(number), ErrLine, wrong)
				}
				if i, twice := from[l.key()]; !twice {
					from[l.key()] = len(all)
					all = append(all, l)
				} else if !sameLine(all[i], l) {
					return nil, fmt.Errorf("read JSON lines: %s: %w: it contradicts an earlier line on %s on %s (were the shards made by the same run?)",
						where(number), ErrLine, l.Claim, l.Release)
				}
			}
			if err != nil {
				break
			}
		}
	}
	sortLines(all)
	return all, nil
}

// keys are those of a line, taken from the struct so that they cannot differ.
var keys = func() map[string]bool {
	all := map[string]bool{}
	for field := range reflect.TypeFor[Line]().Fields() {
		all[field.Tag.Get("json")] = true
	}
	return all
}()

func parse(text []byte) (l Line, err error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return l, err
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if !keys[key] {
			return l, fmt.Errorf("unknown key %q", key)
		}
		if bytes.Equal(raw[key], []byte("null")) && key != "recorded" {
			return l, fmt.Errorf("%s is null", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if _, ok := raw[key]; !ok {
			return l, fmt.Errorf("key %q is missing", key)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, err
	}
	return l, l.check()
}

func (l Line) check() error {
	switch {
	case l.Schema != Schema:
		return fmt.Errorf("schema %d, this rt0lab reads %d", l.Schema, Schema)
	case l.Lab == "" || l.Claim == "" || l.Release == "" || l.GOOS == "" || l.GOARCH == "":
		return errors.New("lab, claim, release, goos or goarch is empty")
	case !slices.Contains(judge.Outcomes, l.Outcome):
		return fmt.Errorf("outcome %q is none of %s", l.Outcome, words(judge.Outcomes))
	case l.Recorded != nil && !slices.Contains(judge.Outcomes, *l.Recorded):
		return fmt.Errorf("recorded %q is none of %s", *l.Recorded, words(judge.Outcomes))
	case l.Drift && l.Recorded == nil:
		return errors.New("drift, and yet nothing is recorded")
	}
	return nil
}

func words(outcomes []judge.Outcome) string {
	var all []string
	for _, o := range outcomes {
		all = append(all, string(o))
	}
	return strings.Join(all, ", ")
}

func sameLine(a, b Line) bool {
	a.DurationMS, b.DurationMS = 0, 0
	x, errx := json.Marshal(a)
	y, erry := json.Marshal(b)
	return errx == nil && erry == nil && bytes.Equal(x, y)
}
