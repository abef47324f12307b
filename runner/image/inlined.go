package image

import (
	"debug/dwarf"
	"fmt"
	"maps"
	"slices"
)

// Inlined returns the names of the functions whose bodies the compiler put into
// that of f, each once and sorted; what lies in another inlined body is not among them.
// ok is false when f has no code of its own, or DWARF does not know it. The
// error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) Inlined(f string) (names []string, ok bool, err error) {
	body, hasBody, _ := im.Func(f)
	if !hasBody {
		return nil, false, nil
	}
	err = im.withDWARF(func(d *debugInfo) (err error) {
		for _, u := range d.units { // a package has several: one more for each file in assembly
			if u.name == packageOf(f) && !ok && err == nil {
				names, ok, err = d.inlinedAt(u, body.Entry)
			}
		}
		return err
	})
	return names, ok, err
}

// inlinedAt finds the function of the unit that begins at an address and names what lies in it.
func (d *debugInfo) inlinedAt(u unit, begin uint64) (names []string, ok bool, err error) {
	e, r, err := d.entry(u.off)
	if err != nil || !e.Children {
		return nil, false, err
	}
	for {
		e, err := r.Next()
		if err != nil {
			return nil, false, fmt.Errorf("read DWARF of %s: %w: %w", u.name, ErrDamaged, err)
		}
		if e == nil || e.Tag == 0 { // the end of the unit
			return nil, false, nil
		}
		if low, has := e.Val(dwarf.AttrLowpc).(uint64); has && low == begin && e.Tag == dwarf.TagSubprogram {
			names, err := d.inlinedIn(e, r)
			return names, err == nil, err
		}
		r.SkipChildren()
	}
}

// inlinedIn names what lies in an entry; the reader is at its children.
func (d *debugInfo) inlinedIn(e *dwarf.Entry, r *dwarf.Reader) ([]string, error) {
	there := map[string]bool{}
	for depth := 0; ; {
		switch {
		case e.Tag == 0:
			depth--
		case e.Tag == dwarf.TagInlinedSubroutine:
			origin, _ := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
			of, _, err := d.entry(origin)
			if err != nil {
				return nil, err
			}
			if name, ok := of.Val(dwarf.AttrName).(string); ok {
				there[name] = true
			}
			r.SkipChildren()
		case e.Children:
			depth++
		}
		if depth <= 0 {
			return slices.Sorted(maps.Keys(there)), nil
		}
		var err error
		if e, err = r.Next(); err != nil {
			return nil, fmt.Errorf("read what is inlined: %w: %w", ErrDamaged, err)
		}
		if e == nil {
			return nil, fmt.Errorf("read what is inlined: %w: it has no end", ErrDamaged)
		}
	}
}
