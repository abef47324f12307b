// Package static is the witness that starts nothing: it opens the built binary
// and reads headers, symbols, DWARF, the table of functions and machine code.
// It needs neither Linux nor a debugger and reads the binaries of every GOOS.
//
// Its scripts are Starlark tables (scripts/static/SUBJECT.star) whose only
// stop is "image"; the words they use are the builtins of this package.
package static

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/making"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// version counts the changes of this package that can change a fact.
const version = 1

// Witness reads facts from a binary on disk. The zero value is ready.
type Witness struct{}

var _ observe.Witness = Witness{}

// Name returns "static".
func (Witness) Name() string { return "static" }

// Ready returns nil: nothing outside of this program is needed.
func (Witness) Ready(context.Context) error { return nil }

// Observe runs the scripts of the request on its binary. The error wraps
// observe.ErrRelease when the binary is of a format that cannot be read
// (WebAssembly, an archive).
func (Witness) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	start := time.Now()
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, req.Timeout, fmt.Errorf("%w of %s was over", errTimeout, req.Timeout))
		defer cancel()
	}
	s, err := openRequest(req)
	if err != nil {
		return observe.Observation{}, err
	}
	walk, without := s.walk(ctx, req.Scripts)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errTimeout) {
		return observe.Observation{}, fmt.Errorf("static: read %s: %w", req.Binary, cause)
	}
	facts, warnings := collect(req, walk, without)
	return observe.Observation{
		Witness:  "static",
		Tool:     walk.Tool,
		Facts:    facts,
		Passed:   walk.Passed,
		Warnings: warnings,
		Duration: time.Since(start),
	}, nil
}

var errTimeout = errors.New("the time limit")

// Facts runs static scripts on any binary and returns what they return,
// without a catalogue: release and system are read from the binary itself. The
// error joins those of the scripts; the facts of the others are there nevertheless.
func Facts(ctx context.Context, path string, scripts []observe.Script) (map[string]fact.Value, error) {
	s, err := open(path, "", "", "")
	if err != nil {
		return nil, err
	}
	walk, _ := s.walk(ctx, scripts)
	var broken []error
	for _, message := range walk.Failed {
		broken = append(broken, errors.New(message))
	}
	for _, served := range walk.Served {
		if served.Error != "" {
			broken = append(broken, errors.New(served.Error))
		}
	}
	return s.scripts.Facts(), errors.Join(broken...)
}

func openRequest(req observe.Request) (*session, error) {
	if !req.Making {
		s, err := open(req.Binary, req.GOOS, req.GOARCH, req.Release)
		if err == nil {
			s.beside = req.Beside
		}
		return s, err
	}
	account, err := making.ReadFile(req.Binary)
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	return &session{account: &account, goos: req.GOOS, goarch: req.GOARCH, release: req.Release}, nil
}

// open reads the headers of the binary and holds them against what the caller
// knows about it; "" = unknown.
func open(path, goos, goarch, release string) (*session, error) {
	im, err := image.Open(path)
	if errors.Is(err, image.ErrFormat) {
		return nil, fmt.Errorf("static: %w: %w", observe.ErrRelease, err)
	}
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	s := &session{im: im, goos: goos, goarch: goarch, release: release}
	if s.goos == "" || s.goarch == "" {
		s.goos, s.goarch = im.System()
	}
	if im.GOARCH != "" && im.GOARCH != s.goarch {
		return nil, fmt.Errorf("static: %s holds code for %s, not for %s", path, im.GOARCH, s.goarch)
	}
	if s.release == "" {
		s.release = im.Release()
	}
	return s, nil
}

// collect maps the walk to facts. A subject whose function needed what the
// build left out (symbols, DWARF) is unseen because of the build, not broken.
func collect(req observe.Request, walk observe.Walk, without map[string]error) (map[string]observe.Seen, []string) {
	whole, partial := req, map[string]observe.Request{}
	whole.Scripts = nil
	whole.Places = []place.Place{{Stop: place.Image, State: place.Placed, Hit: 1}}
	for _, script := range req.Scripts {
		if reason, ok := without[script.Subject]; ok {
			one := req
			one.Scripts = []observe.Script{script}
			one.Places = []place.Place{{Stop: place.Image, State: place.Unplaced, Hit: 1, Reason: reason.Error()}}
			partial[script.Subject] = one
			continue
		}
		whole.Scripts = append(whole.Scripts, script)
	}
	facts, warnings := observe.Collect(whole, walk)
	for _, one := range partial {
		more, _ := observe.Collect(one, observe.Walk{})
		for name, seen := range more {
			facts[name] = seen
		}
	}
	return facts, warnings
}

func tool() string {
	return fmt.Sprintf("static %d, debug packages of %s", version, runtime.Version())
}
