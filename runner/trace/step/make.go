package step

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/trace"
)

// Order is a trace that is to be made.
type Order struct {
	Request
	// Header is filled in by the caller up to Args, Env and Host.
	Header trace.Header
	Image  *image.Image
	// Places are the stops to be named in the trace; those it does not pass are left out.
	Places []place.Place
	// Source has the files that the instructions come from: GOROOT/src. May be nil.
	Source fs.FS
}

// Make runs the program and gives everything it passes its name. The error is as Run's.
func Make(ctx context.Context, o Order) (*trace.Trace, error) {
	walk, err := Run(ctx, o.Request)
	if err != nil {
		return nil, err
	}
	m := maker{order: o, walk: walk, trace: &trace.Trace{Header: o.Header, Start: walk.Start, Memory: walk.Memory, End: walk.End}}
	m.trace.Args, m.trace.Env, m.trace.Host = walk.Argv, o.Env, walk.Host
	if m.trace.Env == nil {
		m.trace.Env = []string{}
	}
	if err := m.program(); err != nil {
		return nil, fmt.Errorf("name what %s passed: %w", o.Binary, err)
	}
	if err := m.steps(); err != nil {
		return nil, fmt.Errorf("name what %s passed: %w", o.Binary, err)
	}
	if err := m.vars(); err != nil {
		return nil, fmt.Errorf("name what %s wrote: %w", o.Binary, err)
	}
	m.stops()
	return m.trace, nil
}

type maker struct {
	order Order
	walk  *Walk
	trace *trace.Trace
}

// program collects the functions that were passed, with all of their instructions and lines.
func (m *maker) program() error {
	img, t := m.order.Image, m.trace
	there := map[uint64]bool{}
	lineOf := map[uint64]source{}
	add := func(in insn.Inst, code []byte) error {
		if there[in.Addr] {
			return nil
		}
		there[in.Addr] = true
		t.Insts = append(t.Insts, trace.Inst{Addr: in.Addr, Code: bytes.Clone(code), Line: -1, Go: in.Go, Intel: in.Intel})
		file, _, err := img.Source(in.Addr)
		if err != nil {
			return err
		}
		if _, line, ok, err := img.Line(in.Addr); err != nil {
			return err
		} else if ok {
			lineOf[in.Addr] = source{shorten(file), line}
		}
		return nil
	}
	decode := func(addr uint64, code []byte) error {
		insts, err := insn.Decode(m.order.Header.GOARCH, code, addr, img.NameAt)
		if err != nil {
			return err
		}
		for _, in := range insts {
			if err := add(in, code[in.Addr-addr:][:in.Len]); err != nil {
				return err
			}
		}
		return nil
	}
	for addr, code := range m.walk.Code {
		f, ok, err := img.FuncAt(addr)
		switch {
		case err != nil:
			return err
		case !ok: // not of the program
			if err := decode(addr, code); err != nil {
				return err
			}
			m.foreign(addr, code)
			continue
		case there[f.Entry]:
			continue
		}
		body, err := img.Bytes(f.Entry, int(f.End-f.Entry))
		if err != nil {
			return err
		}
		if err := decode(f.Entry, body); err != nil {
			return err
		}
		t.Funcs = append(t.Funcs, trace.Func{Name: f.Name, Addr: f.Entry, End: f.End})
	}
	if err := m.last(decode); err != nil {
		return err
	}
	slices.SortFunc(t.Funcs, func(a, b trace.Func) int { return cmp.Compare(a.Addr, b.Addr) })
	slices.SortFunc(t.Insts, func(a, b trace.Inst) int { return cmp.Compare(a.Addr, b.Addr) })
	lines := map[source]int{}
	for _, p := range lineOf {
		lines[p] = 0
	}
	for _, p := range between(m.trace.Funcs, lineOf) {
		lines[p] = 0
	}
	files := map[string][]string{}
	for p := range lines {
		text, read := files[p.file]
		if !read {
			text = m.read(p.file)
			files[p.file] = text
		}
		l := trace.Line{File: p.file, Number: p.line}
		if p.line <= len(text) {
			l.Text = text[p.line-1]
		}
		t.Lines = append(t.Lines, l)
	}
	slices.SortFunc(t.Lines, func(a, b trace.Line) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Number, b.Number))
	})
	for i, l := range t.Lines {
		lines[source{l.File, l.Number}] = i
	}
	for i, in := range t.Insts {
		if p, ok := lineOf[in.Addr]; ok {
			t.Insts[i].Line = lines[p]
		}
	}
	return nil
}

// foreign names a function of the kernel's, once. Of these only the instructions that were executed are kept.
func (m *maker) foreign(addr uint64, code []byte) {
	f := trace.Func{Name: "[vdso]", Addr: addr, End: addr + uint64(len(code))}
	for _, v := range m.walk.VDSO {
		if v.Addr <= addr && f.End <= v.End {
			f = v
		}
	}
	if !slices.Contains(m.trace.Funcs, f) {
		m.trace.Funcs = append(m.trace.Funcs, f)
	}
}

// source is a line of source.
type source struct {
	file string
	line int
}

// gap is how many lines without instructions (comments, braces) are kept
// between two that have some, so that a listing reads like the source.
const gap = 4

// between finds the lines in the gaps of each function.
func between(funcs []trace.Func, lineOf map[uint64]source) (list []source) {
	byFunc := map[int]map[source]bool{}
	for addr, s := range lineOf {
		f, _ := slices.BinarySearchFunc(funcs, addr, func(f trace.Func, a uint64) int { return cmp.Compare(f.End, a+1) })
		if byFunc[f] == nil {
			byFunc[f] = map[source]bool{}
		}
		byFunc[f][s] = true
	}
	for _, set := range byFunc {
		for s := range set {
			for next := s.line + 1; next <= s.line+gap+1; next++ {
				if !set[source{s.file, next}] {
					continue
				}
				for line := s.line + 1; line < next; line++ {
					list = append(list, source{s.file, line})
				}
				break
			}
		}
	}
	return list
}

// last adds the one instruction at which the trace ends: the function it
// belongs to is not entered, and often a large one.
func (m *maker) last(decode func(uint64, []byte) error) error {
	img, t := m.order.Image, m.trace
	if _, passed := m.walk.Code[m.walk.End]; passed {
		return nil
	}
	f, ok, err := img.FuncAt(m.walk.End)
	if err != nil || !ok {
		return errors.Join(err, fmt.Errorf("no function at %#x", m.walk.End))
	}
	code, err := img.Bytes(m.walk.End, int(min(f.End-m.walk.End, 15)))
	if err != nil {
		return err
	}
	op := trace.DecodeOp(code)
	if op.Len() == 0 {
		return fmt.Errorf("no instruction at %#x", m.walk.End)
	}
	if !slices.ContainsFunc(t.Funcs, func(g trace.Func) bool { return g.Addr == f.Entry }) {
		t.Funcs = append(t.Funcs, trace.Func{Name: f.Name, Addr: f.Entry, End: f.End})
	}
	return decode(m.walk.End, code[:op.Len()])
}

// shorten keeps folders of this machine out of a trace: what is not below
// GOROOT/src is the fixture's.
func shorten(file string) string {
	if strings.HasPrefix(file, "/") {
		return file[strings.LastIndexByte(file, '/')+1:]
	}
	return file
}

// read reads the lines of a file of source, none when it is not there.
func (m *maker) read(file string) []string {
	if m.order.Source == nil {
		return nil
	}
	text, err := fs.ReadFile(m.order.Source, file)
	if err != nil {
		return nil // made up by the compiler, or the fixture's
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return lines
}

func (m *maker) steps() error {
	t := m.trace
	for i, s := range m.walk.Steps {
		inst := t.InstAt(s.PC)
		if inst < 0 {
			return fmt.Errorf("step %d is in the middle of an instruction, at %#x", i, s.PC)
		}
		step := trace.Step{Inst: inst, Set: s.Set, Put: s.Put, Syscall: s.Syscall}
		if s.Syscall >= 0 {
			step.Name = strings.ReplaceAll(ebpf.SyscallName(s.Syscall), " ", "_")
		} else if s.Syscall < -1 {
			step.Syscall, step.Name = -1, ""
		}
		t.Steps = append(t.Steps, step)
	}
	return nil
}

// vars names the variables that the trace has met.
func (m *maker) vars() error {
	t := m.trace
	for _, met := range t.Memory {
		if _, ok := m.order.Image.SectionAt(met.Addr); !ok {
			continue
		}
		end := met.Addr + uint64(len(met.Bytes))
		for addr := met.Addr; addr < end; {
			name, at, ok, err := m.order.Image.Leaf(addr)
			if err != nil {
				return err
			}
			if !ok || at.Addr+at.Size <= addr {
				addr++
				continue
			}
			if n := len(t.Vars); n == 0 || t.Vars[n-1].Addr+t.Vars[n-1].Size <= at.Addr {
				t.Vars = append(t.Vars, trace.Var{Addr: at.Addr, Size: at.Size, Name: strings.ReplaceAll(name, "\n", " ")})
			}
			addr = at.Addr + at.Size
		}
	}
	return nil
}

// stops finds where the start passes the stops.
func (m *maker) stops() {
	t := m.trace
	for _, p := range m.order.Places {
		if p.State != place.Placed {
			continue
		}
		if p.Exec && len(p.To) == 0 {
			t.Stops = append(t.Stops, trace.Stop{Name: p.Stop, At: 0})
			continue
		}
		hits := 0
		for at := 0; at <= len(t.Steps); at++ {
			if !slices.Contains(p.Addrs, t.PC(at)) && !(p.Exec && at == 0) {
				continue
			}
			if hits++; hits < max(p.Hit, 1) {
				continue
			}
			// What is seen along a range is known at its end.
			for len(p.To) > 0 && at <= len(t.Steps) && !slices.Contains(p.To, t.PC(at)) {
				at++
			}
			if at <= len(t.Steps) {
				t.Stops = append(t.Stops, trace.Stop{Name: p.Stop, At: at})
			}
			break
		}
	}
	slices.SortFunc(t.Stops, func(a, b trace.Stop) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Name, b.Name)) })
	t.Stops = slices.Compact(t.Stops)
}
