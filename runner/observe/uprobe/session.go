package uprobe

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/table"
	"github.com/rt0lab/rt0lab/runner/place"
)

// subject is one script's table.
type subject struct {
	observe.Script
	stops map[string]starlark.Callable
}

// session is one start of one program. It is used by one goroutine.
type session struct {
	req     observe.Request
	scripts table.Runner
	tables  []subject

	places []place.Place // those of the request as this witness sees them, and the end
	spots  []*spot
	probes []ebpf.Probe
	at     [][]*spot // by probe

	// nameless is why the numbers of goroutines cannot be read (no DWARF, no type in it);
	// without has, by subject, why scripts failed for it.
	nameless error
	without  map[string]error

	pid      uint32
	calls    []ebpf.Event // system calls, in their order
	passings []passing
	again    map[arrival]bool
	now      passing // what the words tell of
}

// spot is a place to be passed.
type spot struct {
	place.Place
	arrived int // how often until now
}

// passing is a spot that was passed.
type passing struct {
	stop  string
	event ebpf.Event
	calls int // how many system calls were made before
}

// arrival is a goroutine that was sent back to the beginning of a function by its check of the stack.
type arrival struct {
	probe int
	goid  uint64
}

func newSession(req observe.Request) *session {
	s := &session{req: req, again: map[arrival]bool{}, without: map[string]error{}}
	s.scripts.Words = s.words()
	s.places = append(slices.Clone(req.Places), place.Place{Stop: place.Exit, State: place.Placed, Hit: 1})
	return s
}

func (s *session) asks(stop string) bool {
	return slices.ContainsFunc(s.tables, func(t subject) bool { return t.stops[stop] != nil })
}

// names reports whether a script uses one of the words that begin so: what
// nobody asks for is not noted.
func (s *session) names(word string) bool {
	return slices.ContainsFunc(s.tables, func(t subject) bool { return strings.Contains(t.Source, word) })
}

// plan chooses where the probes stand. A place where none can stand becomes unplaced.
func (s *session) plan() error {
	img, err := image.Open(s.req.Binary)
	if err != nil {
		return err
	}
	var asked []uint64
	for _, p := range s.places {
		if s.asks(p.Stop) {
			asked = append(asked, p.Addrs...)
		}
	}
	choose := ebpf.NewChooser(img, asked)
	type position struct {
		addr  uint64
		first bool
	}
	byPosition := map[position]int{}
	for i, p := range s.places {
		if !s.asks(p.Stop) || p.State != place.Placed {
			continue
		}
		sites, err := choose.Sites(p)
		if err != nil {
			s.places[i] = place.Place{Stop: p.Stop, State: place.Unplaced, Hit: p.Hit, AnyThread: p.AnyThread, Reason: fmt.Sprintf("%s: %v", p.Stop, err)}
			continue
		}
		at := &spot{Place: p}
		s.spots = append(s.spots, at)
		for _, site := range sites {
			key := position{site.Addr, !p.AnyThread}
			n, known := byPosition[key]
			if !known {
				n = len(s.probes)
				byPosition[key] = n
				s.probes = append(s.probes, ebpf.Probe{Site: site, FirstThread: !p.AnyThread})
				s.at = append(s.at, nil)
			}
			s.probes[n].Most = max(s.probes[n].Most, uint32(p.Hit))
			s.at[n] = append(s.at[n], at)
		}
	}
	return nil
}

// errNoType is of programs that can open plugins, up to Go 1.11.
var errNoType = errors.New("the executable's DWARF does not have the type runtime.g")

// run starts the program and notes what it passes.
func (s *session) run(ctx context.Context, ring int) error {
	// A debugger that looks at the same file would find the probes there, and never hear of its own breakpoints.
	program, err := ebpf.InMemory(s.req.Binary)
	if err != nil {
		return err
	}
	defer program.Close()
	o := ebpf.Options{Copy: program, Probes: s.probes, Syscalls: s.names("Syscall"), FixedAddresses: true, Ring: ring}
	if s.names("Goid") {
		img, err := image.Open(s.req.Binary)
		if err != nil {
			return err
		}
		var known bool
		if o.GoidOffset, known, s.nameless = img.Offset("runtime.g", "goid"); s.nameless == nil && !known {
			s.nameless = errNoType
		}
		if o.GOffset, err = ebpf.GOffset(s.req.Binary); err != nil {
			return err
		}
	}
	t, err := ebpf.Open(o)
	if err != nil {
		return err
	}
	// Nobody has to wait for the probes to be gone: they are in a file that is ours alone.
	defer func() { go t.Close() }()
	cmd := &exec.Cmd{Path: program.Path(), Args: append([]string{s.req.Binary}, s.req.Args...), Env: s.req.Env, SysProcAttr: apart()}
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	_, err = t.Run(ctx, cmd, s.take)
	if err != nil {
		return err
	}
	if ctx.Err() == nil {
		s.end()
	}
	return nil
}

// take notes one event; it returns false when there is nothing more to wait for.
func (s *session) take(e ebpf.Event) bool {
	switch e.Kind {
	case ebpf.Exec:
		s.pid = e.Thread
		for _, at := range s.spots {
			if at.Exec {
				s.arrive(at, e)
			}
		}
	case ebpf.Passed:
		back := arrival{e.Probe, e.Goid}
		sent := s.again[back]
		s.again[back] = e.Again
		if sent { // it has been counted when it came first
			break
		}
		for _, at := range s.at[e.Probe] {
			s.arrive(at, e)
		}
	case ebpf.Syscall:
		s.calls = append(s.calls, e)
	case ebpf.Exit:
		s.now.event = e
	}
	return !s.complete()
}

func (s *session) arrive(at *spot, e ebpf.Event) {
	if at.arrived++; at.arrived == at.Hit {
		s.passings = append(s.passings, passing{stop: at.Stop, event: e, calls: len(s.calls)})
	}
}

// end serves the end of the program, which is the last thread's.
func (s *session) end() {
	for _, at := range s.spots {
		if at.Stop == place.Exit {
			s.arrive(at, s.now.event)
		}
	}
}

// complete reports whether all spots were passed.
func (s *session) complete() bool {
	return !slices.ContainsFunc(s.spots, func(at *spot) bool { return at.arrived < at.Hit })
}
