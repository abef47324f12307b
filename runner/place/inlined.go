package place

import (
	"bytes"
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// errNoDWARF is returned when the binary was linked without DWARF.
var errNoDWARF = errors.New("the binary has no DWARF")

// inlines finds the inlined bodies of functions in DWARF.
//
// Walking all of it costs 50 ms for a small program, so the bytes are searched
// for the name, and then for references to the entry that has it; debug/dwarf
// decodes what was found and so confirms it. Where a search finds nothing, or
// a linker put names elsewhere, the walk decides.
type inlines struct {
	data *dwarf.Data
	info []byte
	strs bool // there is .debug_str, where names may be
	all  *inlineIndex
}

// inlineIndex is the result of the walk.
type inlineIndex struct {
	abstract map[string][]dwarf.Offset
	bodies   map[dwarf.Offset][]uint64 // by abstract origin
}

func newInlines(img image) (*inlines, error) {
	sections := map[string][]byte{}
	// Neither lines nor locations are needed: they are most of DWARF's bulk.
	for _, name := range []string{"abbrev", "info", "str", "ranges", "addr", "rnglists", "line_str", "str_offsets"} {
		b, err := img.debug(name)
		if err != nil {
			return nil, err
		}
		sections[name] = b
	}
	if len(sections["info"]) == 0 || len(sections["abbrev"]) == 0 {
		return nil, errNoDWARF
	}
	d, err := dwarf.New(sections["abbrev"], nil, nil, sections["info"], nil, nil, sections["ranges"], sections["str"])
	if err != nil {
		return nil, fmt.Errorf("read DWARF: %w", err)
	}
	for _, name := range []string{"addr", "rnglists", "line_str", "str_offsets"} {
		if b := sections[name]; b != nil {
			if err := d.AddSection(".debug_"+name, b); err != nil {
				return nil, fmt.Errorf("read DWARF: %w", err)
			}
		}
	}
	return &inlines{data: d, info: sections["info"], strs: len(sections["str"]) > 0}, nil
}

// find returns the entry addresses of the inlined bodies of the function, in
// order. known tells whether DWARF has the function at all.
func (n *inlines) find(name string) (entries []uint64, known bool, err error) {
	if n.all == nil {
		abstract, named := n.searchAbstract(name)
		if !named && !n.strs {
			return nil, false, nil
		}
		for _, off := range abstract {
			entries = append(entries, n.searchBodies(off)...)
		}
		if len(entries) > 0 {
			return order(entries), true, nil
		}
		if n.all, err = n.walk(); err != nil {
			return nil, false, fmt.Errorf("read DWARF: %w", err)
		}
	}
	abstract, known := n.all.abstract[name]
	for _, off := range abstract {
		entries = append(entries, n.all.bodies[off]...)
	}
	return order(entries), known, nil
}

func order(addrs []uint64) []uint64 {
	slices.Sort(addrs)
	return slices.Compact(addrs)
}

// searchAbstract looks for abstract functions with the name written into their
// entry; named tells whether the bytes are there at all.
func (n *inlines) searchAbstract(name string) (found []dwarf.Offset, named bool) {
	r := n.data.Reader()
	for at := range occurrences(n.info, append([]byte(name), 0)) {
		named = true
		if e := n.entry(r, at, dwarf.TagSubprogram); e != nil && e.Val(dwarf.AttrInline) != nil && e.Val(dwarf.AttrName) == name {
			found = append(found, e.Offset)
		}
	}
	return found, named
}

// searchBodies looks for the inlined subroutines that refer to the abstract function.
func (n *inlines) searchBodies(abstract dwarf.Offset) (entries []uint64) {
	if uint64(abstract) > 1<<32-1 {
		return nil
	}
	r := n.data.Reader()
	for at := range occurrences(n.info, binary.LittleEndian.AppendUint32(nil, uint32(abstract))) {
		e := n.entry(r, at, dwarf.TagInlinedSubroutine)
		if e == nil || e.Val(dwarf.AttrAbstractOrigin) != abstract {
			continue
		}
		if low, ok := n.low(e); ok {
			entries = append(entries, low)
		}
	}
	return entries
}

// entry decodes the entry whose first attribute is at the offset, if it has
// the tag: in front of it is only the number of its abbreviation, one or two bytes long.
func (n *inlines) entry(r *dwarf.Reader, at int, tag dwarf.Tag) *dwarf.Entry {
	for back := 1; back <= 2 && back < at; back++ {
		r.Seek(dwarf.Offset(at - back))
		if e, err := r.Next(); err == nil && e != nil && e.Tag == tag {
			return e
		}
	}
	return nil
}

// low returns where the code of an inlined body begins.
func (n *inlines) low(e *dwarf.Entry) (uint64, bool) {
	ranges, err := n.data.Ranges(e)
	if err != nil {
		return 0, false
	}
	low := ^uint64(0)
	for _, r := range ranges {
		if r[0] < r[1] && r[0] != 0 {
			low = min(low, r[0])
		}
	}
	return low, low != ^uint64(0)
}

// walk reads every entry once.
func (n *inlines) walk() (*inlineIndex, error) {
	all := &inlineIndex{abstract: map[string][]dwarf.Offset{}, bodies: map[dwarf.Offset][]uint64{}}
	r := n.data.Reader()
	for {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return all, nil
		}
		switch e.Tag {
		case dwarf.TagSubprogram:
			if name, ok := e.Val(dwarf.AttrName).(string); ok && e.Val(dwarf.AttrInline) != nil {
				all.abstract[name] = append(all.abstract[name], e.Offset)
			}
		case dwarf.TagInlinedSubroutine:
			origin, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
			if low, found := n.low(e); ok && found {
				all.bodies[origin] = append(all.bodies[origin], low)
			}
		}
	}
}

// occurrences yields every offset of sep in b.
func occurrences(b, sep []byte) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], sep)
			if i < 0 || !yield(at+i) {
				return
			}
			at += i
		}
	}
}
