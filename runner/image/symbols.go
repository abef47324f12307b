package image

import (
	"cmp"
	"slices"
	"sort"
)

// markers are names the linker gives to the bounds of sections. They share
// their address with the first real symbol and are no answer to "what is here?".
var markers = map[string]bool{
	"runtime.text": true, "runtime.etext": true, "runtime.rodata": true, "runtime.erodata": true,
	"runtime.types": true, "runtime.etypes": true, "runtime.data": true, "runtime.edata": true,
	"runtime.noptrdata": true, "runtime.enoptrdata": true, "runtime.bss": true, "runtime.ebss": true,
	"runtime.noptrbss": true, "runtime.enoptrbss": true, "runtime.end": true, "runtime.symtab": true,
	"runtime.esymtab": true, "runtime.pclntab": true, "runtime.epclntab": true, "runtime.itablink": true,
	"runtime.eitablink": true, "runtime.covctrs": true, "runtime.ecovctrs": true,
}

// Symbols returns the symbol table in the order of the file. The error wraps ErrNoSymbols.
func (im *Image) Symbols() ([]Symbol, error) { return im.symbols() }

// Symbol returns the first symbol of exactly that name. The error wraps ErrNoSymbols.
func (im *Image) Symbol(name string) (Symbol, bool, error) {
	index, err := im.byName()
	if err != nil {
		return Symbol{}, false, err
	}
	i, ok := index[name]
	if !ok {
		return Symbol{}, false, nil
	}
	all, _ := im.symbols()
	return all[i], true, nil
}

func (im *Image) indexSymbols() (map[string]int, error) {
	all, err := im.symbols()
	if err != nil {
		return nil, err
	}
	index := make(map[string]int, len(all))
	for i, s := range all {
		if _, twice := index[s.Name]; !twice {
			index[s.Name] = i
		}
	}
	return index, nil
}

// sortSymbols returns the indexes of the symbols by address.
func (im *Image) sortSymbols() ([]int, error) {
	all, err := im.symbols()
	if err != nil {
		return nil, err
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a].Addr, all[b].Addr) })
	return order, nil
}

// SymbolAt returns the symbol whose bytes hold an address. A symbol without a
// size reaches to the next one, or to the end of its section.
func (im *Image) SymbolAt(addr uint64) (Symbol, bool) {
	order, err := im.sorted()
	if err != nil {
		return Symbol{}, false
	}
	all, _ := im.symbols()
	next := sort.Search(len(order), func(i int) bool { return all[order[i]].Addr > addr })
	const back = 16 // symbols that nest or share an address: never so many
	near := order[max(0, next-back):next]
	for _, i := range slices.Backward(near) {
		if s := all[i]; s.Size > 0 && addr-s.Addr < s.Size {
			return s, true
		}
	}
	for _, i := range slices.Backward(near) {
		s := all[i]
		if s.Size > 0 || markers[s.Name] {
			continue
		}
		sect, ok := im.SectionAt(s.Addr)
		if !ok {
			continue
		}
		end := sect.Addr + sect.Size
		if next < len(order) {
			end = min(end, all[order[next]].Addr)
		}
		if addr < end {
			s.Size = end - s.Addr
			return s, true
		}
	}
	return Symbol{}, false
}
