package show

import (
	"encoding/json"
	"io"
	"math"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// schema is the version of the lines.
const schema = 1

type intervalJSON struct {
	Median     float64 `json:"median"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	N          int     `json:"n"`
	Confidence float64 `json:"confidence"`
}

// number keeps what JSON cannot say out of it: the interval of too few runs is infinite.
func number(i startup.Interval) *intervalJSON {
	if i.N == 0 {
		return nil
	}
	finite := func(v float64) float64 {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return i.Median
		}
		return v
	}
	return &intervalJSON{i.Median, finite(i.Low), finite(i.High), i.N, i.Confidence}
}

type programJSON struct {
	Schema   int            `json:"schema"`
	Kind     string         `json:"kind"` // program
	Program  string         `json:"program"`
	Path     string         `json:"path"`
	Args     []string       `json:"args,omitempty"`
	Release  string         `json:"release,omitempty"`
	As       string         `json:"as,omitempty"`
	Until    string         `json:"until"`
	Whole    *intervalJSON  `json:"whole_ns"`
	Bare     *intervalJSON  `json:"bare_ns"`
	Observer *intervalJSON  `json:"observer"`
	Probe    *intervalJSON  `json:"probe_ns,omitempty"`
	Rounds   int            `json:"rounds"`
	Lost     int            `json:"lost"`
	Ends     map[string]int `json:"ends"`
	Changed  bool           `json:"changed"`
	Moved    string         `json:"moved,omitempty"`
}

type milestoneJSON struct {
	Schema    int           `json:"schema"`
	Kind      string        `json:"kind"` // milestone
	Program   string        `json:"program"`
	Milestone string        `json:"milestone"`
	Stop      string        `json:"stop,omitempty"`
	Next      string        `json:"next,omitempty"`
	Aside     bool          `json:"aside,omitempty"`
	At        *intervalJSON `json:"at_ns,omitempty"`
	Takes     *intervalJSON `json:"takes_ns,omitempty"`
	Cheap     bool          `json:"cheap"`
	Missing   string        `json:"missing,omitempty"`
}

// JSONL writes a line for the program, and one for each milestone, with or without a time.
func JSONL(w io.Writer, r startup.Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	program := name(r)
	if err := e.Encode(programJSON{
		Schema: schema, Kind: "program", Program: program, Path: r.Program.Path, Args: r.Program.Args, Release: r.Release, As: r.Program.As.Name,
		Until: r.Until, Whole: number(r.Whole), Bare: number(r.Bare), Observer: number(r.Observer), Probe: number(r.Probe),
		Rounds: r.Rounds, Lost: r.Lost, Ends: r.Ends, Changed: r.Changed, Moved: r.Moved,
	}); err != nil {
		return err
	}
	for _, t := range r.Timings {
		cheap := true
		for _, s := range t.Sites {
			cheap = cheap && s.Cheap
		}
		if err := e.Encode(milestoneJSON{
			Schema: schema, Kind: "milestone", Program: program, Milestone: t.Name, Stop: t.Stop, Next: t.Next, Aside: t.Aside,
			At: number(t.At), Takes: number(t.Takes), Cheap: cheap,
		}); err != nil {
			return err
		}
	}
	for _, m := range r.Missing {
		if err := e.Encode(milestoneJSON{Schema: schema, Kind: "milestone", Program: program, Milestone: m.Name, Missing: m.Reason}); err != nil {
			return err
		}
	}
	return nil
}
