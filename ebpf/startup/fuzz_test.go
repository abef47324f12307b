package startup_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Parts of a program that readers trust, by name; "" is the file itself with its headers.
var parts = []string{"", ".gopclntab", ".text", ".debug_abbrev", ".debug_info", ".zdebug_info", ".zdebug_abbrev", ".symtab", ".strtab", ".shstrtab", ".go.buildinfo", ".noptrdata"}

// mostMemory is what reading a damaged program may take altogether, in multiples of its size and a fixed part.
const (
	mostTimes = 80
	mostFixed = 64 << 20
)

// FuzzFind damages programs: bytes are written into one of their parts, and they are cut short. Whatever comes
// out is an error or a list of points with sites or reasons; nothing panics, and memory stays bounded.
func FuzzFind(f *testing.F) {
	var programs [][]byte
	var offsets [][]uint64
	for _, p := range []struct {
		release string
		setup   lab.Setup
	}{
		{"local", lab.Setup{Gcflags: new(string)}},
		{"local", lab.Setup{Gcflags: new(string), Ldflags: "-s -w", Buildmode: "pie"}},
		{"1.16.15", lab.Setup{Gcflags: new(string), Ldflags: "-compressdwarf=false"}},
		{"1.10", lab.Setup{Gcflags: new(string)}},
	} {
		path := buildtest.Build(f, p.release, p.setup)
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		programs, offsets = append(programs, data), append(offsets, places(f, path))
	}
	for program := range programs {
		f.Add(uint8(program), uint8(0), uint32(0), []byte(nil), uint32(0)) // undamaged
		for part := range parts {
			for _, at := range []uint32{0, 16, 40, 1000} {
				f.Add(uint8(program), uint8(part), at, []byte{0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff}, uint32(0))
			}
			f.Add(uint8(program), uint8(part), uint32(0), make([]byte, 64), uint32(0))
		}
		for _, cut := range []uint32{1, 63, 64, 4096, 1 << 19, 1 << 20} {
			f.Add(uint8(program), uint8(0), uint32(0), []byte(nil), cut)
		}
	}
	f.Fuzz(func(t *testing.T, program, part uint8, at uint32, patch []byte, cut uint32) {
		which := int(program) % len(programs)
		data := append([]byte(nil), programs[which]...)
		from := offsets[which][int(part)%len(parts)] + uint64(at)
		if from < uint64(len(data)) {
			copy(data[from:], patch)
		}
		if cut > 0 && int(cut) < len(data) {
			data = data[:cut]
		}
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, data, 0o700); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		points, err := startup.Find(path, startup.Boot())
		inits, err2 := startup.Inits(path)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(mostTimes*len(data)+mostFixed) {
			t.Errorf("took %d MB to read %d MB", took>>20, len(data)>>20)
		}
		if err != nil && !errors.Is(err, startup.ErrProgram) || err2 != nil && !errors.Is(err2, startup.ErrProgram) {
			t.Errorf("%v; %v", err, err2)
		}
		placed := 0
		for _, p := range points {
			if (len(p.Sites) == 0) != (p.Reason != "") {
				t.Errorf("%s: %d sites, reason %q", p.Name, len(p.Sites), p.Reason)
			}
			for _, s := range p.Sites {
				placed++
				if s.Offset >= uint64(len(data)) {
					t.Errorf("%s: a site at %#x of a file of %#x bytes", p.Name, s.Offset, len(data))
				}
			}
		}
		if len(patch) == 0 && cut == 0 && (placed < 20 || len(inits) < 5) {
			t.Errorf("an undamaged program has %d sites and %d init functions: %v %v", placed, len(inits), err, err2)
		}
	})
}

// places are the offsets of the parts in the file; what is not there begins where the file does.
func places(tb testing.TB, path string) []uint64 {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := image.Open(path); err != nil {
		tb.Fatal(err)
	}
	offsets := make([]uint64, len(parts))
	order := binary.LittleEndian
	headers, n, names := order.Uint64(data[40:]), int(order.Uint16(data[60:])), uint64(order.Uint16(data[62:]))
	section := func(i uint64) []byte { return data[headers+64*i:] }
	text := data[order.Uint64(section(names)[24:]):]
	for i := range n {
		name := text[order.Uint32(section(uint64(i))):]
		for p, part := range parts {
			if part != "" && len(name) > len(part) && string(name[:len(part)]) == part && name[len(part)] == 0 {
				offsets[p] = order.Uint64(section(uint64(i))[24:])
			}
		}
	}
	return offsets
}
