package image

import (
	"compress/zlib"
	"debug/dwarf"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
)

// debugNames are the parts of DWARF that are read, without ".debug_". Lines,
// ranges and locations are not: pclntab has the lines, and they are most of the bytes.
var debugNames = []string{"abbrev", "addr", "info", "line_str", "str", "str_offsets"}

// maxDebug and maxRatio bound what one packed section may become: Go's shrink
// to a half or a third.
const (
	maxDebug = 1 << 30
	maxRatio = 64
)

// debugSection is one part of DWARF in the file.
type debugSection struct {
	stored uint64 // bytes in the file
	size   uint64 // bytes when unpacked
	packed bool   // open unpacks it
	// old: "ZLIB", the unpacked size, and a zlib stream (sections named .zdebug_*: 1.11–1.18, and later outside of ELF)
	old  bool
	open func() (io.Reader, error)
}

func oldPacked(r io.Reader, stored uint64) debugSection {
	return debugSection{stored: stored, size: stored, old: true, open: func() (io.Reader, error) { return r, nil }}
}

// Debug returns one section of DWARF, unpacked: "info", "rnglists". It is nil
// when there is none. It is read anew each time. The error wraps ErrDamaged.
func (im *Image) Debug(name string) (b []byte, err error) {
	im.debug.mu.Lock()
	defer im.debug.mu.Unlock()
	defer guard(&err)
	return im.debugBytes(name)
}

// debugBytes is for one caller at a time: some sections share a reader.
func (im *Image) debugBytes(name string) ([]byte, error) {
	d, ok := im.debugs[name]
	if !ok {
		return nil, nil
	}
	if d.stored > uint64(im.size) {
		return nil, fmt.Errorf("read .debug_%s: %w: %d bytes of it in a file of %d", name, ErrDamaged, d.stored, im.size)
	}
	r, err := d.open()
	if err != nil {
		return nil, fmt.Errorf("read .debug_%s: %w: %w", name, ErrDamaged, err)
	}
	size := d.size
	if s, seekable := r.(io.Seeker); seekable {
		if _, err := s.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read .debug_%s: %w: %w", name, ErrDamaged, err)
		}
	}
	if d.old {
		var header [12]byte
		if _, err := io.ReadFull(r, header[:]); err != nil || string(header[:4]) != "ZLIB" {
			return nil, fmt.Errorf("read .zdebug_%s: %w: no ZLIB header", name, ErrDamaged)
		}
		size = binary.BigEndian.Uint64(header[4:])
		if r, err = zlib.NewReader(r); err != nil {
			return nil, fmt.Errorf("read .zdebug_%s: %w: %w", name, ErrDamaged, err)
		}
	}
	if (d.packed || d.old) && (size > maxDebug || size > d.stored*maxRatio) || !d.packed && !d.old && size > d.stored {
		return nil, fmt.Errorf("read .debug_%s: %w: %d bytes become %d", name, ErrDamaged, d.stored, size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read .debug_%s: %w: %w", name, ErrDamaged, err)
	}
	return b, nil
}

// die is where an entry of DWARF stands.
type die struct {
	off dwarf.Offset
	tag dwarf.Tag
}

// unit is one compile unit: a Go package, or a C file.
type unit struct {
	name, producer string
	off            dwarf.Offset
	indexed        bool
}

// debugInfo is DWARF, read as far as somebody asked: sections when the first
// name is looked for, the names of a unit when they may be in it.
type debugInfo struct {
	mu     sync.Mutex
	loaded bool
	err    error
	data   *dwarf.Data
	units  []unit
	index  map[string][]die // the top-level names of all indexed units
	// checked are the types that typeAt may read.
	checked map[dwarf.Offset]bool
}

// withDWARF calls f with DWARF loaded and nobody else using it (debug/dwarf
// caches types in a map). The error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) withDWARF(f func(d *debugInfo) error) (err error) {
	d := &im.debug
	d.mu.Lock()
	defer d.mu.Unlock()
	defer guard(&err)
	if !d.loaded {
		d.loaded = true
		d.err = im.loadDWARF(d)
	}
	if d.err != nil {
		return d.err
	}
	return f(d)
}

func (im *Image) loadDWARF(d *debugInfo) (err error) {
	defer guard(&err)
	if _, ok := im.debugs["info"]; !ok {
		return ErrNoDWARF
	}
	sections := map[string][]byte{}
	for _, name := range debugNames {
		if sections[name], err = im.debugBytes(name); err != nil {
			return err
		}
	}
	d.data, err = dwarf.New(sections["abbrev"], nil, nil, sections["info"], nil, nil, nil, sections["str"])
	if err != nil {
		return fmt.Errorf("read DWARF: %w: %w", ErrDamaged, err)
	}
	for _, name := range []string{"addr", "line_str", "str_offsets"} {
		if sections[name] == nil {
			continue
		}
		if err := d.data.AddSection(".debug_"+name, sections[name]); err != nil {
			return fmt.Errorf("read DWARF: %w: %w", ErrDamaged, err)
		}
	}
	d.index = map[string][]die{}
	r := d.data.Reader()
	for {
		e, err := r.Next()
		if err != nil {
			return fmt.Errorf("read DWARF units: %w: %w", ErrDamaged, err)
		}
		if e == nil {
			return nil
		}
		if e.Tag == dwarf.TagCompileUnit {
			u := unit{off: e.Offset}
			u.name, _ = e.Val(dwarf.AttrName).(string)
			u.producer, _ = e.Val(dwarf.AttrProducer).(string)
			d.units = append(d.units, u)
		}
		r.SkipChildren()
	}
}

// find returns the first entry of that name with one of the tags, tried in
// their order. The unit of the name's package is read first, then the one that
// the linker puts types into (runtime; in 1.11 the first of all), then the others.
func (d *debugInfo) find(name string, tags ...dwarf.Tag) (die, bool, error) {
	pkg := packageOf(name)
	for _, wanted := range []func(i int, u *unit) bool{
		func(_ int, u *unit) bool { return u.name == pkg },
		func(i int, u *unit) bool { return u.name == "runtime" || i == 0 },
		func(int, *unit) bool { return true },
	} {
		for i := range d.units {
			if u := &d.units[i]; wanted(i, u) && !u.indexed {
				if err := d.indexUnit(u); err != nil {
					return die{}, false, err
				}
			}
		}
		for _, tag := range tags {
			for _, e := range d.index[name] {
				if e.tag == tag {
					return e, true, nil
				}
			}
		}
	}
	return die{}, false, nil
}

// indexUnit notes the names of a unit's top level.
func (d *debugInfo) indexUnit(u *unit) error {
	u.indexed = true
	r := d.data.Reader()
	r.Seek(u.off)
	depth := 0
	for {
		e, err := r.Next()
		if err != nil {
			return fmt.Errorf("read DWARF of %s: %w: %w", u.name, ErrDamaged, err)
		}
		if e == nil {
			return nil
		}
		if depth == 1 {
			if name, ok := e.Val(dwarf.AttrName).(string); ok {
				d.index[name] = append(d.index[name], die{e.Offset, e.Tag})
			}
		}
		switch {
		case e.Tag == 0:
			depth--
		case e.Children:
			depth++
		}
		if depth <= 0 {
			return nil
		}
	}
}

func (d *debugInfo) entry(off dwarf.Offset) (*dwarf.Entry, *dwarf.Reader, error) {
	r := d.data.Reader()
	r.Seek(off)
	e, err := r.Next()
	if err != nil {
		return nil, nil, fmt.Errorf("read DWARF at %#x: %w: %w", off, ErrDamaged, err)
	}
	if e == nil {
		return nil, nil, fmt.Errorf("read DWARF at %#x: %w: nothing there", off, ErrDamaged)
	}
	return e, r, nil
}

// packageOf returns the package of a full name: "internal/cpu" of "internal/cpu.X86".
func packageOf(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	if dot := strings.IndexByte(name[slash:], '.'); dot >= 0 {
		return name[:slash+dot]
	}
	return name
}

// Constant returns the value of an integer constant of a package,
// "runtime.heapAddrBits". The error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) Constant(name string) (value *big.Int, ok bool, err error) {
	err = im.withDWARF(func(d *debugInfo) error {
		at, found, err := d.find(name, dwarf.TagConstant)
		if err != nil || !found {
			return err
		}
		e, _, err := d.entry(at.off)
		if err != nil {
			return err
		}
		switch v := e.Val(dwarf.AttrConstValue).(type) {
		case int64:
			value, ok = big.NewInt(v), true
			// Constants above 2^63 are written as negative numbers of an unsigned type.
			if t, has := e.Val(dwarf.AttrType).(dwarf.Offset); has && v < 0 {
				if typ, err := d.typeAt(t); err == nil && unsigned(typ) {
					value.SetUint64(uint64(v))
				}
			}
		case uint64:
			value, ok = new(big.Int).SetUint64(v), true
		}
		return nil
	})
	return value, ok, err
}

// Producer returns what compiled a package, "Go cmd/compile go1.26.8; -N -l regabi".
// The error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) Producer(pkg string) (producer string, ok bool, err error) {
	err = im.withDWARF(func(d *debugInfo) error {
		for _, u := range d.units {
			if u.name == pkg {
				producer, ok = u.producer, true
				return nil
			}
		}
		return nil
	})
	return producer, ok, err
}

// Declared reports whether DWARF knows a package-level variable, function,
// type or constant of that name. The error wraps ErrNoDWARF or ErrDamaged.
func (im *Image) Declared(name string) (ok bool, err error) {
	err = im.withDWARF(func(d *debugInfo) (err error) {
		tags := append([]dwarf.Tag{dwarf.TagSubprogram, dwarf.TagVariable, dwarf.TagConstant}, typeTags...)
		_, ok, err = d.find(name, tags...)
		return err
	})
	return ok, err
}

// Params returns the names of a function's parameters in the order of DWARF,
// results left out: as they are declared since 1.12, by their names before. ok
// is false when DWARF does not know the function.
func (im *Image) Params(f string) (names []string, ok bool, err error) {
	f = strings.TrimSuffix(f, ".abi0")
	body, hasBody, _ := im.Func(f)
	err = im.withDWARF(func(d *debugInfo) error {
		if _, found, err := d.find(f, dwarf.TagSubprogram); err != nil || !found {
			return err
		}
		// The wrapper has an entry of the same name; an inlined function one
		// without an address, which is the declaration.
		var best *dwarf.Entry
		var rest *dwarf.Reader
		for _, at := range d.index[f] {
			if at.tag != dwarf.TagSubprogram {
				continue
			}
			e, r, err := d.entry(at.off)
			if err != nil {
				return err
			}
			low, has := e.Val(dwarf.AttrLowpc).(uint64)
			if best == nil || !has || hasBody && low == body.Entry {
				best, rest = e, r
			}
		}
		names, ok = []string{}, true
		if !best.Children {
			return nil
		}
		for {
			e, err := rest.Next()
			if err != nil {
				return fmt.Errorf("read parameters of %s: %w: %w", f, ErrDamaged, err)
			}
			if e == nil || e.Tag == 0 {
				return nil
			}
			result, _ := e.Val(dwarf.AttrVarParam).(bool)
			if name, has := e.Val(dwarf.AttrName).(string); has && e.Tag == dwarf.TagFormalParameter && !result {
				names = append(names, name)
			}
			rest.SkipChildren()
		}
	})
	return names, ok, err
}
