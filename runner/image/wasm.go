package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The parts of a WebAssembly module that are read: its names. Go's linker
// writes them unless it is told -s, with "_" for what is no letter, digit or dot.
const (
	wasmMagic     = "\x00asm"
	wasmCustom    = 0 // a section with a name of its own
	wasmFunctions = 1 // within the section "name": the names of functions
)

// readWASM knows the names of functions and nothing else: a module has no
// addresses, no sections that are mapped, and no DWARF of Go's.
func (im *Image) readWASM() error {
	im.Format, im.GOARCH, im.order, im.ptr = WASM, "wasm", binary.LittleEndian, 8
	names, err := im.wasmNames()
	if err != nil {
		return err
	}
	im.symtab = func() ([]Symbol, error) { return wasmSymbols(names) }
	im.needed = func() ([]string, error) { return nil, nil }
	return nil
}

// wasmNames finds the section "name"; an empty result when there is none.
func (im *Image) wasmNames() (io.Reader, error) {
	const header = 8 // magic and version
	for off := int64(header); off < im.size; {
		var head [16]byte
		n, err := im.r.ReadAt(head[:], off)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read WebAssembly sections: %w", err)
		}
		size, length := binary.Uvarint(head[1:n])
		body := off + 1 + int64(length)
		if length <= 0 || body > im.size || size > uint64(im.size-body) {
			return nil, fmt.Errorf("read WebAssembly sections: %w: a section ends behind the file", ErrDamaged)
		}
		off = body + int64(size)
		const named = "\x04name"
		if head[0] == wasmCustom && bytes.HasPrefix(head[1+length:n], []byte(named)) && size >= uint64(len(named)) {
			return io.NewSectionReader(im.r, body+int64(len(named)), int64(size)-int64(len(named))), nil
		}
	}
	return bytes.NewReader(nil), nil
}

// wasmSymbols returns the functions; the place of each is its number.
func wasmSymbols(names io.Reader) ([]Symbol, error) {
	data, err := io.ReadAll(names)
	if err != nil {
		return nil, fmt.Errorf("read WebAssembly names: %w", err)
	}
	broken := fmt.Errorf("read WebAssembly names: %w", ErrDamaged)
	for len(data) > 0 {
		kind := data[0]
		size, n := binary.Uvarint(data[1:])
		if n <= 0 || size > uint64(len(data)-1-n) {
			return nil, broken
		}
		part := data[1+n : 1+n+int(size)]
		data = data[1+n+int(size):]
		if kind != wasmFunctions {
			continue
		}
		_, n = binary.Uvarint(part) // how many there are
		if n <= 0 {
			return nil, broken
		}
		var symbols []Symbol
		for part = part[n:]; len(part) > 0; {
			number, n := binary.Uvarint(part)
			if n <= 0 {
				return nil, broken
			}
			size, m := binary.Uvarint(part[n:])
			if m <= 0 || size > uint64(len(part)-n-m) {
				return nil, broken
			}
			end := n + m + int(size)
			symbols = append(symbols, Symbol{Name: string(part[n+m : end]), Addr: number, Func: true})
			part = part[end:]
		}
		return symbols, nil
	}
	return nil, ErrNoSymbols
}
