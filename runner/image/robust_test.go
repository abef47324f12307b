package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// damaged is a file with some bytes exchanged and its end cut off.
type damaged struct {
	whole []byte
	off   int
	patch []byte
	size  int
}

func (d damaged) ReadAt(b []byte, off int64) (int, error) {
	n, err := bytes.NewReader(d.whole[:d.size]).ReadAt(b, off)
	for i, p := range d.patch {
		if at := d.off + i - int(off); at >= 0 && at < n {
			b[at] = p
		}
	}
	return n, err
}

// poke uses everything an Image has; all it asks is to come back.
func poke(im *Image) {
	im.System()
	im.Release()
	_, _ = im.Needed()
	_, _ = im.Symbols()
	im.SymbolAt(im.Entry)
	im.NameAt(im.Entry)
	_, _ = im.Bodies("runtime.schedinit")
	_, _, _ = im.FuncAt(im.Entry)
	if f, ok, _ := im.Func("runtime.rt0_go"); ok {
		_, _ = im.Bytes(f.Entry, int(f.End-f.Entry))
		_, _, _ = im.Flags(f)
		_, _, _, _ = im.Line(f.Entry)
	}
	n := 0
	_ = im.funcs(func(Func) bool { n++; return n < 5000 })
	_, _ = im.Contains([]byte("hello, rt0"))
	for _, s := range im.Sections {
		_, _ = im.Uint(s.Addr, 8)
		_, _ = im.Text(s.Addr, 1<<16)
	}
	_, _, _ = im.Constant("runtime.heapAddrBits")
	_, _, _ = im.Offset("runtime.g", "stack.hi")
	_, _, _ = im.Variable("runtime.m0.tls[1]")
	_, _, _ = im.Params("runtime.newproc")
	_, _ = im.Declared("runtime.nosuch")
	for name := range im.debugs {
		_, _ = im.Debug(name)
	}
}

// bases are the executables that are damaged, one of a kind.
func bases(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for _, setup := range []lab.Setup{
		{Ldflags: "-compressdwarf=false"},
		{},
		{Goos: "darwin", Goarch: "arm64"},
		{Goos: "windows"},
		{Goos: "windows", Ldflags: "-s -w"},
		{Goos: "js", Goarch: "wasm"},
	} {
		b, err := os.ReadFile(buildtest.Build(t, "local", setup))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func try(t testing.TB, d damaged) {
	im, err := New(d, int64(d.size))
	if err != nil {
		if im != nil {
			t.Error("an image beside an error")
		}
		return
	}
	poke(im)
}

// TestDamaged exchanges bytes where the headers and tables are, and cuts the
// file off, at places that are the same in every run.
func TestDamaged(t *testing.T) {
	runs := 150
	if testing.Short() {
		runs = 20
	}
	var before, after runtime.MemStats
	for _, whole := range bases(t) {
		rnd := rand.New(rand.NewPCG(1, uint64(len(whole))))
		for range runs {
			d := damaged{whole: whole, size: len(whole), patch: make([]byte, 1+rnd.IntN(8))}
			for i := range d.patch {
				d.patch[i] = byte(rnd.Uint32())
			}
			if rnd.IntN(2) == 0 {
				d.patch = bytes.Repeat([]byte{0xff}, 8) // sizes and counts become huge
			}
			switch rnd.IntN(3) {
			case 0:
				d.off = rnd.IntN(2048) // headers
			case 1:
				d.off = rnd.IntN(len(whole))
			case 2:
				d.off = rnd.IntN(len(whole))
				d.size = rnd.IntN(len(whole) + 1)
			}
			runtime.ReadMemStats(&before)
			try(t, d)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 200*uint64(len(whole)) {
				t.Errorf("%d bytes were allocated for a file of %d (patch % x at %#x, size %d)", used, len(whole), d.patch, d.off, d.size)
			}
		}
	}
}

func FuzzImage(f *testing.F) {
	all := bases(f)
	for i, whole := range all {
		for _, off := range []int{4, 16, 32, 40, 0x3c, 0x80, 0x100, 0x200, len(whole) - 64} {
			f.Add(uint8(i), uint32(off), bytes.Repeat([]byte{0xff}, 4), uint32(len(whole)))
		}
		f.Add(uint8(i), uint32(0), []byte{}, uint32(100))
	}
	f.Fuzz(func(t *testing.T, which uint8, off uint32, patch []byte, size uint32) {
		whole := all[int(which)%len(all)]
		try(t, damaged{whole: whole, off: int(off) % len(whole), patch: patch, size: min(int(size), len(whole))})
	})
}

// FuzzHeaders reads files that consist of nothing but what the fuzzer made of
// the first bytes of real ones.
func FuzzHeaders(f *testing.F) {
	for _, whole := range bases(f) {
		f.Add(whole[:2048])
		f.Add(whole[:64])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		try(t, damaged{whole: b, size: len(b)})
	})
}

func TestNotExecutable(t *testing.T) {
	t.Parallel()
	elf := make([]byte, 64)
	copy(elf, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(elf[16:], 1) // ET_REL
	binary.LittleEndian.PutUint16(elf[18:], 62)
	binary.LittleEndian.PutUint32(elf[20:], 1)
	binary.LittleEndian.PutUint16(elf[52:], 64)
	for name, content := range map[string]string{
		"empty": "", "short": "MZ", "text": "#!/bin/sh\nexit 0\n", "archive": "!<arch>\n" + "_go_.o  ",
		"universal": "\xca\xfe\xba\xbe\x00\x00\x00\x02", "object": string(elf),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if im, err := Open(path); !errors.Is(err, ErrFormat) || im != nil {
			t.Errorf("%s: %v, %v, want %v", name, im, err, ErrFormat)
		}
	}
}

// TestPacked: what a section of DWARF claims to become is held against what it is.
func TestPacked(t *testing.T) {
	t.Parallel()
	for size, want := range map[uint64]error{4: nil, 1 << 20: ErrDamaged, 1 << 62: ErrDamaged, 5: ErrDamaged} {
		// "abcd" in a zlib stream of one stored block.
		stream := []byte("\x78\x01\x01\x04\x00\xfb\xff" + "abcd" + "\x03\xd8\x01\x8b")
		file := append(binary.BigEndian.AppendUint64([]byte("ZLIB"), size), stream...)
		im := &Image{size: int64(len(file)), debugs: map[string]debugSection{"info": oldPacked(bytes.NewReader(file), uint64(len(file)))}}
		if b, err := im.debugBytes("info"); !errors.Is(err, want) || want == nil && string(b) != "abcd" {
			t.Errorf("%d bytes: %q, %v, want %v", size, b, err, want)
		}
	}
}
