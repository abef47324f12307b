package place

import (
	"bytes"
	"debug/dwarf"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/image"
)

// inlines finds the inlined bodies of functions in DWARF.
//
// Walking all of it costs 50 ms for a small program. So the bytes are searched
// for the name and then for references to the entry that has it. What is found
// may be an accident, bytes that only look like an entry; it is not believed,
// but tells in which functions to look, and those are walked from their own
// entries on, which name and address identify. Where the search leads to
// nothing, or to too much, the walk over everything decides.
type inlines struct {
	data *dwarf.Data
	info []byte
	strs bool // there is .debug_str, where names may be
	img  *image.Image
	all  *inlineIndex
}

// maxWalks is how many functions are walked before walking everything is cheaper.
const maxWalks = 24

// inlineIndex is the result of the walk.
type inlineIndex struct {
	abstract map[string][]dwarf.Offset
	bodies   map[dwarf.Offset][]uint64 // by abstract origin
}

// newInlines reads what of DWARF is needed. The error wraps image.ErrNoDWARF or image.ErrDamaged.
func newInlines(img *image.Image) (*inlines, error) {
	sections := map[string][]byte{}
	// Neither lines nor locations are needed: they are most of DWARF's bulk.
	for _, name := range []string{"abbrev", "info", "str", "ranges", "addr", "rnglists", "line_str", "str_offsets"} {
		b, err := img.Debug(name)
		if err != nil {
			return nil, err
		}
		sections[name] = b
	}
	if len(sections["info"]) == 0 || len(sections["abbrev"]) == 0 {
		return nil, image.ErrNoDWARF
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
	return &inlines{data: d, info: sections["info"], strs: len(sections["str"]) > 0, img: img}, nil
}

// find returns the entry addresses of the inlined bodies of the function, in
// order. known tells whether DWARF has the function at all.
func (n *inlines) find(name string) (entries []uint64, known bool, err error) {
	if n.all == nil {
		abstract, named := n.searchAbstract(name)
		if !named && !n.strs {
			return nil, false, nil
		}
		if entries := n.searchBodies(abstract); len(entries) > 0 {
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
	for at := range occurrences(n.info, append([]byte(name), 0)) {
		named = true
		for e := range n.entries(at, dwarf.TagSubprogram) {
			if e.Val(dwarf.AttrInline) != nil && e.Val(dwarf.AttrName) == name {
				found = append(found, e.Offset)
			}
		}
	}
	return found, named
}

// searchBodies finds where the abstract functions are inlined; nil when that takes the walk.
func (n *inlines) searchBodies(abstract []dwarf.Offset) (entries []uint64) {
	into := map[uint64]string{} // functions that seem to have one
	for _, off := range abstract {
		for e := range n.references(off, dwarf.TagInlinedSubroutine) {
			low, ok := n.low(e)
			if !ok {
				continue
			}
			if s, ok := n.img.SymbolAt(low); ok {
				into[s.Addr] = strings.TrimSuffix(s.Name, abi0)
			}
			if len(into) > maxWalks {
				return nil
			}
		}
	}
	for base, name := range into {
		off, ok := n.function(name, base)
		if !ok {
			return nil
		}
		found, err := n.walkFunction(off, abstract)
		if err != nil {
			return nil
		}
		entries = append(entries, found...)
	}
	return entries
}

// function finds the entry of the function with code of its own at low. It has
// the name itself, or refers to an abstract function that has it.
func (n *inlines) function(name string, low uint64) (dwarf.Offset, bool) {
	abstract, _ := n.searchAbstract(name)
	for at := range occurrences(n.info, append([]byte(name), 0)) {
		for e := range n.entries(at, dwarf.TagSubprogram) {
			if e.Val(dwarf.AttrName) == name && e.Val(dwarf.AttrLowpc) == low {
				return e.Offset, true
			}
		}
	}
	for _, off := range abstract {
		for e := range n.references(off, dwarf.TagSubprogram) {
			if e.Val(dwarf.AttrLowpc) == low {
				return e.Offset, true
			}
		}
	}
	return 0, false
}

// walkFunction reads the entries below a function's and returns where the abstract functions begin in it.
func (n *inlines) walkFunction(off dwarf.Offset, abstract []dwarf.Offset) (entries []uint64, err error) {
	r := n.data.Reader()
	r.Seek(off)
	for depth := 0; ; {
		e, err := r.Next()
		if err != nil || e == nil {
			return nil, err
		}
		origin, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
		if ok && e.Tag == dwarf.TagInlinedSubroutine && slices.Contains(abstract, origin) {
			if low, ok := n.low(e); ok {
				entries = append(entries, low)
			}
		}
		switch {
		case e.Tag == 0:
			depth--
		case e.Children:
			depth++
		}
		if depth <= 0 {
			return entries, nil
		}
	}
}

// references yields entries with the tag that seem to have the abstract origin as their first attribute.
func (n *inlines) references(abstract dwarf.Offset, tag dwarf.Tag) iter.Seq[*dwarf.Entry] {
	return func(yield func(*dwarf.Entry) bool) {
		for at := range occurrences(n.info, binary.LittleEndian.AppendUint32(nil, uint32(abstract))) {
			for e := range n.entries(at, tag) {
				if e.Val(dwarf.AttrAbstractOrigin) == abstract && !yield(e) {
					return
				}
			}
		}
	}
}

// entries yields what, decoded as an entry with its first attribute at the
// offset, has the tag: in front of it is only the number of its abbreviation, one or two bytes long.
func (n *inlines) entries(at int, tag dwarf.Tag) iter.Seq[*dwarf.Entry] {
	return func(yield func(*dwarf.Entry) bool) {
		for back := 1; back <= 2 && back < at; back++ {
			r := n.data.Reader()
			r.Seek(dwarf.Offset(at - back))
			if e, err := r.Next(); err == nil && e != nil && e.Tag == tag && !yield(e) {
				return
			}
		}
	}
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
func occurrences(b, sep []byte) iter.Seq[int] {
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
