package static

import (
	"context"
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/build/making"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/table"
	"github.com/rt0lab/rt0lab/runner/place"
)

// session is one binary and what the scripts saw in it so far. It is used by
// one goroutine; only the image is shared.
type session struct {
	im           *image.Image    // nil when account is set
	account      *making.Account // of a setup that looks at how the fixture is made
	beside       string          // path of the binary this one is compared with; "" = none
	goos, goarch string
	release      string
	scripts      table.Runner
	decoded      map[string][]insn.Inst
}

// walk runs the functions of all scripts. without has, by subject, what the
// build lacks for its function to be run.
func (s *session) walk(ctx context.Context, scripts []observe.Script) (w observe.Walk, without map[string]error) {
	w = observe.Walk{Tool: tool(), Failed: map[string]string{}, Passed: []string{place.Image}}
	without = map[string]error{}
	s.scripts.Words = s.words()
	for _, script := range scripts {
		at, err := s.load(ctx, script)
		if err != nil {
			w.Failed[script.Subject] = table.Message(script.Path, err)
			continue
		}
		if at == nil {
			continue
		}
		served := observe.Served{Subject: script.Subject, Stop: place.Image}
		served.Facts, err = s.scripts.Call(ctx, script, at)
		for _, lacking := range []error{image.ErrNoDWARF, image.ErrNoSymbols, image.ErrNoFuncTab} {
			if errors.Is(err, lacking) {
				without[script.Subject] = lacking
			}
		}
		if err != nil {
			served.Error = table.Message(script.Path, err)
		}
		w.Served = append(w.Served, served)
	}
	return w, without
}

// load runs a script's file and returns its function for the image, nil when its table is empty.
func (s *session) load(ctx context.Context, script observe.Script) (starlark.Callable, error) {
	stops, err := s.scripts.Load(ctx, script)
	if err != nil {
		return nil, err
	}
	for stop := range stops {
		if stop != place.Image {
			return nil, fmt.Errorf("stop %q: a static script has no other stop than %q", stop, place.Image)
		}
	}
	return stops[place.Image], nil
}
