package place

import (
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }

// releases are DWARF 4 and 5, with and without compression, before and after
// ABI wrappers, each format of pclntab.
var releases = []string{"local", "1.10", "1.15.15", "1.17", "1.20.14", "1.27.4"}

func open(t testing.TB, path string) *Resolver {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// one returns the only address of a stop.
func one(t *testing.T, r *Resolver, stop string) uint64 {
	t.Helper()
	p := r.Place(stop)
	if p.State != Placed || len(p.Addrs) != 1 {
		t.Fatalf("%s: %+v, want one address", stop, p)
	}
	return p.Addrs[0]
}

// symbolsOf is another reader of the symbol table than the resolver's.
func symbolsOf(t *testing.T, path string) map[string]elf.Symbol {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]elf.Symbol{}
	for _, s := range syms {
		out[s.Name] = s
	}
	return out
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Hello(t, release)
			syms := symbolsOf(t, path)
			r := open(t, path)

			f, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got := one(t, r, "entry"); got != f.Entry || got != one(t, r, "_rt0_amd64_linux") {
				t.Errorf("entry is %#x, want %#x", got, f.Entry)
			}
			if p := r.Place("exec"); !p.Exec || p.State != Placed || p.Addrs != nil {
				t.Errorf("exec: %+v", p)
			}

			// Assembly: the body is the .abi0 side where there is one.
			rt0, ok := syms["runtime.rt0_go.abi0"]
			if !ok {
				rt0 = syms["runtime.rt0_go"]
			}
			if got := one(t, r, "runtime.rt0_go"); got != rt0.Value || got == 0 {
				t.Errorf("runtime.rt0_go is %#x, want %#x", got, rt0.Value)
			}
			// Go: the side without .abi0.
			for _, name := range []string{"runtime.schedinit", "runtime.newproc", "runtime.check", "main.main"} {
				if got := one(t, r, name); got != syms[name].Value || got == 0 {
					t.Errorf("%s is %#x, want %#x", name, got, syms[name].Value)
				}
			}
			for name := range syms {
				if body, ok := strings.CutSuffix(name, abi0); ok && syms[body].Value != 0 {
					if p := r.Place(body); p.State != Placed || len(p.Addrs) != 1 {
						t.Errorf("%s has two sides: %+v", body, p)
					}
				}
			}

			within := func(stop string, s elf.Symbol) uint64 {
				got := one(t, r, stop)
				if got < s.Value || got >= s.Value+s.Size {
					t.Errorf("%s is %#x, outside of its function %#x+%#x", stop, got, s.Value, s.Size)
				}
				return got
			}
			c1, c2 := within("runtime.rt0_go: CPUID", rt0), within("runtime.rt0_go: CPUID #2", rt0)
			if after := within("runtime.rt0_go: after CPUID", rt0); c1+2 != after || c2 <= c1 {
				t.Errorf("CPUID at %#x, after it %#x, the second at %#x", c1, after, c2)
			}
			within("runtime.rt0_go: MOVQ $0x123, *", rt0)
			call, check := within("runtime.rt0_go: CALL runtime.check", rt0), within("runtime.rt0_go: after CALL runtime.check", rt0)
			if call+5 != check {
				t.Errorf("CALL runtime.check at %#x, after it %#x", call, check)
			}
			within("runtime.rt0_go: CALL runtime.schedinit", rt0)
			within("runtime.schedinit return", syms["runtime.schedinit"])

			ranged := r.Place("runtime.rt0_go: CALL runtime.schedinit .. runtime.schedinit, any thread")
			if ranged.State != Placed || len(ranged.Addrs) != 1 || !slices.Equal(ranged.To, []uint64{syms["runtime.schedinit"].Value}) || !ranged.AnyThread {
				t.Errorf("%+v", ranged)
			}
			if p := r.Place("runtime.newproc #2"); p.Hit != 2 || p.State != Placed {
				t.Errorf("%+v", p)
			}

			// What is not there.
			for _, stop := range []string{
				"runtime.noSuchFunction", "runtime.noSuchFunction return", "runtime.rt0_go: CPUID #9", "runtime.rt0_go: HLT", "runtime.rt0_go: after HLT",
				"runtime.noSuchFunction .. runtime.schedinit", "runtime.rt0_go .. runtime.noSuchFunction",
			} {
				if p := r.Place(stop); p.State != Absent || p.Reason == "" || p.Addrs != nil || p.To != nil {
					t.Errorf("%+v, want it absent", p)
				}
			}
		})
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	tests := []struct{ release, stop string }{
		{"1.10", "runtime.abort"},
		{"1.10", "runtime.randinit"},
		{"1.17", "runtime.tracebackinit"},
		{"1.27.4", "runtime.tracebackinit"},
		{"1.27.4", "runtime.alginit"},
	}
	for _, tt := range tests {
		t.Run(tt.release+"/"+tt.stop, func(t *testing.T) {
			t.Parallel()
			if p := open(t, buildtest.Hello(t, tt.release)).Place(tt.stop); p.State != Absent || p.Reason == "" {
				t.Errorf("%+v, want it absent", p)
			}
		})
	}
}

func TestInlined(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.20.14", "1.27.4", "local"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Hello(t, release)
			syms := symbolsOf(t, path)
			if _, ok := syms["runtime.stackinit"]; ok {
				t.Fatal("runtime.stackinit has a symbol: this release does not inline it, take another function")
			}
			r := open(t, path)
			got, in := one(t, r, "runtime.stackinit"), syms["runtime.schedinit"]
			if got <= in.Value || got >= in.Value+in.Size {
				t.Errorf("runtime.stackinit is at %#x, outside of runtime.schedinit %#x+%#x", got, in.Value, in.Size)
			}
			for _, stop := range []string{"runtime.stackinit return", "runtime.stackinit: CALL"} {
				if p := r.Place(stop); p.State != Unplaced || !strings.Contains(p.Reason, "inlined") {
					t.Errorf("%+v, want it unplaced because it is inlined", p)
				}
			}
		})
	}
}

// The search by bytes must find what walking all of DWARF finds, for every inlined function.
func TestSearchIsWalk(t *testing.T) {
	t.Parallel()
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			r := open(t, buildtest.Hello(t, release))
			searched, err := newInlines(r.img)
			if err != nil {
				t.Fatal(err)
			}
			all, err := searched.walk()
			if err != nil {
				t.Fatal(err)
			}
			if len(all.abstract) < 50 {
				t.Fatalf("only %d abstract functions", len(all.abstract))
			}
			without := 0
			for name, offsets := range all.abstract {
				var want []uint64
				for _, off := range offsets {
					want = append(want, all.bodies[off]...)
				}
				want = order(want)
				if len(want) == 0 {
					without++
				}
				abstract, named := searched.searchAbstract(name)
				if slices.Sort(abstract); !named || !slices.Equal(abstract, offsets) {
					t.Errorf("%s: searched %#x, walked %#x", name, abstract, offsets)
				}
				got := order(searched.searchBodies(abstract))
				if !slices.Equal(got, want) && (got != nil || len(want) <= maxWalks) {
					t.Errorf("%s: bodies searched %#x, walked %#x", name, got, want)
				}
			}
			t.Logf("%d inlined functions, %d of them without an address", len(all.abstract), without)
		})
	}
}

func TestStripped(t *testing.T) {
	t.Parallel()
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			whole := open(t, buildtest.Hello(t, release))
			for _, ldflags := range []string{"-w", "-s -w"} {
				r := open(t, buildtest.Build(t, release, lab.Setup{Ldflags: ldflags}))
				for _, stop := range []string{"entry", "runtime.rt0_go", "runtime.schedinit", "runtime.newproc", "main.main", "runtime.rt0_go: CPUID #2",
					"runtime.rt0_go: after CALL runtime.check", "runtime.schedinit return"} {
					want, got := whole.Place(stop), r.Place(stop)
					if got.State != Placed || len(got.Addrs) != len(want.Addrs) {
						t.Errorf("%s: %+v, want %d addresses", ldflags, got, len(want.Addrs))
					}
				}
				for _, stop := range []string{"runtime.noSuchFunction", "runtime.noSuchFunction: CPUID"} {
					if p := r.Place(stop); p.State != Unplaced || !strings.Contains(p.Reason, "no DWARF") {
						t.Errorf("%s: %+v, want it unplaced for lack of DWARF", ldflags, p)
					}
				}
				if p := r.Place("runtime.rt0_go: HLT"); p.State != Absent {
					t.Errorf("%s: %+v, want it absent", ldflags, p)
				}
			}
		})
	}
}

func TestOtherBuilds(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]lab.Setup{
		"arm64": {Goarch: "arm64"}, "pie": {Buildmode: "pie"}, "pie, stripped": {Buildmode: "pie", Ldflags: "-s -w"}, "unpacked DWARF": {Ldflags: "-compressdwarf=false"},
		"Mach-O": {Goos: "darwin"}, "Mach-O arm64": {Goos: "darwin", Goarch: "arm64"}, "PE": {Goos: "windows"}, "PE, stripped": {Goos: "windows", Ldflags: "-s -w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, buildtest.Build(t, "local", setup))
			for _, stop := range []string{"entry", "runtime.rt0_go", "runtime.schedinit", "runtime.rt0_go: CALL runtime.check", "runtime.rt0_go: after CALL runtime.check"} {
				one(t, r, stop)
			}
			// What lies behind the call is the call's own length away.
			if d := one(t, r, "runtime.rt0_go: after CALL runtime.check") - one(t, r, "runtime.rt0_go: CALL runtime.check"); d < 4 || d > 5 {
				t.Errorf("the call is %d bytes long", d)
			}
		})
	}
	t.Run("no decoder", func(t *testing.T) {
		t.Parallel()
		r := open(t, buildtest.Build(t, "local", lab.Setup{Goarch: "riscv64"}))
		one(t, r, "runtime.rt0_go")
		one(t, r, "runtime.schedinit")
		if p := r.Place("runtime.rt0_go: CALL"); p.State != Unplaced || !strings.Contains(p.Reason, insn.ErrArch.Error()) {
			t.Errorf("%+v", p)
		}
	})
}

// A release of tomorrow may write its table of functions in another way: the
// symbol table and the code still tell a body from its wrapper.
func TestUnknownFunctionTable(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.17", "1.27.4", "local"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Hello(t, release)
			f, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[f.Section(".gopclntab").Offset] ^= 0x70
			unknown := filepath.Join(t.TempDir(), "hello")
			if err := os.WriteFile(unknown, data, 0o600); err != nil {
				t.Fatal(err)
			}
			whole, r := open(t, path), open(t, unknown)
			if _, _, _, err := r.img.Line(r.img.Entry); !errors.Is(err, image.ErrNoFuncTab) {
				t.Fatalf("the table was read: %v", err)
			}
			sides := 0
			for name := range symbolsOf(t, path) {
				name, ok := strings.CutSuffix(name, abi0)
				if bodies, _ := r.img.Bodies(name); !ok || len(bodies) < 2 {
					continue
				}
				sides++
				if want, got := whole.Place(name), r.Place(name); !slices.Equal(got.Addrs, want.Addrs) {
					t.Errorf("%s: %+v, want %#x", name, got, want.Addrs)
				}
			}
			if sides < 3 {
				t.Errorf("%d functions have two sides: that proves nothing", sides)
			}
		})
	}
}

func TestPlacesNamesEveryBadStop(t *testing.T) {
	t.Parallel()
	places, err := open(t, buildtest.Hello(t, "local")).Places([]string{"entry #2", "runtime.schedinit", "image"})
	if !errors.Is(err, ErrStop) || !strings.Contains(err.Error(), `"entry #2"`) || !strings.Contains(err.Error(), `"image"`) {
		t.Errorf("error %v", err)
	}
	if len(places) != 3 || places[0].State != Unplaced || places[1].State != Placed || places[2].Stop != "image" {
		t.Errorf("%+v", places)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole, err := os.ReadFile(buildtest.Hello(t, "local"))
	if err != nil {
		t.Fatal(err)
	}
	object := slices.Clone(whole[:64])
	object[16] = byte(elf.ET_REL)
	files := map[string][]byte{"empty": nil, "short": []byte("\x7fE"), "text": []byte("#!/bin/sh\necho hello\n"), "header": whole[:64], "half header": whole[:40], "object": object}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := Open(path); !errors.Is(err, image.ErrFormat) && !errors.Is(err, image.ErrDamaged) {
				t.Errorf("%v, %v; want image.ErrFormat or image.ErrDamaged", r, err)
			}
		})
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder was opened")
	}
}

// A damaged binary gives errors and unplaced stops, never a panic.
func TestDamaged(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(buildtest.Hello(t, "local"))
	if err != nil {
		t.Fatal(err)
	}
	stops := []string{"entry", "runtime.rt0_go: CPUID", "runtime.newproc return", "runtime.stackinit", "runtime.noSuchFunction"}
	try := func(t *testing.T, path string, data []byte) (placed int) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			return 0
		}
		places, err := r.Places(stops)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range places {
			if err := p.check(); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
			if p.State == Placed {
				placed++
			}
		}
		return placed
	}
	path := filepath.Join(t.TempDir(), "damaged")
	if n := try(t, path, whole); n != 4 {
		t.Fatalf("%d placed in the whole binary", n)
	}
	for i := 1; i < 24; i++ {
		try(t, path, whole[:len(whole)*i/24])
	}
	// Every 7th byte of the headers, and stretches all over the file, become 0xff.
	for at := 4; at < 64; at += 7 {
		data := slices.Clone(whole)
		data[at] = 0xff
		try(t, path, data)
	}
	for at := 64; at < len(whole); at += len(whole) / 40 {
		data := slices.Clone(whole)
		for i := at; i < min(at+200, len(data)); i++ {
			data[i] = 0xff
		}
		try(t, path, data)
	}
}

// someStops are about what the labs ask of one setup.
var someStops = []string{
	"exec", "entry", "runtime.rt0_go", "runtime.schedinit", "runtime.newproc", "runtime.newproc #2", "runtime.stackinit", "runtime.tracebackinit",
	"runtime.rt0_go: CPUID #2", "runtime.rt0_go: MOVQ $0x123, *", "runtime.rt0_go: after CALL runtime.check",
	"runtime.rt0_go: CALL runtime.schedinit .. runtime.schedinit", "runtime.schedinit return", "runtime.mallocinit", "runtime.cpuinit",
	"runtime.randinit", "runtime.alginit", "runtime.modulesinit", "runtime.main", "runtime.mstart1", "runtime.gcenable, any thread", "main.main",
	"runtime.check", "runtime.args", "runtime.osinit", "runtime.settls", "runtime.(*mheap).init", "runtime.mcommoninit", "runtime.gogo", "runtime.minit",
}

// Every time the file is another one to image.Open, which keeps what it has read.
func BenchmarkOpenPlaces(b *testing.B) {
	path := buildtest.Copy(b, buildtest.Hello(b, "local"))
	at := time.Unix(1, 0)
	for b.Loop() {
		at = at.Add(time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			b.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Places(someStops); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCached(b *testing.B) {
	path, dir := buildtest.Hello(b, "local"), b.TempDir()
	for b.Loop() {
		if _, err := Cached(dir, path, "d", someStops); err != nil {
			b.Fatal(err)
		}
	}
}
