package place

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rt0lab/rt0lab/runner/insn"
)

// Resolver turns stops into places of one binary. It reads of the binary only
// what the stops ask for. It is not safe for concurrent use.
type Resolver struct {
	path    string
	img     image
	table   *table
	inlines *inlines
	// Errors of the two above are kept: a damaged table stays damaged.
	tableErr, inlinesErr error
	functions            map[string]*function
}

// function is what is known of one function of the binary.
type function struct {
	state   State
	reason  string
	entries []uint64
	body    symbol // the only body; size 0 for inlined functions
	insts   []insn.Inst
}

// Open opens a binary: an ELF executable. Everything else, and a damaged one, is ErrImage.
func Open(binary string) (*Resolver, error) {
	img, err := openImage(binary)
	if err != nil {
		return nil, fmt.Errorf("open binary to place stops: %w", err)
	}
	return &Resolver{path: binary, img: img, functions: map[string]*function{}}, nil
}

// Close closes the binary.
func (r *Resolver) Close() error { return r.img.Close() }

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
		return Placed, []uint64{r.img.entry()}, ""
	}
	f := r.function(s.Func)
	if f.state != Placed || s.Kind == Function {
		return f.state, f.entries, f.reason
	}
	if f.body.size == 0 {
		return Unplaced, nil, s.Func + " is inlined: it has no instructions of its own"
	}
	if f.insts == nil {
		if err := r.decode(f); err != nil {
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

func (r *Resolver) decode(f *function) error {
	code, err := r.img.code(f.body.addr, f.body.size)
	if err != nil {
		return err
	}
	f.insts, err = insn.Decode(r.img.goarch(), code, f.body.addr, r.table.at)
	return err
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
	if r.table == nil && r.tableErr == nil {
		r.table, r.tableErr = newTable(r.img)
	}
	if r.tableErr == nil {
		bodies, err := r.table.functions(name)
		if err != nil {
			return &function{state: Unplaced, reason: err.Error()}
		}
		if len(bodies) > 0 {
			f := &function{state: Placed, body: bodies[0]}
			for _, b := range bodies {
				f.entries = append(f.entries, b.addr)
			}
			slices.Sort(f.entries)
			return f
		}
	} else if !errors.Is(r.tableErr, errFunctions) {
		return &function{state: Unplaced, reason: r.tableErr.Error()}
	}
	return r.lookUpInlined(name)
}

// lookUpInlined looks for a function that has no symbol: it is inlined
// everywhere, or not in this binary, and only DWARF can tell.
func (r *Resolver) lookUpInlined(name string) *function {
	if r.inlines == nil && r.inlinesErr == nil {
		var at insn.Symbols
		if r.table != nil {
			at = r.table.at
		}
		r.inlines, r.inlinesErr = newInlines(r.img, at)
	}
	if r.inlinesErr != nil {
		if r.tableErr != nil {
			return &function{state: Unplaced, reason: fmt.Sprintf("%v; %v", r.tableErr, r.inlinesErr)}
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
	case r.tableErr != nil:
		return &function{state: Unplaced, reason: r.tableErr.Error()}
	}
	return &function{state: Absent, reason: name + " is not in this binary"}
}
