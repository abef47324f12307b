package delve

import (
	"encoding/binary"
	"strings"
)

// arrival is what the stack held around its pointer when a thread stood at the
// first instruction of a function.
type arrival struct {
	back  uint64 // where the function returns to
	below uint64 // the word under the stack pointer, which nobody owns
}

// countsEntries reports whether the place is "F #n": the only one that is a
// call, not an instruction, and that a call may pass more than once.
func (s *spot) countsEntries() bool {
	return s.Hit > 1 && len(s.To) == 0 && !strings.Contains(s.Stop, ":") && !strings.Contains(s.Stop, " return")
}

// again reports whether the call that was here before is here once more. The
// runtime sends a goroutine back to the entry of a function when it takes the
// processor away there, or in the check of the stack; where the goroutine goes on
// is then left under the stack pointer. place.Place.Hit says what this does not tell.
func (w *walker) again(s *spot, pc, sp uint64) bool {
	if !s.countsEntries() {
		return false
	}
	fn := w.target.BinInfo().PCToFunc(pc)
	words := make([]byte, 16)
	if fn == nil || fn.Entry != pc {
		return false
	}
	if n, err := w.target.Memory().ReadMemory(words, sp-8); err != nil || n != len(words) {
		return false
	}
	now := arrival{below: binary.LittleEndian.Uint64(words), back: binary.LittleEndian.Uint64(words[8:])}
	last, known := s.arrivals[sp]
	if s.arrivals == nil {
		s.arrivals = map[uint64]arrival{}
	}
	s.arrivals[sp] = now
	// A leaf leaves the word alone: what was there before says nothing.
	return known && now.back == last.back && now.below != last.below && fn.Entry <= now.below && now.below < fn.End
}
