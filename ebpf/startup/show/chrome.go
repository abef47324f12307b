package show

import (
	"encoding/json"
	"io"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// event is one of the trace event format that chrome://tracing and Perfetto open. Times are in microseconds.
type event struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     float64        `json:"ts"`
	Duration float64        `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// Threads of a process in the trace.
const (
	mainThread  = 1
	otherThread = 2
)

// Chrome writes the programs as processes of one trace. No such run has happened:
// the spans are as long as their medians, and stand end to end.
func Chrome(w io.Writer, results []startup.Result) error {
	var events []event
	for i, r := range results {
		pid := i + 1
		events = append(events,
			event{Name: "process_name", Phase: "M", Process: pid, Args: map[string]any{"name": title(r)}},
			event{Name: "thread_name", Phase: "M", Process: pid, Thread: mainThread, Args: map[string]any{"name": "first thread"}},
			event{Name: "thread_name", Phase: "M", Process: pid, Thread: otherThread, Args: map[string]any{"name": "other threads"}},
		)
		at := 0.0
		for _, t := range r.Timings {
			if t.Aside {
				events = append(events, event{Name: t.Name, Category: "start", Phase: "i", Time: t.At.Median / 1e3, Process: pid, Thread: otherThread, Scope: "t", Args: map[string]any{"what": t.What}})
				continue
			}
			long := max(t.Takes.Median, 0) / 1e3
			events = append(events, event{
				Name: t.Name, Category: "start", Phase: "X", Time: at, Duration: long, Process: pid, Thread: mainThread,
				Args: map[string]any{"what": t.What, "until": t.Next, "takes_ns": number(t.Takes), "at_ns": number(t.At)},
			})
			at += long
		}
		events = append(events, event{Name: r.Until, Category: "start", Phase: "i", Time: at, Process: pid, Thread: mainThread, Scope: "p", Args: map[string]any{"whole_ns": number(r.Whole), "observer": number(r.Observer)}})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ns"})
}
