package gdb

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// report is what drive.py wrote until it, or gdb, came to an end.
type report struct {
	walk  observe.Walk
	pid   int  // of the fixture; 0 = it was not started
	ended bool // the last line is there
	// calling is the call that has begun and not ended: what gdb died of, or
	// the last one of a range that has not ended.
	calling *observe.Served
}

// line is one line of the report: exactly one field is set.
type line struct {
	Pid     int               `json:"pid"`
	Passed  string            `json:"passed"`
	Calling *observe.Served   `json:"calling"`
	Served  *observe.Served   `json:"served"`
	Failed  map[string]string `json:"failed"`
	Warning string            `json:"warning"`
	End     *struct {
		Interrupted string `json:"interrupted"`
	} `json:"end"`
}

// readReport reads the lines that are whole. Every line is written at once, so
// that at most the last one is not; a missing file is an empty report.
func readReport(path string) report {
	var r report
	data, err := os.ReadFile(path)
	if err != nil {
		return r
	}
	for {
		text, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return r
		}
		data = rest
		var l line
		if json.Unmarshal(text, &l) != nil {
			return r
		}
		switch {
		case l.Pid != 0:
			r.pid = l.Pid
		case l.Passed != "":
			r.walk.Passed = append(r.walk.Passed, l.Passed)
		case l.Calling != nil:
			r.calling = l.Calling
		case l.Served != nil:
			r.calling = nil
			r.walk.Served = append(r.walk.Served, *l.Served)
		case l.Failed != nil:
			if r.walk.Failed == nil {
				r.walk.Failed = map[string]string{}
			}
			maps.Copy(r.walk.Failed, l.Failed)
		case l.Warning != "":
			r.walk.Warnings = append(r.walk.Warnings, l.Warning)
		case l.End != nil:
			r.walk.Interrupted = l.End.Interrupted
			r.ended = true
		}
	}
}
