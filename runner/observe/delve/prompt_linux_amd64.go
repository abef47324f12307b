package delve

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/place"
)

// prompt is what the scripts add to Delve's prompt.
type prompt struct {
	session *debugger.Session
	walker  *walker
}

// commands are the words of the prompt. They are Starlark because Delve takes no
// others; what they do is done by the built-ins of register.
const commands = `
Tables, Seen = native_tables, native_seen

def _said(v):
    if type(v) == "int" and (v > 9 or v < -9):
        return "%%d (0x%%x)" %% (v, v)
    if type(v) in ("list", "tuple") and len(v) and type(v[0]) in ("list", "tuple"):
        return "\n".join(["  ".join([("0x%%x" %% e) if type(e) == "int" and e > 9 else str(e) for e in row]) for row in v])
    return repr(v)

def command_say(*values):
    %q
    for v in values:
        print(_said(v))

def command_facts(args):
    %q
    for line in native_facts(args.strip()):
        print(line)

def command_stops(args):
    %q
    for line in native_stops():
        print(line)
`

// write lays down what the terminal runs before the first prompt, and returns its path.
func (p *prompt) write(folder string) (init string, err error) {
	p.register()
	help := p.session.Help()
	words := p.session.Lib.Source + takeover + fmt.Sprintf(commands, help["say"], help["facts"], help["stops"])
	file := filepath.Join(folder, "words.star")
	if err := os.WriteFile(file, []byte(words), 0o600); err != nil {
		return "", fmt.Errorf("write the words for the prompt: %w", err)
	}
	init = filepath.Join(folder, "init")
	if err := os.WriteFile(init, []byte("source "+file+"\nlist\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the words for the prompt: %w", err)
	}
	return init, nil
}

func (p *prompt) register() {
	tables := starlark.NewDict(len(p.walker.scripts.tables))
	for _, t := range p.walker.scripts.tables {
		stops := starlark.NewDict(len(t.functions))
		for _, stop := range slices.Sorted(maps.Keys(t.functions)) {
			_ = stops.SetKey(starlark.String(stop), t.functions[stop])
		}
		_ = tables.SetKey(starlark.String(t.Subject), stops)
	}
	tables.Freeze()
	starlark.Universe["native_tables"] = tables
	starlark.Universe["native_seen"] = starlark.NewBuiltin("Seen", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		seen := starlark.NewDict(len(p.walker.scripts.seen))
		for name, v := range p.walker.scripts.seen {
			_ = seen.SetKey(starlark.String(name), v)
		}
		return seen, nil
	})
	starlark.Universe["native_facts"] = starlark.NewBuiltin("facts", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
		var stop string
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kw, 1, &stop); err != nil {
			return nil, err
		}
		if err := p.walker.scripts.native.stands(); err != nil {
			return nil, err
		}
		return list(p.facts(stop)), nil
	})
	starlark.Universe["native_stops"] = starlark.NewBuiltin("stops", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		if err := p.walker.scripts.native.stands(); err != nil {
			return nil, err
		}
		return list(p.stops()), nil
	})
}

func list(lines []string) starlark.Value {
	var l []starlark.Value
	for _, line := range lines {
		l = append(l, starlark.String(line))
	}
	return starlark.NewList(l)
}

// here tells whether the current thread stands at a place.
func (p *prompt) here(at place.Place) bool {
	regs, err := p.walker.target.CurrentThread().Registers()
	if err != nil {
		return false
	}
	if at.Exec {
		return regs.PC() == p.walker.entry
	}
	return slices.Contains(at.Addrs, regs.PC()-p.walker.target.BinInfo().Images[0].StaticBase)
}

// facts calls the functions of a stop, or of those that the current thread stands at.
func (p *prompt) facts(stop string) (lines []string) {
	s := p.walker.scripts
	says := p.session.Says()
	called := false
	var known []string
	for _, at := range p.session.Places {
		if stop == "" && !p.here(at) || stop != "" && stop != at.Stop {
			continue
		}
		for _, t := range s.tables {
			f, ok := t.functions[at.Stop]
			if !ok {
				continue
			}
			called = true
			a := &answered{subject: t.Subject, stop: at.Stop, facts: map[string]any{}}
			v, err := s.call(f)
			if err == nil {
				err = s.take(a, v)
			}
			if err != nil {
				lines = append(lines, where(err, t.Path))
			}
			for _, name := range slices.Sorted(maps.Keys(a.facts)) {
				lines = append(lines, p.line(name, s.seen[name]))
			}
		}
	}
	if called {
		return lines
	}
	if stop == "" {
		return []string{says["no_function"]}
	}
	for _, at := range p.session.Places {
		known = append(known, at.Stop)
	}
	return []string{fmt.Sprintf(says["no_table"], stop, near.Hint(stop, known))}
}

// line is one fact for people.
func (p *prompt) line(name string, v starlark.Value) string {
	spec := p.session.Specs[name]
	text := "-"
	switch {
	case v == nil || v == starlark.None:
	case spec.Type == fact.TypeAddress:
		if i, ok := v.(starlark.Int); ok {
			text = fmt.Sprintf("%#x", i.BigInt())
			break
		}
		fallthrough
	default:
		text = v.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s = %s %s", name, text, spec.Unit))
}

// stops lists the places with their addresses in the running program.
func (p *prompt) stops() (lines []string) {
	says := p.session.Says()
	base := p.walker.target.BinInfo().Images[0].StaticBase
	for _, at := range p.session.Places {
		var addrs []string
		for _, a := range at.Addrs {
			addrs = append(addrs, fmt.Sprintf("*%#x", a+base))
		}
		where := strings.Join(addrs, " ")
		switch {
		case at.State != place.Placed:
			where = says["nowhere"]
		case at.Exec:
			where = "exec"
		}
		line := fmt.Sprintf("%-14s %s", where, at.Stop)
		if p.here(at) {
			line += "  <- " + says["here"]
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *prompt) banner() string {
	return p.session.Banner("regs · stepi · disassemble · bt · break *ADDRESS · continue")
}
