package image

import (
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPath is wrapped when a path goes through something that has no fixed
// place in the image (a pointer, a slice, a map) or is misspelt.
var ErrPath = errors.New("no fixed place in the image")

// typeTags are the entries that are types, the named ones first.
var typeTags = []dwarf.Tag{
	dwarf.TagTypedef, dwarf.TagStructType, dwarf.TagBaseType, dwarf.TagPointerType,
	dwarf.TagArrayType, dwarf.TagSubroutineType, dwarf.TagUnspecifiedType,
}

// Place is where a variable, or a part of one, lies in the image.
type Place struct {
	Addr uint64
	Type string // as Go writes it: "[4]runtime.stackpoolItem"
	Size uint64
}

// Variable returns the place of a package-level variable, of a field or of an
// element: "runtime.m0.tls", "runtime.allglock", "runtime.x[3].y". Nothing is
// read from it. ok is false when the variable or field does not exist in this
// build. The error wraps ErrPath, ErrNoDWARF or ErrDamaged.
func (im *Image) Variable(expr string) (p Place, ok bool, err error) {
	name, path := splitVariable(expr)
	addr, known := im.dataSymbol(name)
	err = im.withDWARF(func(d *debugInfo) error {
		at, found, err := d.find(name, dwarf.TagVariable)
		if err != nil || !found {
			return err
		}
		e, _, err := d.entry(at.off)
		if err != nil {
			return err
		}
		if !known {
			if addr, known = location(e, im.order, im.ptr); !known {
				return fmt.Errorf("find %s: %w: it has no address", name, ErrPath)
			}
		}
		off, has := e.Val(dwarf.AttrType).(dwarf.Offset)
		if !has {
			return fmt.Errorf("find %s: %w: a variable without a type", name, ErrDamaged)
		}
		typ, err := d.typeAt(off)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		delta, typ, exists, err := walk(typ, path)
		if err != nil || !exists {
			return err
		}
		p, ok = Place{Addr: addr + delta, Type: d.typeName(off, path), Size: sizeOf(typ)}, true
		if p.Type == "" {
			p.Type = typeText(typ)
		}
		return nil
	})
	if errors.Is(err, ErrNoDWARF) && path == "" && known {
		return Place{Addr: addr}, true, nil
	}
	return p, ok, err
}

// dataSymbol returns the address of the symbol of a variable.
func (im *Image) dataSymbol(name string) (uint64, bool) {
	s, ok, err := im.Symbol(name)
	if err != nil || !ok || im.executable(s.Addr) && im.Format != PE {
		return 0, false
	}
	return s.Addr, true
}

// location decodes the one location a package-level variable has: DW_OP_addr.
func location(e *dwarf.Entry, order binary.ByteOrder, ptr int) (uint64, bool) {
	const opAddr = 0x03
	loc, _ := e.Val(dwarf.AttrLocation).([]byte)
	if len(loc) != 1+ptr || loc[0] != opAddr {
		return 0, false
	}
	if ptr == 4 {
		return uint64(order.Uint32(loc[1:])), true
	}
	return order.Uint64(loc[1:]), true
}

// Sizeof returns the size of a type, "runtime.g". The error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) Sizeof(typeName string) (size uint64, ok bool, err error) {
	err = im.withType(typeName, func(t dwarf.Type) error {
		size, ok = sizeOf(t), true
		return nil
	})
	return size, ok, err
}

// Offset returns where a field of a type lies, "runtime.g", "stack.lo". ok is
// false when the type or the field does not exist in this build.
func (im *Image) Offset(typeName, path string) (off uint64, ok bool, err error) {
	err = im.withType(typeName, func(t dwarf.Type) (err error) {
		off, _, ok, err = walk(t, path)
		return err
	})
	return off, ok, err
}

func (im *Image) withType(name string, f func(dwarf.Type) error) error {
	return im.withDWARF(func(d *debugInfo) error {
		at, found, err := d.find(name, typeTags...)
		if err != nil || !found {
			return err
		}
		t, err := d.typeAt(at.off)
		if err != nil {
			return fmt.Errorf("read type %s: %w", name, err)
		}
		return f(t)
	})
}

// walk goes down a path of fields and elements. exists is false when a field is not there.
func walk(t dwarf.Type, path string) (off uint64, at dwarf.Type, exists bool, err error) {
	for rest := path; rest != ""; {
		t = bare(t)
		if index, more, isIndex := cutIndex(rest); isIndex {
			a, ok := t.(*dwarf.ArrayType)
			if !ok {
				return 0, nil, false, fmt.Errorf("[%d] of %s: %w: not an array", index, typeText(t), ErrPath)
			}
			if index < 0 || index >= a.Count {
				return 0, nil, false, fmt.Errorf("[%d] of %s: %w: out of range", index, typeText(t), ErrPath)
			}
			off += uint64(index) * sizeOf(a.Type)
			t, rest = a.Type, more
			continue
		}
		rest = strings.TrimPrefix(rest, ".")
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		name := rest[:end]
		rest = rest[end:]
		s, ok := t.(*dwarf.StructType)
		if !ok || name == "" {
			return 0, nil, false, fmt.Errorf("field %q of %s: %w: not a struct", name, typeText(t), ErrPath)
		}
		var field *dwarf.StructField
		for _, f := range s.Field {
			if f.Name == name {
				field = f
				break
			}
		}
		if field == nil {
			return 0, nil, false, nil
		}
		off += uint64(field.ByteOffset)
		t = field.Type
	}
	return off, t, true, nil
}

// typeName returns the name that the linker gave to the type at the end of a
// path which walk has been down, "" when it has none. debug/dwarf drops the
// names of pointers and functions ("unsafe.Pointer", "func()").
func (d *debugInfo) typeName(off dwarf.Offset, path string) string {
	for range 1 << 10 { // no path is longer; a damaged file's typedefs may be
		e, r, err := d.entry(off)
		if err != nil {
			return ""
		}
		if path == "" {
			name, _ := e.Val(dwarf.AttrName).(string)
			return name
		}
		to, hasType := e.Val(dwarf.AttrType).(dwarf.Offset)
		switch {
		case e.Tag == dwarf.TagStructType:
			path = strings.TrimPrefix(path, ".")
			name := path
			if end := strings.IndexAny(path, ".["); end >= 0 {
				name = path[:end]
			}
			path = path[len(name):]
			to, hasType = member(r, name)
		case e.Tag == dwarf.TagArrayType:
			_, path, _ = cutIndex(path)
		}
		if !hasType {
			return ""
		}
		off = to
	}
	return ""
}

// member returns the type of a field of the struct whose entry r has just read.
func member(r *dwarf.Reader, name string) (dwarf.Offset, bool) {
	for {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return 0, false
		}
		if n, _ := e.Val(dwarf.AttrName).(string); n == name && e.Tag == dwarf.TagMember {
			to, ok := e.Val(dwarf.AttrType).(dwarf.Offset)
			return to, ok
		}
		r.SkipChildren()
	}
}

// cutIndex splits "[3].x" into 3 and ".x".
func cutIndex(path string) (index int64, rest string, ok bool) {
	inner, isIndex := strings.CutPrefix(path, "[")
	if !isIndex {
		return 0, path, false
	}
	digits, rest, closed := strings.Cut(inner, "]")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !closed {
		return -1, "", true // out of range of every array
	}
	return n, rest, true
}

// splitVariable cuts an expression behind the variable: "runtime.m0" and ".tls[1]".
func splitVariable(expr string) (name, path string) {
	start := len(packageOf(expr)) + 1
	if start >= len(expr) {
		return expr, ""
	}
	if i := strings.IndexAny(expr[start:], ".["); i >= 0 {
		return expr[:start+i], expr[start+i:]
	}
	return expr, ""
}

// bare strips names off a type.
func bare(t dwarf.Type) dwarf.Type {
	for range 64 { // a damaged file may name a type after itself
		switch x := t.(type) {
		case *dwarf.TypedefType:
			t = x.Type
		case *dwarf.QualType:
			t = x.Type
		default:
			return t
		}
	}
	return t
}

func unsigned(t dwarf.Type) bool {
	switch bare(t).(type) {
	case *dwarf.UintType, *dwarf.UcharType, *dwarf.AddrType:
		return true
	}
	return false
}

// sizeOf is the number of bytes of a type, 0 when the file does not say.
func sizeOf(t dwarf.Type) uint64 {
	if t == nil {
		return 0
	}
	return uint64(max(0, bare(t).Size()))
}

// typeText writes a type that the linker gave no name (C's have none).
func typeText(t dwarf.Type) string {
	if t == nil {
		return ""
	}
	if name := t.Common().Name; name != "" {
		return name
	}
	switch x := t.(type) {
	case *dwarf.StructType:
		if x.StructName != "" {
			return x.StructName
		}
	case *dwarf.TypedefType:
		return typeText(x.Type)
	case *dwarf.PtrType:
		return "*" + typeText(x.Type)
	case *dwarf.ArrayType:
		return fmt.Sprintf("[%d]%s", x.Count, typeText(x.Type))
	}
	return t.String()
}
