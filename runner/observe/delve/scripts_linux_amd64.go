package delve

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"github.com/go-delve/delve/pkg/terminal/starbind"
	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// What a script may use up before it is given up.
const (
	maxSteps = 20_000_000      // of one call, in Starlark's count; a second or two
	maxLoad  = 2 * time.Second // of reading one script
)

// scripts are the tables of all subjects, and what they have said so far.
type scripts struct {
	tables []table
	native *native
	walk   *observe.Walk
	seen   map[string]starlark.Value
	dict   *starlark.Dict // seen, as the functions get it; nil when it has grown since

	mu      sync.Mutex
	running *starlark.Thread
	why     string // set once the guard has interrupted
}

// table is one subject's: stop -> function.
type table struct {
	observe.Script
	functions map[string]starlark.Callable
}

// loadScripts reads the library and then every script. What is wrong with a
// script is that subject's misfortune; only a broken library is an error.
func loadScripts(l *launched, req observe.Request, g *guard, walk *observe.Walk) (*scripts, error) {
	s := &scripts{walk: walk, native: newNative(l, req.Release), seen: map[string]starlark.Value{}}
	s.native.register()
	env := starbind.New(surroundings{newClient(l.debugger)}, echo{os.Stderr})
	g.onInterrupt(func(why string) { env.Cancel(); s.interrupt(why) })

	if req.Lib.Source != "" {
		if _, err := load(env, req.Lib.Path, req.Lib.Source+takeover, ""); err != nil {
			return nil, fmt.Errorf("read the library of words: %s", where(err, req.Lib.Path))
		}
	}
	for _, script := range req.Scripts {
		v, err := load(env, script.Path, script.Source+"\ndef __stops(): return stops\n", "__stops")
		if err != nil {
			s.fail(script.Subject, where(err, script.Path))
			continue
		}
		t := table{Script: script, functions: map[string]starlark.Callable{}}
		dict, ok := v.(*starlark.Dict)
		if !ok {
			s.fail(script.Subject, fmt.Sprintf("%s: stops is a %s, not a dict from a stop to a function", script.Path, v.Type()))
			continue
		}
		for _, item := range dict.Items() {
			stop, isText := starlark.AsString(item[0])
			f, isFunction := item[1].(starlark.Callable)
			if !isText || !isFunction {
				s.fail(script.Subject, fmt.Sprintf("%s: stops has %s: %s; it wants a stop as text and a function", script.Path, item[0], item[1]))
				break
			}
			t.functions[stop] = f
		}
		if _, failed := walk.Failed[script.Subject]; !failed {
			s.tables = append(s.tables, t)
		}
	}
	g.onInterrupt(s.interrupt)
	return s, nil
}

// load runs one file and calls one of its functions, all within maxLoad.
func load(env *starbind.Env, path, source, function string) (starlark.Value, error) {
	t := time.AfterFunc(maxLoad, env.Cancel)
	defer t.Stop()
	v, err := env.Execute(path, source, function, nil)
	if err == nil && v == nil {
		v = starlark.None
	}
	return v, err
}

func (s *scripts) fail(subject, message string) {
	if s.walk.Failed == nil {
		s.walk.Failed = map[string]string{}
	}
	s.walk.Failed[subject] = message
}

func (s *scripts) interrupt(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
	if s.running != nil {
		s.running.Cancel(why)
	}
}

// answered is what one script has said at one place so far.
type answered struct {
	subject, stop string
	facts         map[string]any
	failed        string
}

func (a *answered) served() observe.Served {
	served := observe.Served{Subject: a.subject, Stop: a.stop, Error: a.failed}
	if a.failed == "" {
		raw, err := json.Marshal(a.facts)
		if err != nil {
			served.Error = fmt.Sprintf("write what the function at %s returned: %v", a.stop, err)
		}
		served.Facts = raw
	}
	return served
}

// serve calls the function of every script that has this place in its table.
// What a range's said is kept until its end is reached; one that raised is not
// called again.
func (s *scripts) serve(at *spot) {
	for _, t := range s.tables {
		f, ok := t.functions[at.Stop]
		if !ok {
			continue
		}
		a := at.of(t.Subject)
		if a.failed != "" {
			continue
		}
		if facts, err := s.call(f); err != nil {
			a.failed = fmt.Sprintf("%s (at %s)", where(err, t.Path), at.Stop)
		} else if err := s.take(a, facts); err != nil {
			a.failed = fmt.Sprintf("%s: %v (at %s)", t.Path, err, at.Stop)
		}
		if len(at.to) == 0 {
			s.walk.Served = append(s.walk.Served, a.served())
		}
	}
}

// of is what the script of that subject has said here so far.
func (s *spot) of(subject string) *answered {
	for _, a := range s.answers {
		if a.subject == subject {
			return a
		}
	}
	a := &answered{subject: subject, stop: s.Stop, facts: map[string]any{}}
	s.answers = append(s.answers, a)
	return a
}

// call runs a script's function with the facts seen so far.
func (s *scripts) call(f starlark.Callable) (starlark.Value, error) {
	if s.dict == nil {
		s.dict = starlark.NewDict(len(s.seen))
		for name, v := range s.seen {
			_ = s.dict.SetKey(starlark.String(name), v)
		}
		s.dict.Freeze() // what a function adds to it would be a state of its own
	}
	thread := &starlark.Thread{Name: f.Name(), Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(os.Stderr, text) }}
	thread.SetMaxExecutionSteps(maxSteps)
	s.mu.Lock()
	s.running = thread
	if s.why != "" {
		thread.Cancel(s.why)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running = nil
		s.mu.Unlock()
	}()
	return starlark.Call(thread, f, starlark.Tuple{s.dict}, nil)
}

// take adds what a function returned to what was seen and to what it said before.
func (s *scripts) take(a *answered, v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("the function returned %s, not a dict of facts", v.Type())
	}
	for _, item := range dict.Items() {
		name, ok := starlark.AsString(item[0])
		if !ok {
			return fmt.Errorf("the function returned a dict with the key %s, which is no fact's name", item[0])
		}
		value, err := plain(item[1])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		a.facts[name] = value
		item[1].Freeze()
		s.seen[name], s.dict = item[1], nil
	}
	return nil
}

// plain turns a Starlark value into one that JSON knows. What is no fact's
// value (a float, a dict) is passed on as it is, so that Collect breaks the
// one fact it was returned for.
func plain(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		return json.Number(v.String()), nil
	case starlark.String:
		return string(v), nil
	case starlark.Float:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return map[string]any{"float": v.String()}, nil
		}
		return float64(v), nil
	case *starlark.Dict:
		return map[string]any{v.Type(): v.String()}, nil
	case starlark.Iterable:
		list := []any{}
		iter := v.Iterate()
		defer iter.Done()
		for e := starlark.Value(nil); iter.Next(&e); {
			p, err := plain(e)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %s is no fact's value (use an int, a bool, a string or a list of these)", v.Type())
}

// where puts the line of the script in front of what it raised: the innermost
// of its frames, not that of the word that raised. Errors of the parser and
// the resolver say themselves where they are.
func where(err error, path string) string {
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return err.Error()
	}
	message := eval.Msg
	if stack := eval.CallStack; len(stack) > 0 {
		for i := range stack {
			if f := stack.At(i); f.Pos.Filename() == path {
				return fmt.Sprintf("%s:%d: %s", path, f.Pos.Line, message)
			}
		}
	}
	return path + ": " + message
}
