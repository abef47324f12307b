package step

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/trace"
)

const pageSize = 4096

// page is what the trace knows of one page of the process: only bytes that it
// has met. It is kept as it was met and as it is now.
type page struct {
	first, now [pageSize]byte
	known      [pageSize]bool
}

// memory is what the trace knows of the process's memory.
type memory struct {
	pid   int
	pages map[uint64]*page // by address / pageSize
}

// read reads the process's memory; false when it cannot be read.
func (m *memory) read(addr uint64, into []byte) bool {
	if len(into) == 0 {
		return true
	}
	local := []unix.Iovec{{Base: &into[0], Len: uint64(len(into))}}
	n, err := unix.ProcessVMReadv(m.pid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(into)}}, 0)
	return err == nil && n == len(into)
}

// each calls f for the part of the range in each page.
func each(addr uint64, size int, f func(p uint64, from, to int) bool) bool {
	for size > 0 {
		from := int(addr % pageSize)
		n := min(size, pageSize-from)
		if !f(addr/pageSize, from, from+n) {
			return false
		}
		addr, size = addr+uint64(n), size-n
	}
	return true
}

// meet makes sure that a range is known, and says whether it can be read at all.
func (m *memory) meet(addr uint64, size int) bool {
	return each(addr, size, func(number uint64, from, to int) bool {
		p := m.pages[number]
		if p == nil {
			p = &page{}
			m.pages[number] = p
		}
		if !slices.Contains(p.known[from:to], false) {
			return true
		}
		var fresh [pageSize]byte
		if !m.read(number*pageSize+uint64(from), fresh[from:to]) {
			return false
		}
		for i := from; i < to; i++ {
			if !p.known[i] {
				p.known[i] = true
				p.first[i], p.now[i] = fresh[i], fresh[i]
			}
		}
		return true
	})
}

// written takes over what stands in a known range now and returns it.
func (m *memory) written(addr uint64, size int) (trace.Put, bool) {
	put := trace.Put{Addr: addr, Bytes: make([]byte, size)}
	if !m.read(addr, put.Bytes) {
		return put, false
	}
	rest := put.Bytes
	each(addr, size, func(number uint64, from, to int) bool {
		copy(m.pages[number].now[from:to], rest)
		rest = rest[to-from:]
		return true
	})
	return put, true
}

// changes finds all known bytes that are not what they were: what the kernel
// or another thread wrote.
func (m *memory) changes() (puts []trace.Put) {
	var now [pageSize]byte
	for _, number := range slices.Sorted(maps.Keys(m.pages)) {
		p := m.pages[number]
		if !m.read(number*pageSize, now[:]) || bytes.Equal(now[:], p.now[:]) {
			continue // what is unmapped keeps its last words
		}
		for i := 0; i < pageSize; i++ {
			if !p.known[i] || now[i] == p.now[i] {
				continue
			}
			from := i
			for i < pageSize && p.known[i] && now[i] != p.now[i] {
				p.now[i] = now[i]
				i++
			}
			puts = append(puts, trace.Put{Addr: number*pageSize + uint64(from), Bytes: slices.Clone(now[from:i])})
		}
	}
	return puts
}

// firsts is all known memory as it was met.
func (m *memory) firsts() (list []trace.Memory) {
	for _, number := range slices.Sorted(maps.Keys(m.pages)) {
		p := m.pages[number]
		for i := 0; i < pageSize; i++ {
			if !p.known[i] {
				continue
			}
			from := i
			for i < pageSize && p.known[i] {
				i++
			}
			part := trace.Memory{Addr: number*pageSize + uint64(from), Bytes: slices.Clone(p.first[from:i])}
			if last := len(list) - 1; last >= 0 && list[last].Addr+uint64(len(list[last].Bytes)) == part.Addr {
				list[last].Bytes = append(list[last].Bytes, part.Bytes...)
				continue
			}
			list = append(list, part)
		}
	}
	slices.SortFunc(list, func(a, b trace.Memory) int { return cmp.Compare(a.Addr, b.Addr) })
	return list
}
