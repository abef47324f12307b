// Package uprobe is the witness that needs no debugger: the kernel notes
// which places the program passes, in which order, on which thread and
// goroutine, and which system calls it makes. The program is neither stopped
// nor stepped, and runs all but undisturbed.
//
// Its scripts are Starlark tables (scripts/ebpf/SUBJECT.star). Their
// functions are called when the run is over, in the order in which the
// places were passed; their words are the builtins of this package, and none of
// them reads memory: there is none any more.
package uprobe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/table"
	"github.com/rt0lab/rt0lab/runner/place"
)

// Name is what this witness calls itself in observations.
const Name = "ebpf"

// version counts the changes of this package and of package ebpf that can change a fact.
const version = 1

// Witness looks with probes. The zero value is ready; it may be used concurrently.
type Witness struct {
	// Ring is the room for events in bytes; 0 means ebpf.DefaultRing.
	Ring int
}

var _ observe.Witness = Witness{}

// Name is "ebpf".
func (Witness) Name() string { return Name }

// Ready says what this machine lacks for probes.
func (Witness) Ready(context.Context) error { return machine(ebpf.Ready()) }

// machine marks the errors whose reason lies in this machine.
func machine(err error) error {
	if errors.Is(err, ebpf.ErrRights) || errors.Is(err, ebpf.ErrFeature) {
		return fmt.Errorf("observe with eBPF: %w: %w", observe.ErrMachine, err)
	}
	if err != nil {
		return fmt.Errorf("observe with eBPF: %w", err)
	}
	return nil
}

// Observe starts the setup once. It ends when all places of the scripts were
// passed, or with the program when a script asks for its end. When events were lost nothing is
// told: an order with a hole is no order.
func (w Witness) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	begin := time.Now()
	if req.GOOS != "linux" || req.GOARCH != "amd64" {
		return observe.Observation{}, fmt.Errorf("observe with eBPF: %w: built for %s/%s, and probes are put into linux/amd64 only", observe.ErrRelease, req.GOOS, req.GOARCH)
	}
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, req.Timeout, errDeadline)
		defer cancel()
	}
	s := newSession(req)
	walk := s.load(ctx)
	if len(s.tables) == 0 {
		return s.observation(walk, begin), nil // no start is needed to tell that no script can be read
	}
	if err := s.plan(); err != nil {
		return observe.Observation{}, fmt.Errorf("observe with eBPF: %w", err)
	}
	if err := s.run(ctx, w.Ring); err != nil {
		return observe.Observation{}, machine(err)
	}
	switch cause := context.Cause(ctx); {
	case cause == nil || s.complete():
	case !errors.Is(cause, errDeadline):
		return observe.Observation{}, fmt.Errorf("observe with eBPF: %w", cause)
	default:
		walk.Interrupted = fmt.Sprintf("the program was stopped after %s", req.Timeout)
	}
	// The time for the program is over; the functions have a limit of their own.
	s.serve(context.WithoutCancel(ctx), &walk)
	return s.observation(walk, begin), nil
}

// errDeadline tells the request's own deadline from an end of the caller's context.
var errDeadline = errors.New("deadline of the observation")

// observation turns the walk into facts. Places that no table of this witness has are
// not its business: a fact seen only there is one that no script reads.
func (s *session) observation(walk observe.Walk, begin time.Time) observe.Observation {
	req := s.req
	req.Places = nil
	for _, p := range s.places {
		if s.asks(p.Stop) {
			req.Places = append(req.Places, p)
		}
	}
	facts, warnings := observe.Collect(req, walk)
	for name := range req.Specs {
		// At the same stop a debugger sees more, and says so: that is not left out here by mistake.
		if s.leaves(name, walk) {
			facts[name] = observe.NotSeen(observe.CauseRelease, "no script of this witness reads it")
		}
		// What the build left out is no fault of the script.
		if why := s.without[fact.Subject(name)]; why != nil && facts[name].Broken != "" {
			facts[name] = observe.NotSeen(observe.CauseRelease, "%v", why)
		}
	}
	return observe.Observation{
		Witness: Name, Tool: walk.Tool, Facts: facts, Passed: walk.Passed, Warnings: warnings,
		Duration: time.Since(begin),
	}
}

// leaves reports whether the script of a fact's subject neither names the fact nor returned it.
func (s *session) leaves(name string, walk observe.Walk) bool {
	for _, t := range s.tables {
		if t.Subject != fact.Subject(name) || spells(t.Source, name) {
			continue
		}
		_, returned := s.scripts.Facts()[name]
		return !returned && !slices.ContainsFunc(walk.Served, func(served observe.Served) bool { return served.Subject == t.Subject && served.Error != "" })
	}
	return false
}

// spells reports whether the name of a fact stands in a script, whole or as the
// beginning of a name that is put together ("cpu." + reg, "cpu.%s").
func spells(source, name string) bool {
	if strings.Contains(source, name) {
		return true
	}
	for i, c := range name {
		if c != '.' && c != '_' {
			continue
		}
		for _, end := range []string{`"`, "'", "%", "{"} {
			if strings.Contains(source, name[:i+1]+end) {
				return true
			}
		}
	}
	return false
}

// load reads the scripts.
func (s *session) load(ctx context.Context) observe.Walk {
	walk := observe.Walk{Tool: tool(), Failed: map[string]string{}, Passed: []string{}}
	for _, script := range s.req.Scripts {
		stops, err := s.scripts.Load(ctx, script)
		if err == nil && stops[place.Image] != nil {
			err = fmt.Errorf("stop %q is the static witness's", place.Image)
		}
		if err != nil {
			walk.Failed[script.Subject] = table.Message(script.Path, err)
			continue
		}
		s.tables = append(s.tables, subject{script, stops})
	}
	return walk
}

// serve calls the functions in the order of what was passed.
func (s *session) serve(ctx context.Context, walk *observe.Walk) {
	for _, p := range s.passings {
		if !slices.Contains(walk.Passed, p.stop) {
			walk.Passed = append(walk.Passed, p.stop)
		}
		s.now = p
		for _, t := range s.tables {
			at, ok := t.stops[p.stop]
			if !ok {
				continue
			}
			served := observe.Served{Subject: t.Subject, Stop: p.stop}
			facts, err := s.scripts.Call(ctx, t.Script, at)
			if served.Facts = facts; err != nil {
				served.Error = table.Message(t.Path, err)
			}
			for _, why := range []error{image.ErrNoDWARF, errNoType} {
				if errors.Is(err, why) {
					s.without[t.Subject] = why
				}
			}
			walk.Served = append(walk.Served, served)
		}
	}
}
