package place

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
)

// Resolver turns stops into places of one binary. It reads of the binary only
// what the stops ask for. It is not safe for concurrent use.
type Resolver struct {
	img     *image.Image
	inlines *inlines
	// inlinesErr is kept: damaged DWARF stays damaged.
	inlinesErr error
	functions  map[string]*function
}

// function is what is known of one function of the binary.
type function struct {
	state   State
	reason  string
	entries []uint64
	body    image.Func // the only body; empty for inlined functions
	insts   []insn.Inst
}

// Open opens a binary. The error wraps image.ErrFormat or image.ErrDamaged when it is none.
func Open(binary string) (*Resolver, error) {
	img, err := image.Open(binary)
	if err != nil {
		return nil, fmt.Errorf("open binary to place stops: %w", err)
	}
	return &Resolver{img: img, functions: map[string]*function{}}, nil
}

// Places resolves the stops, in their order. An error wraps ErrStop and names
// every stop that could not be parsed; the others are resolved in any case.
func (r *Resolver) Places(stops []string) ([]Place, error) {
	places := make([]Place, len(stops))
	var errs []error
	for i, text := range stops {
		s, err := ParseStop(text)
		if err != nil {
			errs = append(errs, err)
		}
		places[i] = r.place(s, text, err)
	}
	return places, errors.Join(errs...)
}

// Place resolves one stop; a text that is no stop is Unplaced.
func (r *Resolver) Place(stop string) Place {
	s, err := ParseStop(stop)
	return r.place(s, stop, err)
}

func (r *Resolver) place(s Stop, text string, err error) Place {
	p := Place{Stop: text, State: Unplaced, Hit: 1}
	if err != nil {
		p.Reason = err.Error()
		return p
	}
	p.Hit, p.AnyThread = s.Hit, s.AnyThread
	if s.Kind == Exec {
		p.State, p.Exec = Placed, true
	} else {
		p.State, p.Addrs, p.Reason = r.resolve(s)
	}
	if s.To != nil && p.State == Placed {
		var state State
		if state, p.To, p.Reason = r.resolve(*s.To); state != Placed {
			p.State, p.Addrs, p.Exec = state, nil, false
			p.Reason = "the end of the range: " + p.Reason
		}
	}
	return p
}

// resolve finds the addresses of a stop, or says why there are none.
func (r *Resolver) resolve(s Stop) (State, []uint64, string) {
	if s.Kind == Entry {
		return Placed, []uint64{r.img.Entry}, ""
	}
	f := r.function(s.Func)
	if f.state != Placed || s.Kind == Function {
		return f.state, f.entries, f.reason
	}
	if f.body.End == f.body.Entry {
		return Unplaced, nil, s.Func + " is inlined: it has no instructions of its own"
	}
	if f.insts == nil {
		var err error
		if f.insts, err = decode(r.img, f.body); err != nil {
			return Unplaced, nil, err.Error()
		}
	}
	if s.Kind == Return {
		var rets []uint64
		for _, in := range f.insts {
			if in.Ret {
				rets = append(rets, in.Addr)
			}
		}
		if rets == nil {
			return Absent, nil, s.Func + " has no return"
		}
		return Placed, rets, ""
	}
	return nth(s, f.insts)
}

// nth finds the instruction of a stop among those of its function.
func nth(s Stop, insts []insn.Inst) (State, []uint64, string) {
	seen := 0
	for i, in := range insts {
		if !insn.Match(s.Inst, in.Go) {
			continue
		}
		if seen++; seen < s.Nth {
			continue
		}
		if s.Kind == Instruction {
			return Placed, []uint64{in.Addr}, ""
		}
		if i+1 == len(insts) {
			return Absent, nil, fmt.Sprintf("%s ends with %s", s.Func, in.Go)
		}
		return Placed, []uint64{insts[i+1].Addr}, ""
	}
	if seen > 0 {
		return Absent, nil, fmt.Sprintf("%s has %d %s, not %d", s.Func, seen, s.Inst, s.Nth)
	}
	return Absent, nil, fmt.Sprintf("%s has no instruction %s", s.Func, s.Inst)
}

// function looks a function up, once.
func (r *Resolver) function(name string) *function {
	f := r.functions[name]
	if f == nil {
		f = r.lookUp(name)
		r.functions[name] = f
	}
	return f
}

func (r *Resolver) lookUp(name string) *function {
	bodies, err := bodiesOf(r.img, name)
	if len(bodies) == 0 {
		return r.lookUpInlined(name, err)
	}
	f := &function{state: Placed, body: bodies[0]}
	for _, b := range bodies {
		f.entries = append(f.entries, b.Entry)
	}
	slices.Sort(f.entries)
	return f
}

// lookUpInlined looks for a function without code of its own: it is inlined
// everywhere, or not in this binary, and only DWARF can tell. noFuncs is why
// functions cannot be found in the binary at all, nil when they can.
func (r *Resolver) lookUpInlined(name string, noFuncs error) *function {
	if r.inlines == nil && r.inlinesErr == nil {
		r.inlines, r.inlinesErr = newInlines(r.img)
	}
	if r.inlinesErr != nil {
		if noFuncs != nil {
			return &function{state: Unplaced, reason: fmt.Sprintf("%v; %v", noFuncs, r.inlinesErr)}
		}
		return &function{state: Unplaced, reason: fmt.Sprintf("no symbol %s: gone or inlined, and %v", name, r.inlinesErr)}
	}
	entries, known, err := r.inlines.find(name)
	switch {
	case err != nil:
		return &function{state: Unplaced, reason: err.Error()}
	case len(entries) > 0:
		return &function{state: Placed, entries: entries}
	case known:
		return &function{state: Unplaced, reason: name + " is inlined without an address"}
	case noFuncs != nil:
		return &function{state: Unplaced, reason: noFuncs.Error()}
	}
	return &function{state: Absent, reason: name + " is not in this binary"}
}
