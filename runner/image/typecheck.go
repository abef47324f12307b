package image

import (
	"debug/dwarf"
	"fmt"
)

// maxTypes bounds how many types one type may lead to: debug/dwarf goes down
// them by recursion, and no Go program has a chain of them that long.
const maxTypes = 1 << 18

// typeAt reads a type after having looked for what debug/dwarf does not
// survive: a type whose size is its own size (its stack would overflow, which ends the process).
func (d *debugInfo) typeAt(off dwarf.Offset) (dwarf.Type, error) {
	if err := d.checkType(off); err != nil {
		return nil, err
	}
	t, err := d.data.Type(off)
	if err != nil {
		return nil, fmt.Errorf("read type at %#x: %w: %w", off, ErrDamaged, err)
	}
	return t, nil
}

// checkType visits every type that can be reached from one and was not visited before.
func (d *debugInfo) checkType(from dwarf.Offset) error {
	if d.checked == nil {
		d.checked = map[dwarf.Offset]bool{}
	}
	sizeOf := map[dwarf.Offset]dwarf.Offset{} // whose size another type's size is
	work := []dwarf.Offset{from}
	for len(work) > 0 {
		off := work[len(work)-1]
		work = work[:len(work)-1]
		if d.checked[off] {
			continue
		}
		d.checked[off] = true
		if len(d.checked) > maxTypes {
			return fmt.Errorf("read type at %#x: %w: it leads to more than %d others", from, ErrDamaged, maxTypes)
		}
		e, r, err := d.entry(off)
		if err != nil {
			return err
		}
		if to, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok {
			work = append(work, to)
			switch e.Tag {
			case dwarf.TagTypedef, dwarf.TagArrayType, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagRestrictType:
				sizeOf[off] = to
			}
		}
		for e.Children {
			child, err := r.Next()
			if err != nil {
				return fmt.Errorf("read type at %#x: %w: %w", off, ErrDamaged, err)
			}
			if child == nil || child.Tag == 0 {
				break
			}
			if to, ok := child.Val(dwarf.AttrType).(dwarf.Offset); ok {
				work = append(work, to)
			}
			r.SkipChildren()
		}
	}
	done := map[dwarf.Offset]bool{}
	for start := range sizeOf {
		path := map[dwarf.Offset]bool{}
		for at, ok := start, true; ok && !done[at]; at, ok = sizeOf[at] {
			if path[at] {
				return fmt.Errorf("read type at %#x: %w: its size is its own size", at, ErrDamaged)
			}
			path[at] = true
		}
		for at := range path {
			done[at] = true
		}
	}
	return nil
}
