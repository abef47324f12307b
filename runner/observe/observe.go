// Package observe says what a witness is given and what it answers. The
// witnesses themselves (delve, gdb, static, uprobe) live below it, one folder each; only cli
// knows them all.
package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/place"
)

// ErrMachine is wrapped by Ready and Observe when the reason lies in this
// machine (no gdb, no rights to trace): the facts are then untested, which is
// never drift. The text around it says what is missing and how to get it.
var ErrMachine = errors.New("not possible on this machine")

// ErrRelease is wrapped by Observe when this witness cannot look at this kind
// of binary at all (another GOOS or GOARCH for a debugger).
var ErrRelease = errors.New("not possible for this build")

// Script is one subject's table of stops for one witness.
type Script struct {
	Subject string `json:"subject"`
	Path    string `json:"path"` // where a person finds it; for messages
	Source  string `json:"source"`
}

// Request is one start of one setup: everything a witness needs to know.
type Request struct {
	Binary string `json:"binary"` // absolute path of the built fixture
	// Making is set when Binary is no program but the account of how one is made (making.Account).
	Making bool `json:"making,omitempty"`
	// Beside is another binary that this one is compared with; "" = none.
	Beside string `json:"beside,omitempty"`
	// Args is argv without argv[0]; argv[0] is Binary.
	Args []string `json:"args"`
	// Env is the whole environment of the fixture, the same for every witness.
	Env     []string `json:"env"`
	Release string   `json:"release"` // "go1.26.8", as the toolchain calls itself
	GOOS    string   `json:"goos"`
	GOARCH  string   `json:"goarch"`
	// Lib is the witness's library of words (lib.star, shim.py).
	Lib     Script   `json:"lib"`
	Scripts []Script `json:"scripts"`
	// Places are the stops of all scripts, resolved, in no order.
	Places []place.Place `json:"places"`
	// Specs are the facts the scripts may return.
	Specs fact.Catalogue `json:"specs"`
	// Timeout bounds the whole observation, start and end included.
	Timeout time.Duration `json:"timeout"`
}

// Cause is the kind of reason why a fact was not seen.
type Cause string

// The two kinds of reasons; see Seen.
const (
	CauseRelease Cause = "release" // lies in the build (inlined, optimised out, other system): compared with the recordings
	CauseMachine Cause = "machine" // lies in this machine (no gdb, no rights): never drift
)

// Unseen says why a witness did not see a fact.
type Unseen struct {
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason"`
}

// Seen is what one witness says of one fact: exactly one of the three is set.
type Seen struct {
	Value  fact.Value `json:"value,omitzero"`
	Unseen *Unseen    `json:"unseen,omitempty"`
	// Broken is the error of a script or tool, with file and line where there is one.
	Broken string `json:"broken,omitempty"`
}

// SeenValue returns a Seen with a value.
func SeenValue(v fact.Value) Seen { return Seen{Value: v} }

// NotSeen returns a Seen with a reason of the given kind.
func NotSeen(c Cause, format string, args ...any) Seen {
	return Seen{Unseen: &Unseen{Cause: c, Reason: fmt.Sprintf(format, args...)}}
}

// Broke returns a Seen with an error.
func Broke(format string, args ...any) Seen { return Seen{Broken: fmt.Sprintf(format, args...)} }

// Observation is what one witness saw in one start of one setup. Facts has an
// entry for every fact of Request.Specs whose subject has a script in
// Request.Scripts.
type Observation struct {
	Witness string          `json:"witness"`
	Tool    string          `json:"tool"` // "delve 1.27.2", "gdb 13.1"
	Facts   map[string]Seen `json:"facts"`
	// Passed are the stops in the order in which they were first passed; a range
	// is passed at its beginning, be its end reached or not.
	Passed   []string      `json:"passed"`
	Warnings []string      `json:"warnings,omitempty"`
	Duration time.Duration `json:"duration"`
}

// Witness looks at a built setup. Implementations must be safe for concurrent
// use and leave no process or file behind, also when ctx ends.
type Witness interface {
	// Name is "delve", "gdb", "static" or "ebpf".
	Name() string
	// Ready returns nil, or an error that wraps ErrMachine and says what is
	// missing and how to get it. It is cheap after the first call.
	Ready(ctx context.Context) error
	// Observe starts the setup once. An error means that nothing was seen: it
	// wraps ErrMachine, ErrRelease, or anything else (broken).
	Observe(ctx context.Context, req Request) (Observation, error)
}
