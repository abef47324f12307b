package static

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// maxSteps ends a script that does not end by itself: some seconds of computing.
const maxSteps = 50_000_000

// dialect is the Starlark that Delve's scripts are written in, too.
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// session is one binary and what the scripts saw in it so far. It is used by
// one goroutine; only the image is shared.
type session struct {
	im           *image.Image
	goos, goarch string
	release      string
	facts        map[string]fact.Value
	decoded      map[string][]insn.Inst
}

// walk runs the functions of all scripts. without has, by subject, what the
// build lacks for its function to be run.
func (s *session) walk(ctx context.Context, scripts []observe.Script) (w observe.Walk, without map[string]error) {
	w = observe.Walk{Tool: tool(), Failed: map[string]string{}, Passed: []string{place.Image}}
	without = map[string]error{}
	for _, script := range scripts {
		at, err := s.load(ctx, script)
		if err != nil {
			w.Failed[script.Subject] = message(script.Path, err)
			continue
		}
		if at == nil {
			continue
		}
		served := observe.Served{Subject: script.Subject, Stop: place.Image}
		served.Facts, err = s.call(ctx, script, at)
		for _, lacking := range []error{image.ErrNoDWARF, image.ErrNoSymbols, image.ErrNoFuncTab} {
			if errors.Is(err, lacking) {
				without[script.Subject] = lacking
			}
		}
		if err != nil {
			served.Error = message(script.Path, err)
		}
		w.Served = append(w.Served, served)
	}
	return w, without
}

// load runs a script's file and returns its function for the image, nil when its table is empty.
func (s *session) load(ctx context.Context, script observe.Script) (starlark.Callable, error) {
	thread, done := s.thread(ctx, script)
	defer done()
	globals, err := starlark.ExecFileOptions(dialect, thread, script.Path, script.Source, s.words())
	if err != nil {
		return nil, err
	}
	stops, ok := globals["stops"].(*starlark.Dict)
	if !ok {
		return nil, errors.New("it has no table: stops = {\"image\": function}")
	}
	var at starlark.Callable
	for _, item := range stops.Items() {
		stop, ok := starlark.AsString(item[0])
		if !ok || stop != place.Image {
			return nil, fmt.Errorf("stop %s: a static script has no other stop than %q", item[0], place.Image)
		}
		if at, ok = item[1].(starlark.Callable); !ok {
			return nil, fmt.Errorf("stop %s: %s, not a function of seen", item[0], item[1].Type())
		}
	}
	return at, nil
}

// call calls a script's function and returns its facts as JSON.
func (s *session) call(ctx context.Context, script observe.Script, at starlark.Callable) (json.RawMessage, error) {
	thread, done := s.thread(ctx, script)
	defer done()
	returned, err := starlark.Call(thread, at, starlark.Tuple{s.seen()}, nil)
	if err != nil {
		return nil, err
	}
	plain, err := plainOf(returned)
	if err != nil {
		return nil, err
	}
	if facts, ok := plain.(map[string]any); ok {
		for name, raw := range facts {
			// What is no fact's value is Collect's to complain about.
			if v, err := fact.Of(raw); err == nil && fact.Subject(name) == script.Subject {
				s.facts[name] = v
			}
		}
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("write facts: %w", err)
	}
	return b, nil
}

// thread returns a Starlark thread that ends with ctx or after too many steps.
// done must be called when it is not used any more.
func (s *session) thread(ctx context.Context, script observe.Script) (thread *starlark.Thread, done func()) {
	thread = &starlark.Thread{
		Name:  script.Path,
		Print: func(*starlark.Thread, string) {}, // scripts return, they do not print
		Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
			return nil, errors.New("a static script loads no other file")
		},
	}
	thread.SetMaxExecutionSteps(maxSteps)
	thread.OnMaxSteps = func(t *starlark.Thread) {
		t.Cancel(fmt.Sprintf("it did not end within %d steps", maxSteps))
	}
	stop := context.AfterFunc(ctx, func() { thread.Cancel(context.Cause(ctx).Error()) })
	if err := context.Cause(ctx); err != nil {
		thread.Cancel(err.Error())
	}
	return thread, func() { stop() }
}

// seen returns the facts so far as a dict that cannot be changed.
func (s *session) seen() *starlark.Dict {
	d := starlark.NewDict(len(s.facts))
	for _, name := range slices.Sorted(maps.Keys(s.facts)) {
		_ = d.SetKey(starlark.String(name), starlarkOf(s.facts[name])) // a fresh dict takes every string
	}
	d.Freeze()
	return d
}

// message writes an error of a script with the file and line where it was raised.
func message(path string, err error) string {
	var raised *starlark.EvalError
	if errors.As(err, &raised) {
		for i := len(raised.CallStack) - 1; i >= 0; i-- {
			// The innermost frame may be a word, which has no line.
			if pos := raised.CallStack[i].Pos; pos.Filename() == path {
				return fmt.Sprintf("%s:%d: %s", path, pos.Line, raised.Msg)
			}
		}
		return path + ": " + raised.Msg
	}
	var misspelt syntax.Error
	if errors.As(err, &misspelt) {
		return fmt.Sprintf("%s:%d: %s", path, misspelt.Pos.Line, misspelt.Msg)
	}
	var unresolved resolve.ErrorList
	if errors.As(err, &unresolved) && len(unresolved) > 0 {
		return fmt.Sprintf("%s:%d: %s", path, unresolved[0].Pos.Line, unresolved[0].Msg)
	}
	return path + ": " + err.Error()
}
