package trace

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Compare says in words how a start differs from what is recorded of it; nil
// when it does not. The same program on an equal host must do the same,
// instruction by instruction. Elsewhere a start takes other ways through the
// same functions (another kernel lays its vDSO out differently, another
// processor answers CPUID with something else): then only the order in which
// functions are first entered and that of the system calls is compared.
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
		ds = exactly(old, now)
	} else {
		ds = roughly("function", old.entered(), now.entered())
		ds = append(ds, roughly("system call", old.syscalls(), now.syscalls())...)
	}
	return append(ds, stopsOf(old, now)...)
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

// roughly finds where two lists of names part.
func roughly(what string, a, b []string) []string {
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
	return []string{fmt.Sprintf("%s %d: %s → %s", what, n+1, at(a), at(b))}
}

// entered are the functions in the order in which they are first entered.
func (t *Trace) entered() (names []string) {
	seen := map[string]bool{}
	for _, s := range t.Steps {
		f := t.FuncAt(t.Insts[s.Inst].Addr)
		if f < 0 || seen[t.Funcs[f].Name] {
			continue
		}
		seen[t.Funcs[f].Name] = true
		names = append(names, t.Funcs[f].Name)
	}
	return names
}

func (t *Trace) syscalls() (names []string) {
	for _, s := range t.Steps {
		if s.Syscall >= 0 {
			names = append(names, s.Name)
		}
	}
	return names
}

// stopsOf finds the stops that one of the traces alone passes.
func stopsOf(old, now *Trace) []string {
	names := func(t *Trace) (list []string) {
		for _, s := range t.Stops {
			list = append(list, s.Name)
		}
		slices.Sort(list)
		return list
	}
	a, b := names(old), names(now)
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
	if len(only) > 3 {
		only = append(only[:3], fmt.Sprintf("%d more stops", len(only)-3))
	}
	if len(only) == 0 {
		return nil
	}
	return []string{strings.Join(only, "; ")}
}
