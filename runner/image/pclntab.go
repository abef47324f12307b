package image

import (
	"bytes"
	"fmt"
)

// pclntab returns the bytes of the table of functions: the section of that
// name, the symbols around it (PE has no section for it), or, in a stripped PE,
// the place where its header stands.
func (im *Image) pclntab() ([]byte, error) {
	if s, ok := im.pclntabSection(); ok {
		return im.table(s.Addr, s.Size)
	}
	from, ok, err := im.Symbol("runtime.pclntab")
	to, ok2, _ := im.Symbol("runtime.epclntab")
	if err == nil && ok && ok2 && to.Addr > from.Addr {
		return im.table(from.Addr, to.Addr-from.Addr)
	}
	return im.searchPclntab()
}

func (im *Image) pclntabSection() (Section, bool) {
	for _, name := range []string{".gopclntab", "__gopclntab", ".data.rel.ro.gopclntab"} {
		if s, ok := im.Section(name); ok {
			return s, true
		}
	}
	return Section{}, false
}

func (im *Image) table(addr, size uint64) ([]byte, error) {
	if size > uint64(im.size) {
		return nil, fmt.Errorf("%w: %d bytes of it in a file of %d", errFuncTab, size, im.size)
	}
	seg, ok := im.segmentAt(addr)
	if !ok || addr-seg.addr+size > seg.inFile {
		return nil, fmt.Errorf("%w: it is not in the file", errFuncTab)
	}
	b := make([]byte, size)
	if _, err := im.r.ReadAt(b, int64(seg.off+addr-seg.addr)); err != nil {
		return nil, fmt.Errorf("read table of functions: %w: %w", errFuncTab, err)
	}
	return b, nil
}

// searchPclntab looks for the header in the sections that nobody writes to:
// magic, two zeros, the size of the smallest instruction, of a pointer.
func (im *Image) searchPclntab() ([]byte, error) {
	quantum := byte(1)
	switch im.GOARCH {
	case "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64":
		quantum = 4
	case "s390x":
		quantum = 2
	}
	for _, s := range im.Sections {
		if !s.Allocated || !s.ReadOnly {
			continue
		}
		seg, ok := im.segmentAt(s.Addr)
		if !ok || s.Addr-seg.addr >= seg.inFile {
			continue
		}
		data, err := im.table(s.Addr, min(s.Size, seg.inFile-(s.Addr-seg.addr)))
		if err != nil {
			continue
		}
		for _, magic := range []uint32{0xfffffff1, 0xfffffff0, 0xfffffffa, 0xfffffffb} {
			header := [8]byte{6: quantum, 7: byte(im.ptr)}
			im.order.PutUint32(header[:], magic)
			if at := bytes.Index(data, header[:]); at >= 0 {
				return data[at:], nil
			}
		}
	}
	return nil, ErrNoFuncTab
}

// textStart returns the address that the table's offsets count from since 1.18;
// sure is false when it had to be guessed.
func (im *Image) textStart(pclntab []byte, l layout) (addr uint64, sure bool) {
	if l.entry != 4 {
		return 0, true // up to 1.17 the table has addresses
	}
	if s, ok, err := im.Symbol("runtime.text"); err == nil && ok {
		return s.Addr, true
	}
	// 1.18–1.25 keep it in the header, where a position-independent executable
	// has what the loader will correct; 1.26 keeps 0 there.
	if at := 8 + 2*im.ptr; at+8 <= len(pclntab) {
		t := funcTab{order: im.order}
		if start := t.uint(pclntab[at:], im.ptr); start != 0 && im.executable(start) {
			return start, true
		}
	}
	// What the loader corrects; and the runtime's own record, which has a section from 1.26 on.
	if at, ok := im.pclntabSection(); ok {
		if start, ok := im.pointer(at.Addr + uint64(8+2*im.ptr)); ok && start != 0 && im.executable(start) {
			return start, true
		}
		if module, ok := im.Section(".go.module"); ok {
			header, known := im.pointer(module.Addr)
			start, ok := im.pointer(module.Addr + uint64(moduleText*im.ptr))
			if known && header == at.Addr && ok && im.executable(start) {
				return start, true
			}
		}
	}
	for _, name := range []string{".text", "__text"} {
		if s, ok := im.Section(name); ok {
			return s.Addr, false
		}
	}
	return 0, false
}
