package image

import (
	"debug/dwarf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }

// sample is one executable the tests look at.
type sample struct {
	name, release string
	goos, goarch  string
	stripped, old bool
	setup         lab.Setup // what else it is built with
}

var samples = []sample{
	{name: "linux", release: "local", goos: "linux", goarch: "amd64"},
	{name: "linux stripped", release: "local", goos: "linux", goarch: "amd64", stripped: true},
	{name: "linux pie", release: "local", goos: "linux", goarch: "amd64", setup: lab.Setup{Buildmode: "pie"}},
	{name: "linux unpacked dwarf", release: "local", goos: "linux", goarch: "amd64", setup: lab.Setup{Ldflags: "-compressdwarf=false"}},
	{name: "linux arm64", release: "local", goos: "linux", goarch: "arm64"},
	{name: "darwin amd64", release: "local", goos: "darwin", goarch: "amd64"},
	{name: "darwin arm64", release: "local", goos: "darwin", goarch: "arm64"},
	{name: "darwin arm64 stripped", release: "local", goos: "darwin", goarch: "arm64", stripped: true},
	{name: "windows", release: "local", goos: "windows", goarch: "amd64"},
	{name: "windows stripped", release: "local", goos: "windows", goarch: "amd64", stripped: true},
	{name: "1.10 linux", release: "1.10", goos: "linux", goarch: "amd64", old: true},
	{name: "1.10 linux stripped", release: "1.10", goos: "linux", goarch: "amd64", stripped: true, old: true},
	{name: "1.10 darwin", release: "1.10", goos: "darwin", goarch: "amd64", old: true},
	{name: "1.10 windows", release: "1.10", goos: "windows", goarch: "amd64", old: true},
	{name: "1.16 linux", release: "1.16.15", goos: "linux", goarch: "amd64", old: true},
	{name: "1.17 linux", release: "1.17", goos: "linux", goarch: "amd64", old: true},
	{name: "1.17 linux stripped", release: "1.17", goos: "linux", goarch: "amd64", stripped: true, old: true},
	{name: "1.17 darwin", release: "1.17", goos: "darwin", goarch: "amd64", old: true},
	{name: "1.17 windows", release: "1.17", goos: "windows", goarch: "amd64", old: true},
	{name: "1.19 linux", release: "1.19.13", goos: "linux", goarch: "amd64", old: true},
	{name: "1.27 linux", release: "1.27.4", goos: "linux", goarch: "amd64", old: true},
	{name: "1.27 linux stripped", release: "1.27.4", goos: "linux", goarch: "amd64", stripped: true, old: true},
}

func (s sample) open(t testing.TB) *Image {
	t.Helper()
	if s.old && testing.Short() {
		t.Skip("old releases are left out with -short")
	}
	setup := s.setup
	setup.Goos, setup.Goarch = s.goos, s.goarch
	if s.stripped {
		setup.Ldflags = "-s -w"
	}
	im, err := Open(buildtest.Build(t, s.release, setup))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	format := map[string]string{"linux": ELF, "darwin": MachO, "windows": PE}
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			if im.Format != format[s.goos] {
				t.Errorf("format %s, want %s", im.Format, format[s.goos])
			}
			if goos, goarch := im.System(); goos != s.goos || goarch != s.goarch {
				t.Errorf("system %s/%s, want %s/%s", goos, goarch, s.goos, s.goarch)
			}
			got := im.Release()
			want := "go" + s.release
			if s.release == "local" {
				want = "go1."
			}
			// Before 1.13 a stripped binary does not say which release made it.
			if !(s.stripped && s.release == "1.10") && !strings.HasPrefix(got, want) {
				t.Errorf("release %q, want %q", got, want)
			}
			f, ok, err := im.FuncAt(im.Entry)
			if want := "_rt0_" + s.goarch + "_" + s.goos; err != nil || !ok || f.Name != want || f.Entry != im.Entry {
				t.Errorf("at the entry %#x: %+v, %v, %v, want %s", im.Entry, f, ok, err, want)
			}
			if sect, ok := im.SectionAt(im.Entry); !ok || !sect.Executable || sect.Flags != "AX" {
				t.Errorf("section of the entry: %+v, %v, want an executable one", sect, ok)
			}
			if sect, ok := im.SectionAt(1); ok {
				t.Errorf("section of address 1: %+v, want none", sect)
			}
			libs, err := im.Needed()
			if err != nil {
				t.Error(err)
			}
			interp := ""
			switch {
			case s.goos == "darwin":
				interp = "/usr/lib/dyld"
			case s.name == "linux pie":
				interp = "/lib64/ld-linux-x86-64.so.2"
			}
			// A PIE without cgo needs no library, although the linker names a loader.
			if im.Interp != interp || (len(libs) > 0) != (s.goos == "windows" || s.goos == "darwin" && s.release != "1.10") {
				t.Errorf("interp %q, libraries %v; want interp %q", im.Interp, libs, interp)
			}
		})
	}
}

func TestFuncs(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			for name, file := range map[string]string{
				"runtime.schedinit":   "proc.go",
				"runtime.rt0_go":      "asm_" + s.goarch + ".s",
				"runtime.rt0_go.abi0": "asm_" + s.goarch + ".s",
				"runtime.mcall":       "asm_" + s.goarch + ".s",
				"main.main":           "main.go",
			} {
				f, ok, err := im.Func(name)
				if err != nil || !ok || f.End <= f.Entry {
					t.Errorf("%s: %+v, %v, %v", name, f, ok, err)
					continue
				}
				got, line, ok, err := im.Line(f.Entry)
				if err != nil || !ok || got != file || line <= 0 {
					t.Errorf("%s begins in %s:%d (%v, %v), want %s: it must not be the wrapper", name, got, line, ok, err, file)
				}
				for _, addr := range []uint64{f.Entry, f.End - 1} {
					if at, ok, err := im.FuncAt(addr); err != nil || !ok || at.Entry != f.Entry {
						t.Errorf("at %#x: %+v, %v, %v, want %s", addr, at, ok, err, name)
					}
				}
				if at, ok, _ := im.FuncAt(f.End); ok && at.Entry == f.Entry {
					t.Errorf("%s: its End %#x is still part of it", name, f.End)
				}
			}
			if f, ok, err := im.Func("runtime.nosuch"); ok || err != nil {
				t.Errorf("runtime.nosuch: %+v, %v, %v, want nothing", f, ok, err)
			}
			if s.stripped {
				if _, err := im.Symbols(); !errors.Is(err, ErrNoSymbols) {
					t.Errorf("symbols of a stripped binary: %v", err)
				}
				if _, _, err := im.Constant("runtime.heapAddrBits"); !errors.Is(err, ErrNoDWARF) {
					t.Errorf("DWARF of a stripped binary: %v", err)
				}
			}
		})
	}
}

// TestEnds holds the ends of all functions, which are read from the table of
// functions, against two sources that do not know of it.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		if s.stripped {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			ends := map[uint64]uint64{} // by entry
			if err := im.funcs(func(f Func) bool { ends[f.Entry] = f.End; return true }); err != nil {
				t.Fatal(err)
			}
			symbols, err := im.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for _, sym := range symbols {
				// The bounds of the FIPS module are filled up with no instruction.
				if end, ok := ends[sym.Addr]; ok && sym.Size > 0 && !strings.HasPrefix(sym.Name, "go:textfips") {
					if checked++; end != sym.Addr+sym.Size {
						t.Errorf("%s ends at %#x, by its symbol at %#x", sym.Name, end, sym.Addr+sym.Size)
					}
				}
			}
			if im.Format == ELF && checked < 500 {
				t.Errorf("only %d functions were held against symbols", checked)
			}
			if checked = eachSubprogram(t, im, func(name string, low, high uint64) {
				if end, ok := ends[low]; !ok || end != high {
					t.Errorf("%s ends at %#x, by DWARF at %#x", name, end, high)
				}
			}); checked < 500 {
				t.Errorf("only %d functions were held against DWARF", checked)
			}
		})
	}
}

func eachSubprogram(t *testing.T, im *Image, f func(name string, low, high uint64)) (n int) {
	t.Helper()
	err := im.withDWARF(func(d *debugInfo) error {
		r := d.data.Reader()
		for {
			e, err := r.Next()
			if err != nil || e == nil {
				return err
			}
			if e.Tag != dwarf.TagSubprogram {
				continue
			}
			low, ok := e.Val(dwarf.AttrLowpc).(uint64)
			if !ok {
				continue
			}
			name, _ := e.Val(dwarf.AttrName).(string)
			switch high := e.Val(dwarf.AttrHighpc).(type) {
			case uint64:
				f(name, low, high)
				n++
			case int64: // an offset
				f(name, low, low+uint64(high))
				n++
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSymbols holds the symbols against those go tool nm prints.
func TestSymbols(t *testing.T) {
	t.Parallel()
	gocmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs Go in PATH (https://go.dev/dl): ", err)
	}
	for _, s := range samples {
		if s.stripped {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			out, err := exec.Command(gocmd, "tool", "nm", im.Path).Output()
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for line := range strings.Lines(string(out)) {
				fields := strings.Fields(line)
				if len(fields) != 3 || !strings.ContainsAny(fields[1], "TtDdBbRr") {
					continue
				}
				name := fields[2]
				if im.Format == MachO && !strings.Contains(name, ".") {
					name = strings.TrimPrefix(name, "_") // see machoSymbols
				}
				addr, err := strconv.ParseUint(fields[0], 16, 64)
				if err != nil {
					t.Fatal(err)
				}
				if got, ok, err := im.Symbol(name); err != nil || !ok || got.Addr != addr {
					// One name may stand for several symbols (local ones).
					if at, found := im.SymbolAt(addr); !found || at.Addr != addr {
						t.Errorf("%s: %+v, %v, %v; nm says %#x", name, got, ok, err, addr)
					}
				}
				checked++
			}
			if checked < 500 {
				t.Errorf("only %d symbols were compared", checked)
			}
			if sym, ok, err := im.Symbol("runtime.nosuch"); ok || err != nil {
				t.Errorf("runtime.nosuch: %+v, %v, %v", sym, ok, err)
			}
		})
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			for text, want := range map[string]bool{"hello, rt0": true, "hello, rt1": false} {
				if got, err := im.Contains([]byte(text)); err != nil || got != want {
					t.Errorf("contains %q: %v, %v", text, got, err)
				}
			}
			if _, err := im.Bytes(1, 4); !errors.Is(err, ErrAddress) {
				t.Errorf("bytes at 1: %v", err)
			}
			if _, err := im.Bytes(im.Entry, 1<<40); !errors.Is(err, ErrAddress) {
				t.Errorf("a terabyte at the entry: %v", err)
			}
			if s.stripped || s.name == "linux pie" { // a PIE's pointers are filled in by the loader
				return
			}
			pc, ok, err := im.Symbol("runtime.mainPC")
			if err != nil || !ok {
				t.Fatalf("runtime.mainPC: %v, %v", ok, err)
			}
			main, _, _ := im.Func("runtime.main")
			if word, err := im.Uint(pc.Addr, 8); err != nil || word != main.Entry {
				t.Errorf("the word at runtime.mainPC is %#x (%v), want runtime.main %#x", word, err, main.Entry)
			}
			// .bss is zero before the program runs.
			g0, ok, err := im.Symbol("runtime.g0")
			if word, err2 := im.Uint(g0.Addr, 8); err != nil || !ok || err2 != nil || word != 0 {
				t.Errorf("the word at runtime.g0: %#x, %v, %v, %v", word, ok, err, err2)
			}
		})
	}
}

func TestCgo(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "-s -w"} {
		t.Run("ldflags "+flags, func(t *testing.T) {
			t.Parallel()
			im, err := Open(buildtest.Build(t, "local", lab.Setup{Fixture: "hellocgo", Cgo: true, Ldflags: flags}))
			if err != nil {
				t.Fatal(err)
			}
			libs, err := im.Needed()
			if err != nil || im.Interp == "" || len(libs) == 0 {
				t.Errorf("interp %q, libraries %v, %v, want a dynamic executable", im.Interp, libs, err)
			}
			sched, ok, err := im.Func("runtime.schedinit")
			file, _, lineOK, _ := im.Line(sched.Entry)
			if err != nil || !ok || !lineOK || file != "proc.go" {
				t.Errorf("runtime.schedinit: %+v in %q, %v, %v", sched, file, ok, err)
			}
			if flags != "" {
				return // C's functions have lost their names
			}
			start, ok, err := im.FuncAt(im.Entry)
			if err != nil || !ok || start.Name != "_start" {
				t.Errorf("at the entry: %+v, %v, %v, want _start", start, ok, err)
			}
			if sym, ok, err := im.Symbol("runtime.schedinit"); err != nil || !ok || sym.Addr != sched.Entry {
				t.Errorf("symbol %+v, %v, %v; function %+v", sym, ok, err, sched)
			}
			if file, line, ok, err := im.Line(start.Entry); ok || err != nil {
				t.Errorf("line of C's _start: %s:%d, %v", file, line, err)
			}
			if goos, goarch := im.System(); goos != "linux" || goarch != "amd64" {
				t.Errorf("system %s/%s", goos, goarch)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "nosuch")); err == nil {
		t.Error("a missing file was opened")
	}
}
