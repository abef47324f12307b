package image

import (
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Func is one function with code of its own.
type Func struct {
	Name string // without ".abi0"
	// Entry is the first byte, End the first byte behind the last instruction
	// (padding is not part of it).
	Entry, End uint64
	index      int // in the table of Go functions; -1 for a C function
}

// Flags are the marks the linker puts on a function (runtime/symtab.go, since
// 1.20 internal/abi/symtab.go).
type Flags uint8

// The marks. FlagTopFrame and FlagSPWrite exist since 1.17, FlagAsm since 1.18.
const (
	FlagTopFrame Flags = 1 << iota // the stack ends here
	FlagSPWrite                    // writes any value to SP
	FlagAsm                        // written in assembly
)

// layout says where a record of the table (runtime._func) keeps what this
// package needs. debug/gosym reads names, files and lines, but neither where a
// function ends nor its flags.
type layout struct {
	entry int // bytes of the entry: an address, since 1.18 an offset of 4 bytes
	pcln  int // offset of the field pcln
	flag  int // offset of the field flag; 0 = none
}

// layoutOf knows the layouts by the magic number of the table.
//
//	0xfffffffb  1.2–1.15   runtime2.go: entry uintptr, nameoff, args, frame|deferreturn, pcsp, pcfile, pcln, npcdata, …
//	0xfffffffa  1.16–1.17  runtime2.go: … npcdata, cuOffset, funcID, flag (1.17; padding, always 0, in 1.16), …
//	0xfffffff0  1.18–1.19  runtime2.go: entryoff uint32, the rest as before
//	0xfffffff1  1.20–      runtime2.go: startLine between cuOffset and funcID
func layoutOf(magic uint32, ptr int) (layout, bool) {
	switch magic {
	case 0xfffffffb:
		return layout{entry: ptr, pcln: ptr + 5*4}, true
	case 0xfffffffa:
		return layout{entry: ptr, pcln: ptr + 5*4, flag: ptr + 8*4 + 1}, true
	case 0xfffffff0:
		return layout{entry: 4, pcln: 4 + 5*4, flag: 4 + 8*4 + 1}, true
	case 0xfffffff1:
		return layout{entry: 4, pcln: 4 + 5*4, flag: 4 + 9*4 + 1}, true
	}
	return layout{}, false
}

// funcTab is the table of Go functions (pclntab), read.
type funcTab struct {
	layout  layout
	order   binary.ByteOrder
	ptr     int
	quantum uint64
	records []byte // what the functab's offsets count from
	functab []byte
	pctab   []byte
	byName  map[string][]int // indexes into table.Funcs

	mu    sync.Mutex // gosym caches names in maps when it is asked for lines
	table *gosym.Table
}

var errFuncTab = fmt.Errorf("%w or it is damaged", ErrNoFuncTab)

// readFuncTab finds and reads the table. Unlike the symbol table and DWARF it
// is there in a stripped binary, too: the runtime itself needs it.
func (im *Image) readFuncTab() (read *funcTab, err error) {
	defer guard(&err)
	data, err := im.pclntab()
	if err != nil {
		return nil, err
	}
	if len(data) < 16 {
		return nil, errFuncTab
	}
	tab := &funcTab{order: im.order, ptr: int(data[7]), quantum: uint64(data[6])}
	var known bool
	if tab.layout, known = layoutOf(im.order.Uint32(data), tab.ptr); !known || tab.ptr != im.ptr {
		return nil, fmt.Errorf("%w: unknown header % x", ErrNoFuncTab, data[:8])
	}
	if err := tab.cut(data); err != nil {
		return nil, err
	}
	text, sure := im.textStart(data, tab.layout)
	tab.table, err = gosym.NewTable(nil, gosym.NewLineTable(data, text))
	if err != nil || len(tab.table.Funcs) == 0 {
		return nil, errors.Join(errFuncTab, err)
	}
	tab.byName = make(map[string][]int, len(tab.table.Funcs))
	for i := range tab.table.Funcs {
		name := tab.table.Funcs[i].Name
		tab.byName[name] = append(tab.byName[name], i)
	}
	// Where the text begins was a guess: the entry's own name proves it.
	if f, ok := tab.at(im.Entry); !sure && (!ok || !strings.HasPrefix(f.Name, "_rt0_")) {
		return nil, fmt.Errorf("%w: it does not say where the text begins (stripped, and linked by another linker than Go's)", ErrNoFuncTab)
	}
	if !im.executable(tab.table.Funcs[0].Entry) {
		return nil, fmt.Errorf("%w: its addresses are not those of the code", ErrNoFuncTab)
	}
	return tab, nil
}

// cut finds the parts of the table; the words of the header are those of pcHeader.
func (t *funcTab) cut(data []byte) error {
	word := func(i int) uint64 {
		at := 8 + i*t.ptr
		if at+t.ptr > len(data) {
			return 1 << 62 // refused below
		}
		return t.uint(data[at:], t.ptr)
	}
	from := func(off uint64) []byte {
		if off > uint64(len(data)) {
			return nil
		}
		return data[off:]
	}
	switch {
	case t.layout.flag == 0:
		t.records, t.pctab, t.functab = data, data, from(uint64(8+t.ptr))
	case t.layout.entry != 4: // 1.16–1.17: no textStart in the header
		t.pctab, t.records = from(word(5)), from(word(6))
		t.functab = t.records
	default:
		t.pctab, t.records = from(word(6)), from(word(7))
		t.functab = t.records
	}
	n, field := word(0), uint64(t.layout.entry)
	if n == 0 || n > uint64(len(t.functab))/(2*field) {
		return fmt.Errorf("%w: %d functions", errFuncTab, n)
	}
	t.functab = t.functab[:n*2*field]
	return nil
}

func (t *funcTab) uint(b []byte, size int) uint64 {
	if size == 4 {
		return uint64(t.order.Uint32(b))
	}
	return t.order.Uint64(b)
}

// record returns the record (runtime._func) of function i, nil when the table is damaged.
func (t *funcTab) record(i int) []byte {
	field := t.layout.entry
	at := i*2*field + field
	if i < 0 || at+field > len(t.functab) {
		return nil
	}
	off := t.uint(t.functab[at:], field)
	if off > uint64(len(t.records)) || len(t.records)-int(off) < 48 {
		return nil
	}
	return t.records[off:]
}

// end returns the first address behind the code of function i: its table of
// lines ends there, while gosym's End includes the padding.
func (t *funcTab) end(i int) uint64 {
	f := &t.table.Funcs[i]
	rec := t.record(i)
	if rec == nil {
		return f.End
	}
	off := uint64(t.order.Uint32(rec[t.layout.pcln:]))
	if off == 0 || off >= uint64(len(t.pctab)) {
		return f.End
	}
	pc := f.Entry
	for p, first := t.pctab[off:], true; ; first = false {
		delta, n := binary.Uvarint(p)
		if n <= 0 || (delta == 0 && !first) {
			break
		}
		step, m := binary.Uvarint(p[n:])
		if m <= 0 {
			break
		}
		pc += step * t.quantum
		p = p[n+m:]
		if pc >= f.End {
			return f.End
		}
	}
	if pc <= f.Entry {
		return f.End
	}
	return pc
}

// at returns the function whose code holds an address.
func (t *funcTab) at(addr uint64) (Func, bool) {
	funcs := t.table.Funcs
	i := sort.Search(len(funcs), func(i int) bool { return funcs[i].Entry > addr }) - 1
	if i < 0 {
		return Func{}, false
	}
	f := t.get(i)
	return f, addr >= f.Entry && addr < f.End
}

func (t *funcTab) get(i int) Func {
	f := &t.table.Funcs[i]
	return Func{Name: strings.TrimSuffix(f.Name, ".abi0"), Entry: f.Entry, End: t.end(i), index: i}
}

func (t *funcTab) line(addr uint64) (file string, line int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	file, line, _ = t.table.PCToLine(addr)
	return file, line
}

// autogenerated is the file that the compiler gives to the wrappers it makes up.
const autogenerated = "<autogenerated>"

// Func returns the real body of a function: not the wrapper that translates
// between Go's two calling conventions since 1.17. ok is false when no code of
// that name is in the image (gone, never called, or inlined everywhere).
func (im *Image) Func(name string) (f Func, ok bool, err error) {
	bodies, err := im.Bodies(name)
	if len(bodies) == 0 {
		return Func{}, false, err
	}
	return bodies[0], true, nil
}

// Bodies returns every function of that name without wrappers. There are
// several when functions of C share a name, and when the table of Go's
// functions cannot be used: then the ABI0 side comes first, and it cannot be
// told which one is the wrapper. The error wraps ErrNoFuncTab and ErrNoSymbols.
func (im *Image) Bodies(name string) (bodies []Func, err error) {
	name = strings.TrimSuffix(name, ".abi0")
	tab, err := im.funcTab()
	if err == nil {
		all := tab.byName[name]
		for _, i := range all {
			if file, _ := tab.line(tab.table.Funcs[i].Entry); file != autogenerated {
				bodies = append(bodies, tab.get(i))
			}
		}
		if len(bodies) > 0 {
			return bodies, nil
		}
		if len(all) > 0 { // made up by the compiler, like the comparison of a type
			return []Func{tab.get(all[0])}, nil
		}
	}
	symbols, symErr := im.Symbols()
	if symErr != nil {
		if err != nil {
			return nil, errors.Join(err, symErr)
		}
		return nil, nil
	}
	for _, spelled := range []string{name + ".abi0", name} {
		if _, found, _ := im.Symbol(spelled); !found {
			continue
		}
		for _, s := range symbols {
			if s.Name != spelled || !im.executable(s.Addr) {
				continue
			}
			if s.Size == 0 {
				if whole, ok := im.SymbolAt(s.Addr); ok {
					s.Size = whole.Size
				}
			}
			bodies = append(bodies, Func{Name: name, Entry: s.Addr, End: s.Addr + s.Size, index: -1})
		}
	}
	return bodies, nil
}

// NameAt names what holds an address, a function or a variable, for the text
// of an instruction. name is "" when there is nothing.
func (im *Image) NameAt(addr uint64) (name string, base uint64) {
	if f, ok, err := im.FuncAt(addr); err == nil && ok {
		return f.Name, f.Entry
	}
	if s, ok := im.SymbolAt(addr); ok {
		return s.Name, s.Addr
	}
	return "", 0
}

// FuncAt returns the function whose code holds an address.
func (im *Image) FuncAt(addr uint64) (f Func, ok bool, err error) {
	tab, err := im.funcTab() // nil beside an error
	if err == nil {
		if f, ok := tab.at(addr); ok {
			return f, true, nil
		}
	}
	if s, found := im.SymbolAt(addr); found && im.executable(addr) {
		if tab != nil {
			if _, isGo := tab.at(s.Addr); isGo {
				return Func{}, false, nil // the padding behind a Go function
			}
		}
		return Func{Name: strings.TrimSuffix(s.Name, ".abi0"), Entry: s.Addr, End: s.Addr + s.Size, index: -1}, true, nil
	}
	if err != nil {
		if _, symErr := im.Symbols(); symErr == nil {
			return Func{}, false, nil
		}
	}
	return Func{}, false, err
}

// Flags returns the marks of a function. ok is false when its table has no room
// for them (up to 1.15). The table of 1.16 has the room and marks nothing: the
// caller, who knows the release, must tell it from 1.17's.
func (im *Image) Flags(f Func) (flags Flags, ok bool, err error) {
	tab, err := im.funcTab()
	if err != nil {
		return 0, false, err
	}
	if tab.layout.flag == 0 || f.index < 0 {
		return 0, false, nil
	}
	rec := tab.record(f.index)
	if rec == nil {
		return 0, false, fmt.Errorf("read flags of %s: %w", f.Name, errFuncTab)
	}
	return Flags(rec[tab.layout.flag]), true, nil
}

// Line returns the file (its base name) and line of the instruction at an
// address, as the runtime itself would print it. ok is false for code that is not Go's.
func (im *Image) Line(addr uint64) (file string, line int, ok bool, err error) {
	file, line, ok, err = im.fileLine(addr)
	if !ok {
		return "", 0, false, err
	}
	return path.Base(file), line, true, nil
}

// SourcePath returns the file of the instruction at an address as the linker wrote it down.
func (im *Image) SourcePath(addr uint64) (file string, ok bool, err error) {
	file, _, ok, err = im.fileLine(addr)
	return file, ok, err
}

// Source returns the file of the instruction at an address as the linker wrote it
// down, but from below GOROOT/src where it lies there: "runtime/proc.go".
func (im *Image) Source(addr uint64) (file string, ok bool, err error) {
	file, _, ok, err = im.fileLine(addr)
	if _, below, found := strings.Cut(file, "/src/"); found {
		file = below
	}
	return file, ok, err
}

func (im *Image) fileLine(addr uint64) (file string, line int, ok bool, err error) {
	tab, err := im.funcTab()
	if err != nil {
		return "", 0, false, err
	}
	if _, inside := tab.at(addr); !inside {
		return "", 0, false, nil
	}
	file, line = tab.line(addr)
	if file == "" || line <= 0 {
		return "", 0, false, nil
	}
	return strings.ReplaceAll(file, `\`, "/"), line, true, nil
}

// Packages returns the packages that have functions in the table, sorted.
func (im *Image) Packages() ([]string, error) {
	there := map[string]bool{}
	err := im.funcs(func(f Func) bool {
		// Names that the compiler makes up (type..eq, go:buildid) have no package.
		name, _, _ := strings.Cut(f.Name, "(") // of a method: there may be slashes in its receiver's type
		if pkg := packageOf(name); pkg != name && pkg != "type" && pkg != "go" && !strings.Contains(pkg, ":") {
			there[pkg] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(there)), err
}

// funcs calls yield for every Go function, in the order of their addresses.
func (im *Image) funcs(yield func(Func) bool) error {
	tab, err := im.funcTab()
	if err != nil {
		return err
	}
	for i := range tab.table.Funcs {
		if !yield(tab.get(i)) {
			break
		}
	}
	return nil
}
