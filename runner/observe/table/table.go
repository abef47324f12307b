// Package table runs scripts that are Starlark tables, stop → function(seen),
// whose words are builtins: those of the witnesses that talk to no debugger.
package table

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
	"github.com/rt0lab/rt0lab/runner/observe"
)

// maxSteps ends a script that does not end by itself: some seconds of computing.
const maxSteps = 50_000_000

// dialect is the Starlark that Delve's scripts are written in, too.
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// Runner runs the scripts of one observation and keeps what they saw so far.
// It is used by one goroutine.
type Runner struct {
	// Words are the builtins that a script may use.
	Words starlark.StringDict

	facts map[string]fact.Value
}

// Facts are what the scripts returned so far.
func (r *Runner) Facts() map[string]fact.Value { return r.facts }

// Load runs a script's file and returns its table.
func (r *Runner) Load(ctx context.Context, script observe.Script) (map[string]starlark.Callable, error) {
	thread, done := r.thread(ctx, script)
	defer done()
	globals, err := starlark.ExecFileOptions(dialect, thread, script.Path, script.Source, r.Words)
	if err != nil {
		return nil, err
	}
	stops, ok := globals["stops"].(*starlark.Dict)
	if !ok {
		return nil, errors.New("it has no table: stops = {stop: function}")
	}
	table := map[string]starlark.Callable{}
	for _, item := range stops.Items() {
		stop, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("stop %s: %s, not a text", item[0], item[0].Type())
		}
		if table[stop], ok = item[1].(starlark.Callable); !ok {
			return nil, fmt.Errorf("stop %s: %s, not a function of seen", item[0], item[1].Type())
		}
	}
	return table, nil
}

// Call calls a function of a script's table and returns its facts as JSON.
func (r *Runner) Call(ctx context.Context, script observe.Script, at starlark.Callable) (json.RawMessage, error) {
	thread, done := r.thread(ctx, script)
	defer done()
	returned, err := starlark.Call(thread, at, starlark.Tuple{r.seen()}, nil)
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
				if r.facts == nil {
					r.facts = map[string]fact.Value{}
				}
				r.facts[name] = v
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
func (r *Runner) thread(ctx context.Context, script observe.Script) (thread *starlark.Thread, done func()) {
	thread = &starlark.Thread{
		Name:  script.Path,
		Print: func(*starlark.Thread, string) {}, // scripts return, they do not print
		Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
			return nil, errors.New("a script of this witness loads no other file")
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
func (r *Runner) seen() *starlark.Dict {
	d := starlark.NewDict(len(r.facts))
	for _, name := range slices.Sorted(maps.Keys(r.facts)) {
		_ = d.SetKey(starlark.String(name), starlarkOf(r.facts[name])) // a fresh dict takes every string
	}
	d.Freeze()
	return d
}

// Message writes an error of a script with the file and line where it was raised.
func Message(path string, err error) string {
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
