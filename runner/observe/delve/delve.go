// Package delve is the witness that looks at a fixture with Delve, used as a
// library. A live Delve waits for any child of its process, so each
// observation has a process of its own: the program that embeds this package
// starts itself again with a hidden argument and calls Child there. The
// fixture is that process's only child.
package delve

import (
	"time"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// Name is what this witness calls itself in observations.
const Name = "delve"

// order is what the parent sends to the child, as JSON on the child's standard
// input. The parent keeps that pipe open: its end tells the child that the
// parent is gone, however it went.
type order struct {
	// Probe asks only whether this process may trace a child at all.
	Probe   bool            `json:"probe,omitempty"`
	Request observe.Request `json:"request"`
	// Deadline is when the child gives up by itself and reports what it has.
	Deadline time.Time `json:"deadline"`
}

// answer is what the child sends back on the pipe resultFD.
type answer struct {
	Walk observe.Walk `json:"walk"`
	// Error says why nothing was seen.
	Error string `json:"error,omitempty"`
	// Machine is set when the reason lies in this machine; otherwise it is broken.
	Machine bool `json:"machine,omitempty"`
}

// resultFD is the child's descriptor for its answer. It is none of the first
// three, because Delve writes to standard error and standard output.
const resultFD = 3

// debugArg is the argument of a child that a person talks to.
const debugArg = "debug"

// The descriptors of such a child, whose first three are the person's.
const (
	orderFD  = 3 // one sitting as JSON; its end tells that the parent is gone
	answerFD = 4
)
