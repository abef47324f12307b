package uprobe

import (
	"fmt"
	"strconv"
	"strings"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/ebpf"
)

// words are the builtins of the scripts.
func (s *session) words() starlark.StringDict {
	words := starlark.StringDict{
		"Syscalls":    starlark.NewBuiltin("Syscalls", s.syscalls),
		"SyscallArgs": starlark.NewBuiltin("SyscallArgs", s.syscallArgs),
	}
	for name, say := range map[string]func() (starlark.Value, error){
		"Minor": s.minor,
		"Tid":   func() (starlark.Value, error) { return starlark.MakeUint64(uint64(s.now.event.Thread)), nil },
		"Pid":   func() (starlark.Value, error) { return starlark.MakeUint64(uint64(s.pid)), nil },
		"Goid":  s.goid,
		"Time":  func() (starlark.Value, error) { return starlark.MakeInt64(int64(s.now.event.Time)), nil },
	} {
		words[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
				return nil, err
			}
			return say()
		})
	}
	return words
}

// minor is the minor release: 26 for go1.26.8.
func (s *session) minor() (starlark.Value, error) {
	_, rest, _ := strings.Cut(s.req.Release, "go1.")
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	n, err := strconv.Atoi(digits)
	if err != nil {
		return nil, fmt.Errorf("no Go release in %q", s.req.Release)
	}
	return starlark.MakeInt(n), nil
}

// goid is the number of the goroutine, 0 on a thread's own stack (g0, gsignal), None before there is any.
func (s *session) goid() (starlark.Value, error) {
	if s.nameless != nil {
		return nil, s.nameless
	}
	if !s.now.event.HasGoid {
		return starlark.None, nil
	}
	return starlark.MakeUint64(s.now.event.Goid), nil
}

// syscalls are the names of the system calls from exec up to now, of the first thread only
// unless any_thread is True: those of several threads have no order one could rely on.
func (s *session) syscalls(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	anyThread := false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "any_thread?", &anyThread); err != nil {
		return nil, err
	}
	var names []starlark.Value
	for _, c := range s.made(anyThread) {
		names = append(names, starlark.String(ebpf.SyscallName(c.Number)))
	}
	return starlark.NewList(names), nil
}

// syscallArgs are the arguments of every call of that name, six unsigned integers each.
func (s *session) syscallArgs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	name, anyThread := "", false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "any_thread?", &anyThread); err != nil {
		return nil, err
	}
	if !ebpf.IsSyscall(name) {
		return nil, fmt.Errorf("%s: linux/amd64 has no system call %q", b.Name(), name)
	}
	var list []starlark.Value
	for _, c := range s.made(anyThread) {
		if ebpf.SyscallName(c.Number) != name {
			continue
		}
		var six []starlark.Value
		for _, a := range c.Args {
			six = append(six, starlark.MakeUint64(a))
		}
		list = append(list, starlark.NewList(six))
	}
	return starlark.NewList(list), nil
}

// made are the system calls before what is being told of.
func (s *session) made(anyThread bool) (calls []ebpf.Event) {
	for _, c := range s.calls[:s.now.calls] {
		if anyThread || c.Thread == s.pid {
			calls = append(calls, c)
		}
	}
	return calls
}
