package ebpf

import (
	"debug/elf"
	"errors"
	"fmt"
)

// defaultG is where a thread's g is from fs on, when the program has no other
// thread-local variable: always, unless C is linked in statically.
const defaultG = -8

// GOffset returns where the g of a thread is, seen from its fs register. The
// error is that of a file that cannot be read; without a symbol table it is taken to be where it is by default.
func GOffset(path string) (int64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("find the thread-local g: %w", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_TLS || p.Memsz <= 8 {
			continue
		}
		symbols, err := f.Symbols()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return 0, fmt.Errorf("find the thread-local g: %w", err)
		}
		for _, s := range symbols {
			if s.Name == "runtime.tlsg" && elf.ST_TYPE(s.Info) == elf.STT_TLS {
				// The block ends at fs, after padding for its alignment (variant II of the TLS ABI).
				size := p.Memsz
				if p.Align > 1 {
					size += -(p.Vaddr + p.Memsz) & (p.Align - 1)
				}
				return int64(s.Value) - int64(size), nil
			}
		}
	}
	return defaultG, nil
}
