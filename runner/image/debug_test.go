package image

import (
	"bytes"
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestDWARF(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		if s.stripped {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			if size, ok, err := im.Sizeof("runtime.stack"); err != nil || !ok || size != 16 {
				t.Errorf("size of runtime.stack: %d, %v, %v, want 16", size, ok, err)
			}
			for path, want := range map[string]uint64{"stack": 0, "stack.hi": 8, "stackguard0": 16} {
				if off, ok, err := im.Offset("runtime.g", path); err != nil || !ok || off != want {
					t.Errorf("offset of g.%s: %d, %v, %v, want %d", path, off, ok, err, want)
				}
			}
			if off, ok, err := im.Offset("runtime.g", "nosuch"); ok || err != nil {
				t.Errorf("offset of g.nosuch: %d, %v, %v, want nothing", off, ok, err)
			}
			if size, ok, err := im.Sizeof("runtime.nosuch"); ok || err != nil {
				t.Errorf("size of runtime.nosuch: %d, %v, %v, want nothing", size, ok, err)
			}
			value, ok, err := im.Constant("runtime._NumStackOrders")
			if s.release == "local" || s.release == "1.27.4" || s.release == "1.19.13" {
				// The number of orders is a constant everywhere; its value depends on the system.
				if err != nil || !ok || !value.IsInt64() || value.Int64() < 2 || value.Int64() > 4 {
					t.Errorf("_NumStackOrders: %v, %v, %v", value, ok, err)
				}
			}
			if value, ok, err := im.Constant("runtime.nosuch"); ok || err != nil {
				t.Errorf("constant runtime.nosuch: %v, %v, %v, want nothing", value, ok, err)
			}

			m0, ok, err := im.Variable("runtime.m0")
			if err != nil || !ok || m0.Type != "runtime.m" {
				t.Fatalf("runtime.m0: %+v, %v, %v", m0, ok, err)
			}
			if size, _, _ := im.Sizeof("runtime.m"); size != m0.Size || size == 0 {
				t.Errorf("size of runtime.m is %d, of runtime.m0 %d", size, m0.Size)
			}
			if sym, _, _ := im.Symbol("runtime.m0"); sym.Addr != m0.Addr || sym.Size != 0 && sym.Size < m0.Size {
				t.Errorf("symbol of m0 %+v, variable %+v", sym, m0)
			}
			off, _, _ := im.Offset("runtime.m", "tls")
			tls, ok, err := im.Variable("runtime.m0.tls[1]")
			if err != nil || !ok || tls.Addr != m0.Addr+off+8 || tls.Type != "uintptr" || tls.Size != 8 {
				t.Errorf("m0.tls[1]: %+v, %v, %v", tls, ok, err)
			}
			for expr, want := range map[string]error{
				"runtime.m0.tls[9999]": ErrPath, "runtime.m0.tls[-1]": ErrPath, "runtime.m0.tls[": ErrPath, "runtime.m0[0]": ErrPath,
				"runtime.m0.tls.x": ErrPath, "runtime.m0.g0.goid": ErrPath, "runtime.m0..": ErrPath,
				"runtime.nosuch": nil, "runtime.m0.nosuch": nil, "": nil, "runtime": nil, "runtime.": nil,
			} {
				if p, ok, err := im.Variable(expr); ok || !errors.Is(err, want) {
					t.Errorf("%q: %+v, %v, %v, want %v", expr, p, ok, err, want)
				}
			}
			for name, want := range map[string]bool{
				"runtime.g": true, "runtime.m0": true, "runtime.schedinit": true, "main.main": true, "runtime.nosuch": false, "": false,
			} {
				if got, err := im.Declared(name); err != nil || got != want {
					t.Errorf("declared %s: %v, %v", name, got, err)
				}
			}
		})
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		if s.stripped {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			for name, want := range map[string][]string{
				"runtime.schedinit": {},
				"runtime.atoi":      {"s"}, // two results, which are not meant
				"runtime.args":      {"c", "v"},
				"runtime.newproc":   newprocParams(s.release),
				"runtime.nosuch":    nil,
			} {
				got, ok, err := im.Params(name)
				if name == "runtime.atoi" && !ok && s.release != "1.10" {
					continue // moved in 1.25
				}
				if err != nil || ok != (want != nil) || !slices.Equal(got, want) {
					t.Errorf("parameters of %s: %q, %v, %v, want %q", name, got, ok, err, want)
				}
			}
			for pkg, optimised := range map[string]bool{"runtime": true, "main": false} {
				p, ok, err := im.Producer(pkg)
				if err != nil || !ok || !strings.HasPrefix(p, "Go cmd/compile go1.") || strings.Contains(p, "-N") == optimised {
					t.Errorf("producer of %s: %q, %v, %v", pkg, p, ok, err)
				}
			}
			if p, ok, err := im.Producer("nosuch"); ok || err != nil {
				t.Errorf("producer of nosuch: %q, %v, %v", p, ok, err)
			}
		})
	}
}

func newprocParams(release string) []string {
	switch release {
	case "1.10":
		return []string{"fn", "siz"} // DWARF has them by name
	case "1.16.15", "1.17":
		return []string{"siz", "fn"}
	}
	return []string{"fn"}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	const top, sp, asm = FlagTopFrame, FlagSPWrite, FlagAsm
	want := map[string]map[string]Flags{
		"1.10":    nil,
		"1.16.15": {"runtime.rt0_go": 0, "runtime.mcall": 0, "runtime.schedinit": 0},
		"1.17":    {"runtime.rt0_go": top | sp, "runtime.mcall": sp, "runtime.goexit": top, "runtime.schedinit": 0},
		"1.19.13": {"runtime.rt0_go": top | sp | asm, "runtime.mcall": sp | asm, "runtime.goexit": top | asm, "runtime.schedinit": 0},
		"1.27.4":  {"runtime.rt0_go": top | sp | asm, "runtime.mcall": sp | asm, "runtime.goexit": top | asm, "runtime.schedinit": 0},
	}
	for _, s := range samples {
		flags, known := want[s.release]
		if !known {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			im := s.open(t)
			if flags == nil {
				f, _, _ := im.Func("runtime.rt0_go")
				if got, ok, err := im.Flags(f); ok || err != nil {
					t.Errorf("flags in a release without: %v, %v, %v", got, ok, err)
				}
			}
			for name, w := range flags {
				f, ok, err := im.Func(name)
				if err != nil || !ok {
					t.Fatal(name, ok, err)
				}
				if got, ok, err := im.Flags(f); err != nil || !ok || got != w {
					t.Errorf("flags of %s: %03b, %v, %v, want %03b", name, got, ok, err, w)
				}
			}
		})
	}
}

// TestTypeCycle makes a type its own underlying type: debug/dwarf's arithmetic
// would never come back, which nothing can recover from.
func TestTypeCycle(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(buildtest.Build(t, "local", lab.Setup{Ldflags: "-compressdwarf=false"}))
	if err != nil {
		t.Fatal(err)
	}
	im, err := New(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	const victim = "runtime.stack"
	if _, ok, err := im.Sizeof(victim); err != nil || !ok {
		t.Fatalf("before the damage: %v, %v", ok, err)
	}
	info, err := im.debugBytes("info")
	if err != nil {
		t.Fatal(err)
	}
	var self, to dwarf.Offset
	if err := im.withDWARF(func(d *debugInfo) error {
		at, _, err := d.find(victim, dwarf.TagTypedef)
		if err != nil {
			return err
		}
		e, _, err := d.entry(at.off)
		if err != nil {
			return err
		}
		self = e.Offset
		to, _ = e.Val(dwarf.AttrType).(dwarf.Offset)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(file, info)
	ref := binary.LittleEndian.AppendUint32(nil, uint32(to))
	at := bytes.Index(info[self:], ref)
	if start < 0 || at < 0 || at > 64 {
		t.Fatalf("no reference to %#x in the entry at %#x", to, self)
	}
	binary.LittleEndian.PutUint32(file[start+int(self)+at:], uint32(self))
	im, err = New(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if size, ok, err := im.Sizeof(victim); !errors.Is(err, ErrDamaged) {
		t.Errorf("size of a type that is itself: %d, %v, %v, want %v", size, ok, err, ErrDamaged)
	}
}
