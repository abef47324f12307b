package trace

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Compare says in words how a start differs from what is recorded of it; nil
// when it does not. The same program on an equal host must do the same,
// instruction by instruction. Elsewhere a start takes other ways (another
// kernel has another vDSO, other files in /sys, another processor answers CPUID
// with something else): then only the backbone is compared, what the first
// functions call and in which order.
func Compare(old, now *Trace) []string {
	var ds []string
	differ := func(what string, a, b any) {
		if as, bs := fmt.Sprint(a), fmt.Sprint(b); as != bs {
			ds = append(ds, fmt.Sprintf("%s: %s → %s", what, as, bs))
		}
	}
	differ("fixture", old.Fixture, now.Fixture)
	differ("arguments", old.Args, now.Args)
	differ("environment", old.Env, now.Env)
	differ("end", old.To, now.To)
	if len(ds) > 0 {
		return ds
	}
	if old.Host == now.Host && sameProgram(old, now) {
		return append(exactly(old, now), stopsOf(old.stops(math.MaxInt), now.stops(math.MaxInt))...)
	}
	return append(roughly(old.backbone(), now.backbone()), stopsOf(old.stops(spine), now.stops(spine))...)
}

func sameProgram(a, b *Trace) bool {
	return slices.EqualFunc(a.Insts, b.Insts, func(x, y Inst) bool { return x.Addr == y.Addr && bytes.Equal(x.Code, y.Code) })
}

// exactly finds the first step that differs.
func exactly(a, b *Trace) []string {
	if a.Start != b.Start {
		return []string{"the registers at the first instruction differ"}
	}
	for i := range min(len(a.Steps), len(b.Steps)) {
		x, y := a.Steps[i], b.Steps[i]
		in := a.Insts[x.Inst]
		switch {
		case x.Inst != y.Inst:
			return []string{fmt.Sprintf("step %d: %#x %s → %#x %s", i, in.Addr, in.Go, b.Insts[y.Inst].Addr, b.Insts[y.Inst].Go)}
		case !slices.Equal(x.Set, y.Set):
			return []string{fmt.Sprintf("step %d: %#x %s changes other registers: %v → %v", i, in.Addr, in.Go, x.Set, y.Set)}
		case !slices.EqualFunc(x.Put, y.Put, func(p, q Put) bool { return p.Addr == q.Addr && bytes.Equal(p.Bytes, q.Bytes) }):
			return []string{fmt.Sprintf("step %d: %#x %s writes other memory: %v → %v", i, in.Addr, in.Go, x.Put, y.Put)}
		}
	}
	if len(a.Steps) != len(b.Steps) {
		return []string{fmt.Sprintf("steps: %d → %d", len(a.Steps), len(b.Steps))}
	}
	return nil
}

// String writes the change as a file has it: "rax=2a".
func (s Set) String() string { return s.Reg.String() + "=" + num(s.Value) }

// String writes the change as a file has it: "[7fff0000]=2a00".
func (p Put) String() string { return fmt.Sprintf("[%x]=%x", p.Addr, p.Bytes) }

// roughly finds where two lists of functions part.
func roughly(a, b []string) []string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) && n == len(b) {
		return nil
	}
	at := func(list []string) string {
		if n < len(list) {
			return list[n]
		}
		return "none"
	}
	return []string{fmt.Sprintf("function %d: %s → %s", n+1, at(a), at(b))}
}

// spine is how many calls deep the backbone goes.
const spine = 1

// backbone are the functions that are passed there, in the order in which they are first entered.
func (t *Trace) backbone() (names []string) {
	p := NewPlayer(t)
	for at := range len(t.Steps) + 1 {
		if name := p.FuncName(at); p.Depth(at) <= spine && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// stops are those that are passed at most so many calls deep.
func (t *Trace) stops(deep int) (names []string) {
	p := NewPlayer(t)
	for _, s := range t.Stops {
		if s.At <= len(t.Steps) && p.Depth(s.At) <= deep {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// stopsOf finds the stops that one of the traces alone passes.
func stopsOf(a, b []string) []string {
	var only []string
	for _, name := range a {
		if !slices.Contains(b, name) {
			only = append(only, fmt.Sprintf("stop %q is passed no longer", name))
		}
	}
	for _, name := range b {
		if !slices.Contains(a, name) {
			only = append(only, fmt.Sprintf("stop %q is not in the recorded trace", name))
		}
	}
	const most = 3
	if len(only) > most {
		only = append(only[:most], fmt.Sprintf("%d more stops", len(only)-most))
	}
	if len(only) == 0 {
		return nil
	}
	return []string{strings.Join(only, "; ")}
}
