package image

import (
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

func (im *Image) readPE() error {
	f, err := pe.NewFile(im.r)
	if err != nil {
		return fmt.Errorf("read PE headers: %w: %w", ErrDamaged, err)
	}
	im.Format, im.GOOS, im.order = PE, "windows", binary.LittleEndian
	var base uint64
	switch h := f.OptionalHeader.(type) {
	case *pe.OptionalHeader64:
		base, im.ptr = h.ImageBase, 8
		im.Entry = base + uint64(h.AddressOfEntryPoint)
	case *pe.OptionalHeader32:
		base, im.ptr = uint64(h.ImageBase), 4
		im.Entry = base + uint64(h.AddressOfEntryPoint)
	default:
		return fmt.Errorf("%w: a PE object file, not an executable", ErrFormat)
	}
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		im.GOARCH = "amd64"
	case pe.IMAGE_FILE_MACHINE_I386:
		im.GOARCH = "386"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		im.GOARCH = "arm64"
	case pe.IMAGE_FILE_MACHINE_ARMNT:
		im.GOARCH = "arm"
	}
	for _, s := range f.Sections {
		im.addPESection(s, base)
	}
	im.symtab = func() ([]Symbol, error) { return peSymbols(f, base) }
	im.needed = func() ([]string, error) {
		imports, err := f.ImportedSymbols() // "function:library.dll"; ImportedLibraries returns nothing
		if err != nil {
			return nil, fmt.Errorf("read imports: %w: %w", ErrDamaged, err)
		}
		var libs []string
		for _, s := range imports {
			if i := strings.LastIndexByte(s, ':'); i >= 0 && !slices.Contains(libs, s[i+1:]) {
				libs = append(libs, s[i+1:])
			}
		}
		return libs, nil
	}
	return nil
}

func (im *Image) addPESection(s *pe.Section, base uint64) {
	// The file's size is rounded up to a block; the memory's is exact, and 0 in old linkers.
	size := uint64(s.VirtualSize)
	if size == 0 {
		size = uint64(s.Size)
	}
	stored := min(uint64(s.Size), size)
	sect := Section{Name: s.Name, Addr: base + uint64(s.VirtualAddress), Size: size}
	sect.Allocated = s.Characteristics&pe.IMAGE_SCN_MEM_DISCARDABLE == 0
	sect.Executable = s.Characteristics&pe.IMAGE_SCN_MEM_EXECUTE != 0
	writable := s.Characteristics&pe.IMAGE_SCN_MEM_WRITE != 0
	sect.ReadOnly = !writable
	sect.Flags = flagLetters(writable, sect.Allocated, sect.Executable)
	im.Sections = append(im.Sections, sect)
	if sect.Allocated {
		im.segs = append(im.segs, segment{
			addr: sect.Addr, size: size, off: uint64(s.Offset), inFile: stored,
			exec: sect.Executable,
		})
	}
	data := io.NewSectionReader(s.ReaderAt, 0, int64(stored))
	if name, ok := strings.CutPrefix(s.Name, ".debug_"); ok {
		im.debugs[name] = debugSection{stored: stored, size: stored, open: func() (io.Reader, error) { return data, nil }}
	} else if name, ok := strings.CutPrefix(s.Name, ".zdebug_"); ok {
		im.debugs[name] = oldPacked(data, stored)
	}
}

// peSymbols turns the offsets in sections that COFF keeps into addresses.
func peSymbols(f *pe.File, base uint64) ([]Symbol, error) {
	if len(f.Symbols) == 0 {
		return nil, ErrNoSymbols
	}
	symbols := make([]Symbol, 0, len(f.Symbols))
	for _, s := range f.Symbols {
		if s.SectionNumber <= 0 || int(s.SectionNumber) > len(f.Sections) || s.Name == "" {
			continue
		}
		sect := f.Sections[s.SectionNumber-1]
		if s.Name == sect.Name {
			continue // the section itself, as C linkers write it
		}
		symbols = append(symbols, Symbol{
			Name: s.Name,
			Addr: base + uint64(sect.VirtualAddress) + uint64(s.Value),
			Func: sect.Characteristics&pe.IMAGE_SCN_MEM_EXECUTE != 0,
			// IMAGE_SYM_CLASS_STATIC
			Local: s.StorageClass == 3,
		})
	}
	if len(symbols) == 0 {
		return nil, ErrNoSymbols
	}
	return symbols, nil
}
