package image

import (
	"debug/dwarf"
	"errors"
	"strconv"
)

// Leaf names what lies at an address of the data as closely as the file knows:
// the field or element, as Variable takes it ("runtime.m0.tls[1]"), or without
// DWARF the whole variable. An array of bytes is one thing. ok is false where
// there is no variable. The error wraps ErrDamaged.
func (im *Image) Leaf(addr uint64) (expr string, p Place, ok bool, err error) {
	s, found := im.SymbolAt(addr)
	if !found || s.Func || s.Size == 0 || im.executable(addr) && im.Format != PE {
		return "", Place{}, false, nil
	}
	expr, p = s.Name, Place{Addr: s.Addr, Size: s.Size}
	err = im.withDWARF(func(d *debugInfo) error {
		at, found, err := d.find(s.Name, dwarf.TagVariable)
		if err != nil || !found {
			return err
		}
		e, _, err := d.entry(at.off)
		if err != nil {
			return err
		}
		off, has := e.Val(dwarf.AttrType).(dwarf.Offset)
		if !has {
			return nil
		}
		typ, err := d.typeAt(off)
		if err != nil {
			return err
		}
		for range 64 { // no type of Go nests so deep; a damaged file's may
			path, delta, inner := partAt(typ, addr-p.Addr)
			if path == "" {
				break
			}
			expr, typ = expr+path, inner
			p = Place{Addr: p.Addr + delta, Size: sizeOf(inner)}
		}
		p.Type = typeText(typ)
		return nil
	})
	if errors.Is(err, ErrNoDWARF) {
		err = nil
	}
	return expr, p, true, err
}

// partAt finds the field or element of a type that holds an offset; path is "" when it has none there.
func partAt(t dwarf.Type, at uint64) (path string, delta uint64, inner dwarf.Type) {
	switch x := bare(t).(type) {
	case *dwarf.StructType:
		for _, f := range x.Field {
			if off := uint64(f.ByteOffset); f.Name != "" && at >= off && at-off < sizeOf(f.Type) {
				return "." + f.Name, off, f.Type
			}
		}
	case *dwarf.ArrayType:
		if size := sizeOf(x.Type); size > 1 && at/size < uint64(max(0, x.Count)) {
			return "[" + strconv.FormatUint(at/size, 10) + "]", at / size * size, x.Type
		}
	}
	return "", 0, nil
}
