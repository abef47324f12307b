// Package image reads executables as they lie on disk: ELF, Mach-O, PE and, as
// far as names go, WebAssembly through one type. It starts no process, runs on
// every system, and trusts nothing it reads: a damaged or hostile file gives an
// error, never a panic, and never more memory than a small multiple of the file.
//
// All addresses are link-time virtual addresses.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// The formats of an Image.
const (
	ELF   = "elf"
	MachO = "macho"
	PE    = "pe"
	WASM  = "wasm"
)

var (
	// ErrFormat is wrapped when a file is no executable that this package reads.
	ErrFormat = errors.New("not an ELF, Mach-O, PE or WebAssembly executable")
	// ErrDamaged is wrapped when a part of a file contradicts the rest of it.
	ErrDamaged = errors.New("damaged executable")
	// ErrAddress is wrapped when the file has nothing at an address.
	ErrAddress = errors.New("no such address in the image")
	// ErrNoDWARF is wrapped when the file was linked with -w or stripped.
	ErrNoDWARF = errors.New("no DWARF in the executable (linked with -w or stripped)")
	// ErrNoSymbols is wrapped when the file was linked with -s or stripped.
	ErrNoSymbols = errors.New("no symbol table in the executable (linked with -s or stripped)")
	// ErrNoFuncTab is wrapped when the table of Go's functions (pclntab) is missing or cannot be read.
	ErrNoFuncTab = errors.New("no table of Go functions in the executable")
	// ErrChanged is wrapped when the file was replaced while it was being read.
	ErrChanged = errors.New("the file changed while it was read")
)

// maxBytes bounds what Bytes returns at once; no function of a Go program is larger.
const maxBytes = 64 << 20

// Section is one section of the file.
type Section struct {
	Name    string // Mach-O: without its segment
	Segment string // Mach-O: "__TEXT"; "" elsewhere
	Addr    uint64
	Size    uint64
	// Flags has the letters readelf uses, in this order: W writable, A
	// allocated (it is there when the program runs), X holds instructions.
	Flags string
	// Allocated, ReadOnly, Executable are Flags in words, except that a
	// section that is written by the loader alone (.data.rel.ro, __DATA_CONST) is read-only.
	Allocated, ReadOnly, Executable bool

	nowhere bool // its address means nothing: thread-local zeros
}

// Symbol is one entry of the file's symbol table that has an address.
type Symbol struct {
	Name  string // without the underscore that Mach-O puts in front of every name
	Addr  uint64
	Size  uint64 // 0 = unknown: Mach-O and PE do not keep it
	Func  bool   // it names code
	Local bool   // only the object file it comes from sees it: name<>(SB) in assembly
}

// segment is a range of addresses and the bytes of the file that fill it.
type segment struct {
	addr, size  uint64
	off, inFile uint64 // what lies behind inFile is zero
	exec        bool
}

// Image is one executable. It is safe for concurrent use; it keeps no file open.
type Image struct {
	// Path is where it was read from, for messages; "" for New.
	Path   string
	Format string
	// GOOS and GOARCH are read from the headers, or "" where they do not say.
	GOOS, GOARCH string
	// Entry is the address of the first instruction of the file; 0 = none.
	Entry uint64
	// Interp is the program that loads the file (PT_INTERP, LC_LOAD_DYLINKER); "" = none.
	Interp string
	// Sections are in the order of the file.
	Sections []Section

	r      io.ReaderAt
	size   int64
	order  binary.ByteOrder
	ptr    int // bytes of an address
	segs   []segment
	debugs map[string]debugSection // by name without its prefix: "info"
	// symtab reads the symbol table; needed the names of libraries.
	symtab func() ([]Symbol, error)
	needed func() ([]string, error)
	// relocation finds what the loader writes to an address; nil where that is not known.
	relocation func(addr uint64) (uint64, bool)

	symbols func() ([]Symbol, error)
	byName  func() (map[string]int, error)
	sorted  func() ([]int, error)

	funcTab func() (*funcTab, error)
	debug   debugInfo
}

// New reads the headers of an executable of size bytes. r must stay readable
// as long as the Image is used, and must be safe for concurrent use.
func New(r io.ReaderAt, size int64) (im *Image, err error) {
	defer guard(&err)
	im = &Image{r: r, size: size, debugs: map[string]debugSection{}}
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, fmt.Errorf("read the first bytes: %w (%d bytes long)", ErrFormat, size)
	}
	switch m := string(magic[:]); {
	case m == elf.ELFMAG:
		err = im.readELF()
	case isMachO(magic):
		err = im.readMachO()
	case m[:2] == "MZ":
		err = im.readPE()
	case m == wasmMagic:
		err = im.readWASM()
	case m == "\xca\xfe\xba\xbe":
		return nil, fmt.Errorf("%w: a universal Mach-O file holds several; take one out with lipo -thin", ErrFormat)
	default:
		return nil, fmt.Errorf("%w: it begins with % x", ErrFormat, magic)
	}
	if err != nil {
		return nil, err
	}
	im.symbols = sync.OnceValues(func() (s []Symbol, err error) {
		defer guard(&err)
		return im.symtab()
	})
	im.byName = sync.OnceValues(im.indexSymbols)
	im.sorted = sync.OnceValues(im.sortSymbols)
	im.funcTab = sync.OnceValues(im.readFuncTab)
	return im, nil
}

// guard turns a panic of a reader into ErrDamaged: the readers of the standard
// library do not promise to survive every damaged file.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: the reader gave up: %v", ErrDamaged, p)
	}
}

// FileSize returns the size of the file in bytes.
func (im *Image) FileSize() int64 { return im.size }

// FileByte returns one byte of the file. The error wraps ErrAddress.
func (im *Image) FileByte(offset int64) (byte, error) {
	var b [1]byte
	if offset < 0 || offset >= im.size {
		return 0, fmt.Errorf("read byte %d of the file: %w: it has %d bytes", offset, ErrAddress, im.size)
	}
	if _, err := im.r.ReadAt(b[:], offset); err != nil {
		return 0, fmt.Errorf("read byte %d of the file: %w", offset, err)
	}
	return b[0], nil
}

// Section returns the first section of that name; Mach-O sections are also found as "__TEXT,__text".
func (im *Image) Section(name string) (Section, bool) {
	for _, s := range im.Sections {
		if s.Name == name || (s.Segment != "" && s.Segment+","+s.Name == name) {
			return s, true
		}
	}
	return Section{}, false
}

// SectionAt returns the allocated section that holds an address.
func (im *Image) SectionAt(addr uint64) (Section, bool) {
	for _, s := range im.Sections {
		if s.Allocated && !s.nowhere && addr >= s.Addr && addr-s.Addr < s.Size {
			return s, true
		}
	}
	return Section{}, false
}

// Needed returns the libraries the file asks its loader for, in its order.
func (im *Image) Needed() (libs []string, err error) {
	defer guard(&err)
	return im.needed()
}

// Bytes returns n bytes at an address, zeros where the loader puts zeros
// (.bss). Nothing is relocated: a pointer of a position-independent
// executable is whatever the linker left there. The error wraps ErrAddress.
func (im *Image) Bytes(addr uint64, n int) ([]byte, error) {
	if n < 0 || n > maxBytes {
		return nil, fmt.Errorf("read %d bytes at %#x: %w: at most %d at once", n, addr, ErrAddress, maxBytes)
	}
	seg, ok := im.segmentAt(addr)
	if !ok || uint64(n) > seg.size-(addr-seg.addr) {
		return nil, fmt.Errorf("read %d bytes at %#x: %w", n, addr, ErrAddress)
	}
	at := addr - seg.addr
	var in uint64
	if at < seg.inFile {
		in = min(uint64(n), seg.inFile-at)
	}
	if in > 0 && (seg.off+at+in > uint64(im.size) || seg.off+at+in < seg.off) {
		return nil, fmt.Errorf("read %d bytes at %#x: %w: the file ends before them", n, addr, ErrDamaged)
	}
	b := make([]byte, n)
	if in > 0 {
		if _, err := im.r.ReadAt(b[:in], int64(seg.off+at)); err != nil {
			return nil, fmt.Errorf("read %d bytes at %#x: %w", n, addr, err)
		}
	}
	return b, nil
}

// Uint returns the unsigned integer of 1, 2, 4 or 8 bytes at an address.
func (im *Image) Uint(addr uint64, size int) (uint64, error) {
	b, err := im.Bytes(addr, size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(im.order.Uint16(b)), nil
	case 4:
		return uint64(im.order.Uint32(b)), nil
	case 8:
		return im.order.Uint64(b), nil
	}
	return 0, fmt.Errorf("read an integer of %d bytes at %#x: no such size", size, addr)
}

// Text returns the bytes from an address up to the next zero byte. It gives
// up with ErrAddress when there is none within limit bytes.
func (im *Image) Text(addr uint64, limit int) (string, error) {
	var text []byte
	for len(text) < limit {
		seg, ok := im.segmentAt(addr + uint64(len(text)))
		if !ok {
			return "", fmt.Errorf("read text at %#x: %w", addr, ErrAddress)
		}
		n := min(seg.addr+seg.size-addr-uint64(len(text)), 64, uint64(limit-len(text)))
		b, err := im.Bytes(addr+uint64(len(text)), int(n))
		if err != nil {
			return "", err
		}
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return string(append(text, b[:i]...)), nil
		}
		text = append(text, b...)
	}
	return "", fmt.Errorf("read text at %#x: %w: no zero byte within %d bytes", addr, ErrAddress, limit)
}

// Contains reports whether the bytes stand in a section that nobody writes to at run time.
func (im *Image) Contains(b []byte) (bool, error) {
	const chunk = 1 << 20
	if len(b) == 0 || len(b) > chunk {
		return false, fmt.Errorf("look for %d bytes: between 1 and %d can be looked for", len(b), chunk)
	}
	for _, s := range im.Sections {
		if !s.Allocated || !s.ReadOnly {
			continue
		}
		seg, ok := im.segmentAt(s.Addr)
		if !ok || s.Addr-seg.addr >= seg.inFile {
			continue
		}
		size := min(s.Size, seg.inFile-(s.Addr-seg.addr))
		for at := uint64(0); at < size; at += chunk {
			// The overlap finds what lies across two chunks.
			part, err := im.Bytes(s.Addr+at, int(min(size-at, chunk+uint64(len(b))-1)))
			if err != nil {
				return false, err
			}
			if bytes.Contains(part, b) {
				return true, nil
			}
		}
	}
	return false, nil
}

// FileOffset returns where in the file the byte of an address stands. ok is
// false for what is not in the file (.bss).
func (im *Image) FileOffset(addr uint64) (off uint64, ok bool) {
	s, ok := im.segmentAt(addr)
	if !ok || addr-s.addr >= s.inFile {
		return 0, false
	}
	return s.off + addr - s.addr, true
}

func (im *Image) segmentAt(addr uint64) (segment, bool) {
	for _, s := range im.segs {
		if addr >= s.addr && addr-s.addr < s.size {
			return s, true
		}
	}
	return segment{}, false
}

// executable reports whether an address holds code.
func (im *Image) executable(addr uint64) bool {
	s, ok := im.SectionAt(addr)
	if !ok {
		seg, there := im.segmentAt(addr)
		return there && seg.exec
	}
	return s.Executable
}
