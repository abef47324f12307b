package image

import "debug/elf"

// moduleText is where the address of the text stands in the runtime's moduledata, in
// words: behind pcHeader, six slices, findfunctab, minpc and maxpc. It is so in every
// release that has a section for moduledata (1.26 and later).
const moduleText = 1 + 6*3 + 3

// pointer returns the pointer at an address as it is once the file is loaded at the
// addresses it was linked for: what the file has there, or what its loader will write.
func (im *Image) pointer(addr uint64) (uint64, bool) {
	if im.relocation != nil {
		if v, ok := im.relocation(addr); ok {
			return v, true
		}
	}
	v, err := im.Uint(addr, im.ptr)
	return v, err == nil
}

// relativeType is the relocation of a machine that adds the load address to a number.
func relativeType(m elf.Machine) (uint32, bool) {
	switch m {
	case elf.EM_X86_64:
		return uint32(elf.R_X86_64_RELATIVE), true
	case elf.EM_AARCH64:
		return uint32(elf.R_AARCH64_RELATIVE), true
	}
	return 0, false
}

// relocationOf finds what the loader writes to an address. It reads the table anew each time:
// it is asked twice in the life of an Image.
func relocationOf(f *elf.File, addr uint64) (uint64, bool) {
	relative, ok := relativeType(f.Machine)
	if !ok {
		return 0, false
	}
	const entry = 24 // offset, info, addend
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			continue
		}
		for ; len(data) >= entry; data = data[entry:] {
			if f.ByteOrder.Uint64(data) == addr && uint32(f.ByteOrder.Uint64(data[8:])) == relative {
				return f.ByteOrder.Uint64(data[16:]), true
			}
		}
	}
	return 0, false
}
