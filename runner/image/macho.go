package image

import (
	"bytes"
	"debug/macho"
	"fmt"
	"io"
	"strings"
)

// Load commands that debug/macho does not decode (mach-o/loader.h).
const (
	lcUnixThread   = 0x5
	lcLoadDylinker = 0xe
	lcMain         = 0x80000028
)

// pcRegister says where a thread state (mach/machine/thread_status.h) keeps
// the program counter: the flavor of the general registers, and the byte offset in them.
var pcRegister = map[macho.Cpu]struct{ flavor, offset, size int }{
	macho.CpuAmd64: {4, 16 * 8, 8}, // x86_THREAD_STATE64.rip
	macho.Cpu386:   {1, 10 * 4, 4}, // x86_THREAD_STATE32.eip
	macho.CpuArm64: {6, 32 * 8, 8}, // ARM_THREAD_STATE64.pc
}

const (
	sectionTypeMask   = 0xff
	sectionZeroFill   = 0x1
	symbolExternal    = 0x01       // N_EXT
	sectionInstrs     = 0x80000400 // S_ATTR_PURE_INSTRUCTIONS or S_ATTR_SOME_INSTRUCTIONS
	protectionWrite   = 0x2
	protectionExecute = 0x4
	symbolStab        = 0xe0
	symbolTypeMask    = 0x0e
	symbolInSection   = 0x0e
)

func isMachO(magic [4]byte) bool {
	switch string(magic[:]) {
	case "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xfe\xed\xfa\xcf", "\xfe\xed\xfa\xce":
		return true
	}
	return false
}

func (im *Image) readMachO() error {
	f, err := macho.NewFile(im.r)
	if err != nil {
		return fmt.Errorf("read Mach-O headers: %w: %w", ErrDamaged, err)
	}
	if f.Type != macho.TypeExec {
		return fmt.Errorf("%w: Mach-O file of type %s", ErrFormat, f.Type)
	}
	// "ios" cannot be told from the headers alone; its start is darwin's.
	im.Format, im.GOOS, im.order, im.ptr = MachO, "darwin", f.ByteOrder, 4
	if f.Magic == macho.Magic64 {
		im.ptr = 8
	}
	switch f.Cpu {
	case macho.CpuAmd64:
		im.GOARCH = "amd64"
	case macho.CpuArm64:
		im.GOARCH = "arm64"
	case macho.Cpu386:
		im.GOARCH = "386"
	case macho.CpuArm:
		im.GOARCH = "arm"
	}
	protection := map[string]uint32{}
	var text *macho.Segment
	for _, l := range f.Loads {
		s, ok := l.(*macho.Segment)
		if !ok {
			continue
		}
		if s.Name == "__TEXT" && text == nil {
			text = s
		}
		protection[s.Name] = s.Prot
		if s.Name == "__PAGEZERO" || s.Name == "__DWARF" {
			continue
		}
		im.segs = append(im.segs, segment{
			addr: s.Addr, size: s.Memsz, off: s.Offset, inFile: min(s.Filesz, s.Memsz),
			exec: s.Prot&protectionExecute != 0,
		})
	}
	for _, l := range f.Loads {
		if err := im.readLoadCommand(f, l.Raw(), text); err != nil {
			return err
		}
	}
	for _, s := range f.Sections {
		im.addMachOSection(s, protection[s.Seg])
	}
	im.symtab = func() ([]Symbol, error) { return im.machoSymbols(f) }
	im.needed = func() ([]string, error) { return f.ImportedLibraries() }
	return nil
}

func (im *Image) addMachOSection(s *macho.Section, prot uint32) {
	sect := Section{Name: s.Name, Segment: s.Seg, Addr: s.Addr, Size: s.Size}
	sect.Allocated = s.Seg != "__DWARF"
	sect.Executable = s.Flags&sectionInstrs != 0
	writable := prot&protectionWrite != 0
	sect.ReadOnly = (!writable || s.Seg == "__DATA_CONST") && s.Flags&sectionTypeMask != sectionZeroFill
	sect.Flags = flagLetters(writable, sect.Allocated, sect.Executable)
	im.Sections = append(im.Sections, sect)
	if sect.Allocated {
		return
	}
	stored := io.NewSectionReader(s.ReaderAt, 0, int64(min(s.Size, uint64(im.size))))
	if name, ok := strings.CutPrefix(s.Name, "__debug_"); ok {
		im.debugs[longDebugName(name)] = debugSection{stored: s.Size, size: s.Size, open: func() (io.Reader, error) { return stored, nil }}
	} else if name, ok := strings.CutPrefix(s.Name, "__zdebug_"); ok {
		im.debugs[longDebugName(name)] = oldPacked(stored, s.Size)
	}
}

// longDebugName restores names that do not fit the 16 bytes Mach-O has for them.
func longDebugName(name string) string {
	for _, long := range debugNames {
		if len(name) >= 6 && strings.HasPrefix(long, name) {
			return long
		}
	}
	return name
}

// readLoadCommand takes the entry and the interpreter from the commands that
// debug/macho hands over raw.
func (im *Image) readLoadCommand(f *macho.File, raw []byte, text *macho.Segment) error {
	if len(raw) < 8 {
		return nil
	}
	switch f.ByteOrder.Uint32(raw) {
	case lcMain:
		// entryoff counts from the beginning of the file, which __TEXT maps.
		if len(raw) < 16 || text == nil {
			return fmt.Errorf("read LC_MAIN: %w: it is cut short or there is no __TEXT", ErrDamaged)
		}
		im.Entry = text.Addr + f.ByteOrder.Uint64(raw[8:]) - text.Offset
	case lcUnixThread:
		pc, known := pcRegister[f.Cpu]
		if !known {
			return nil
		}
		for at := 8; at+8 <= len(raw); {
			flavor, words := int(f.ByteOrder.Uint32(raw[at:])), int(f.ByteOrder.Uint32(raw[at+4:]))
			at += 8
			if words < 0 || words > (len(raw)-at)/4 {
				return fmt.Errorf("read LC_UNIXTHREAD: %w: %d registers in %d bytes", ErrDamaged, words, len(raw)-at)
			}
			if flavor == pc.flavor && pc.offset+pc.size <= words*4 {
				if pc.size == 8 {
					im.Entry = f.ByteOrder.Uint64(raw[at+pc.offset:])
				} else {
					im.Entry = uint64(f.ByteOrder.Uint32(raw[at+pc.offset:]))
				}
			}
			at += words * 4
		}
	case lcLoadDylinker:
		if len(raw) < 12 {
			return fmt.Errorf("read LC_LOAD_DYLINKER: %w: it is cut short", ErrDamaged)
		}
		if off := f.ByteOrder.Uint32(raw[8:]); off < uint32(len(raw)) {
			name, _, _ := bytes.Cut(raw[off:], []byte{0})
			im.Interp = string(name)
		}
	}
	return nil
}

// machoSymbols drops the underscore in front of every name: debug/macho does
// so for names with a dot only (go.dev/issue/33808), which leaves
// "__rt0_amd64_darwin". All releases from 1.10 on write it.
func (im *Image) machoSymbols(f *macho.File) ([]Symbol, error) {
	if f.Symtab == nil || len(f.Symtab.Syms) == 0 {
		return nil, ErrNoSymbols
	}
	symbols := make([]Symbol, 0, len(f.Symtab.Syms))
	for _, s := range f.Symtab.Syms {
		if s.Type&symbolStab != 0 || s.Type&symbolTypeMask != symbolInSection || s.Sect == 0 || int(s.Sect) > len(f.Sections) {
			continue
		}
		name := s.Name
		if !strings.Contains(name, ".") {
			name = strings.TrimPrefix(name, "_")
		}
		if name == "" {
			continue
		}
		symbols = append(symbols, Symbol{Name: name, Addr: s.Value, Func: f.Sections[s.Sect-1].Flags&sectionInstrs != 0, Local: s.Type&symbolExternal == 0})
	}
	if len(symbols) == 0 {
		return nil, ErrNoSymbols // imports alone, as -s leaves them
	}
	return symbols, nil
}
