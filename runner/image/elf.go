package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

var elfArch = map[elf.Machine]string{
	elf.EM_386: "386", elf.EM_X86_64: "amd64", elf.EM_ARM: "arm", elf.EM_AARCH64: "arm64",
	elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x", elf.EM_LOONGARCH: "loong64",
}

// elfGOARCH names the machine as Go does; "" when Go has no name for it.
func elfGOARCH(f *elf.File) string {
	little, wide := f.Data == elf.ELFDATA2LSB, f.Class == elf.ELFCLASS64
	switch f.Machine {
	case elf.EM_PPC64:
		if little {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_MIPS:
		name := "mips"
		if wide {
			name = "mips64"
		}
		if little {
			name += "le"
		}
		return name
	}
	return elfArch[f.Machine]
}

// elfGOOS reads the ABI byte of the header. Linux and most others leave it
// zero: then it is "", and detect looks at the entry's name.
func elfGOOS(abi elf.OSABI) string {
	switch abi {
	case elf.ELFOSABI_LINUX:
		return "linux"
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	case elf.ELFOSABI_SOLARIS:
		return "solaris"
	}
	return ""
}

func (im *Image) readELF() error {
	f, err := elf.NewFile(im.r)
	if err != nil {
		return fmt.Errorf("read ELF headers: %w: %w", ErrDamaged, err)
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("%w: ELF file of type %s (ET_EXEC and ET_DYN are executables)", ErrFormat, f.Type)
	}
	im.Format, im.Entry, im.order = ELF, f.Entry, f.ByteOrder
	im.GOARCH, im.GOOS = elfGOARCH(f), elfGOOS(f.OSABI)
	im.ptr = 4
	if f.Class == elf.ELFCLASS64 {
		im.ptr = 8
	}
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_LOAD:
			im.segs = append(im.segs, segment{
				addr: p.Vaddr, size: p.Memsz, off: p.Off, inFile: min(p.Filesz, p.Memsz),
				exec: p.Flags&elf.PF_X != 0,
			})
		case elf.PT_INTERP:
			if p.Filesz > 4096 {
				return fmt.Errorf("read PT_INTERP: %w: a path of %d bytes", ErrDamaged, p.Filesz)
			}
			b := make([]byte, p.Filesz)
			if _, err := io.ReadFull(p.Open(), b); err != nil {
				return fmt.Errorf("read PT_INTERP: %w: %w", ErrDamaged, err)
			}
			im.Interp = strings.TrimRight(string(b), "\x00")
		}
	}
	for i, s := range f.Sections {
		if i == 0 && s.Type == elf.SHT_NULL {
			continue
		}
		im.addELFSection(s)
	}
	im.symtab = func() ([]Symbol, error) { return elfSymbols(f) }
	im.relocation = func(addr uint64) (uint64, bool) { return relocationOf(f, addr) }
	im.needed = func() ([]string, error) {
		libs, err := f.ImportedLibraries()
		if errors.Is(err, elf.ErrNoSymbols) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read DT_NEEDED: %w: %w", ErrDamaged, err)
		}
		return libs, nil
	}
	return nil
}

func (im *Image) addELFSection(s *elf.Section) {
	sect := Section{Name: s.Name, Addr: s.Addr, Size: s.Size}
	sect.Allocated = s.Flags&elf.SHF_ALLOC != 0
	sect.Executable = s.Flags&elf.SHF_EXECINSTR != 0
	writable := s.Flags&elf.SHF_WRITE != 0
	sect.ReadOnly = !writable || strings.HasPrefix(s.Name, ".data.rel.ro")
	sect.Flags = flagLetters(writable, sect.Allocated, sect.Executable)
	sect.nowhere = s.Type == elf.SHT_NOBITS && s.Flags&elf.SHF_TLS != 0
	im.Sections = append(im.Sections, sect)
	if sect.Allocated {
		return
	}
	if name, ok := strings.CutPrefix(s.Name, ".debug_"); ok {
		d := debugSection{stored: s.FileSize, size: s.Size, open: func() (io.Reader, error) { return s.Open(), nil }}
		d.packed = s.Flags&elf.SHF_COMPRESSED != 0
		im.debugs[name] = d
	} else if name, ok := strings.CutPrefix(s.Name, ".zdebug_"); ok {
		im.debugs[name] = oldPacked(io.NewSectionReader(s.ReaderAt, 0, int64(s.FileSize)), s.FileSize)
	}
}

func flagLetters(w, a, x bool) string {
	letters := ""
	if w {
		letters += "W"
	}
	if a {
		letters += "A"
	}
	if x {
		letters += "X"
	}
	return letters
}

func elfSymbols(f *elf.File) ([]Symbol, error) {
	all, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, ErrNoSymbols
	}
	if err != nil {
		return nil, fmt.Errorf("read symbol table: %w: %w", ErrDamaged, err)
	}
	symbols := make([]Symbol, 0, len(all))
	for _, s := range all {
		t := elf.ST_TYPE(s.Info)
		if s.Section == elf.SHN_UNDEF || s.Name == "" || t == elf.STT_FILE || t == elf.STT_SECTION || t == elf.STT_TLS {
			continue
		}
		symbols = append(symbols, Symbol{Name: s.Name, Addr: s.Value, Size: s.Size, Func: t == elf.STT_FUNC, Local: elf.ST_BIND(s.Info) == elf.STB_LOCAL})
	}
	return symbols, nil
}
