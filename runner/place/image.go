package place

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// ErrImage is wrapped by Open when the file is no program whose format is known here, or is damaged.
var ErrImage = errors.New("not a program that can be read")

// image is what the resolver needs of an executable file, whatever its format.
type image interface {
	goarch() string // "" when there is no decoder for the machine
	// entry is where the operating system enters the image.
	entry() uint64
	// symbols returns the symbol table in no order, nil when there is none.
	symbols() ([]symbol, error)
	// code reads size bytes of instructions at the link-time address.
	code(addr, size uint64) ([]byte, error)
	// text returns the extent of the section that holds Go's code.
	text() (addr, size uint64)
	// pclntab returns Go's own table of functions, nil when there is none.
	pclntab() ([]byte, error)
	// debug returns a DWARF section by its bare name ("info"), decompressed, nil when there is none.
	debug(name string) ([]byte, error)
	Close() error
}

// symbol is a name for an extent of the image.
type symbol struct {
	name string
	addr uint64
	size uint64 // 0 = unknown
	code bool   // a function
}

// maxCode bounds the code of one function: no real one comes near, a damaged size does.
const maxCode = 64 << 20

// openImage opens the file with the reader its first bytes ask for.
func openImage(path string) (image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s is shorter than any", ErrImage, path)
	}
	if string(magic[:]) != elf.ELFMAG {
		f.Close()
		return nil, fmt.Errorf("%w: %s begins with % x (ELF begins with % x)", ErrImage, path, magic, elf.ELFMAG)
	}
	e, err := elf.NewFile(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrImage, path, err)
	}
	if e.Type != elf.ET_EXEC && e.Type != elf.ET_DYN {
		f.Close()
		return nil, fmt.Errorf("%w: %s is %v, no executable", ErrImage, path, e.Type)
	}
	return &elfImage{file: f, elf: e}, nil
}

type elfImage struct {
	file *os.File
	elf  *elf.File
}

func (m *elfImage) Close() error  { return m.file.Close() }
func (m *elfImage) entry() uint64 { return m.elf.Entry }

func (m *elfImage) goarch() string {
	switch m.elf.Machine {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	}
	return ""
}

func (m *elfImage) symbols() ([]symbol, error) {
	syms, err := m.elf.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read symbol table: %w", err)
	}
	out := make([]symbol, 0, len(syms))
	for _, s := range syms {
		typ := elf.ST_TYPE(s.Info)
		if s.Name == "" || s.Section == elf.SHN_UNDEF || s.Section >= elf.SHN_LORESERVE || typ == elf.STT_SECTION || typ == elf.STT_FILE || typ == elf.STT_TLS {
			continue
		}
		out = append(out, symbol{name: s.Name, addr: s.Value, size: s.Size, code: typ == elf.STT_FUNC})
	}
	return out, nil
}

func (m *elfImage) code(addr, size uint64) ([]byte, error) {
	for _, s := range m.elf.Sections {
		if s.Flags&elf.SHF_EXECINSTR == 0 || s.Type == elf.SHT_NOBITS || addr < s.Addr || addr-s.Addr > s.Size || size > s.Size-(addr-s.Addr) {
			continue
		}
		if size > maxCode {
			break
		}
		b := make([]byte, size)
		if _, err := s.ReadAt(b, int64(addr-s.Addr)); err != nil {
			return nil, fmt.Errorf("read %d bytes of code at %#x: %w", size, addr, err)
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w: %d bytes at %#x are in no section with code", ErrImage, size, addr)
}

func (m *elfImage) text() (addr, size uint64) {
	if s := m.elf.Section(".text"); s != nil {
		return s.Addr, s.Size
	}
	return 0, 0
}

func (m *elfImage) pclntab() ([]byte, error) {
	i := slices.IndexFunc(m.elf.Sections, func(s *elf.Section) bool {
		return s.Name == ".gopclntab" || s.Name == ".data.rel.ro.gopclntab"
	})
	if i < 0 {
		return nil, nil
	}
	return m.elf.Sections[i].Data()
}

func (m *elfImage) debug(name string) ([]byte, error) {
	if s := m.elf.Section(".debug_" + name); s != nil && s.Type != elf.SHT_NOBITS {
		b, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.Name, err)
		}
		return b, nil
	}
	s := m.elf.Section(".zdebug_" + name)
	if s == nil {
		return nil, nil
	}
	b, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Name, err)
	}
	if b, err = inflate(b); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Name, err)
	}
	return b, nil
}

// inflate undoes the compression of sections called .zdebug_*, which Go's
// linker wrote from 1.11 until 1.19: "ZLIB", the length, big-endian, and a zlib stream.
func inflate(b []byte) ([]byte, error) {
	if len(b) < 12 || !strings.HasPrefix(string(b[:4]), "ZLIB") {
		return b, nil
	}
	size := binary.BigEndian.Uint64(b[4:12])
	r, err := zlib.NewReader(bytes.NewReader(b[12:]))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The length is only believed as far as the stream bears it out.
	out := bytes.NewBuffer(make([]byte, 0, min(size+bytes.MinRead, uint64(len(b))*16)))
	n, err := io.Copy(out, io.LimitReader(r, int64(min(size, 1<<40))))
	if err != nil {
		return nil, err
	}
	if uint64(n) != size {
		return nil, fmt.Errorf("%d bytes, %d were promised", n, size)
	}
	return out.Bytes(), nil
}
