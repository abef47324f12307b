package ebpf_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/place"
)

// looked opens a program twice: for its places and for its bytes.
func looked(tb testing.TB, path string) (*place.Resolver, *image.Image) {
	tb.Helper()
	r, err := place.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	img, err := image.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	return r, img
}

// addressOf is the address of a stop that has exactly one.
func addressOf(tb testing.TB, r *place.Resolver, stop string) uint64 {
	tb.Helper()
	p := r.Place(stop)
	if p.State != place.Placed || len(p.Addrs) != 1 {
		tb.Fatalf("%+v", p)
	}
	return p.Addrs[0]
}

func TestBeginning(t *testing.T) {
	t.Parallel()
	// The frame begins with a push since 1.21; before, the check of the stack is
	// the first instruction of the right kind, and a function without one has what comes next.
	for release, want := range map[string]map[string]string{
		"1.10":    {"runtime.schedinit": "JBE", "main.main": "JBE", "runtime.rt0_go": "JE"},
		"1.17":    {"runtime.schedinit": "JBE", "main.main": "JBE", "runtime.mstart": "CALL"},
		"1.20.14": {"runtime.schedinit": "JBE", "main.main": "JBE", "runtime.mstart": "CALL"},
		"1.21.13": {"runtime.schedinit": "PUSHQ", "main.main": "PUSHQ", "runtime.check": "PUSHQ"},
		"1.27.4":  {"runtime.schedinit": "PUSHQ", "main.main": "PUSHQ", "runtime.check": "PUSHQ"},
	} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			r, img := looked(t, buildtest.Hello(t, release))
			choose := ebpf.NewChooser(img, nil)
			for function, op := range want {
				site, err := choose.Beginning(addressOf(t, r, function))
				if err != nil {
					t.Fatal(err)
				}
				if got, _, _ := strings.Cut(site.Inst, " "); got != op || !site.Cheap || site.ChecksStack != (op == "JBE") {
					t.Errorf("%s: %+v, want %s", function, site, op)
				}
			}
		})
	}
}

// Every function of the program: the site is executed exactly when the
// function is, and almost all of them are cheap.
func TestBeginningOfEverything(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"1.10", "1.16.15", "1.20.14", "1.24.13", "1.27.4"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			_, img := looked(t, buildtest.Hello(t, release))
			choose := ebpf.NewChooser(img, nil)
			symbols, err := img.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			all, cheap, pushes := 0, 0, 0
			for _, s := range symbols {
				f, ok, err := img.FuncAt(s.Addr)
				if err != nil || !ok || !s.Func || f.Entry != s.Addr {
					continue
				}
				site, err := choose.Beginning(f.Entry)
				if errors.Is(err, ebpf.ErrSite) {
					continue // a breakpoint, UD2: runtime.abort
				}
				if err != nil {
					t.Fatal(err)
				}
				all++
				if site.Cheap {
					cheap++
				}
				if strings.HasPrefix(site.Inst, "PUSHQ") {
					pushes++
				}
				straight(t, img, f, site)
			}
			if all < 500 || cheap*100 < all*90 {
				t.Errorf("%d of %d sites are cheap", cheap, all)
			}
			t.Logf("%d functions, %.1f %% cheap, %.1f %% at a push", all, 100*float64(cheap)/float64(all), 100*float64(pushes)/float64(all))
		})
	}
}

// straight holds that nothing between the entry and the site leaves the way or comes onto it,
// the branch to morestack aside.
func straight(t *testing.T, img *image.Image, f image.Func, site ebpf.Site) {
	t.Helper()
	code, err := img.Bytes(f.Entry, int(f.End-f.Entry))
	if err != nil {
		t.Fatal(err)
	}
	insts, err := insn.Decode("amd64", code, f.Entry, img.NameAt)
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	for _, in := range insts {
		if in.Addr < site.Addr && (in.Ret || in.Call || in.Jump) {
			if checks++; in.Ret || in.Call || !strings.HasPrefix(in.Go, "J") || checks > 2 || strings.HasPrefix(in.Go, "JMP") {
				t.Errorf("%s: the site is %s (%#x), behind %s", f.Name, site.Inst, site.Addr, in.Go)
			}
		}
		if in.Addr < site.Addr && in.Go == "SYSCALL" {
			t.Errorf("%s: the site is %s (%#x), behind a system call", f.Name, site.Inst, site.Addr)
		}
		if in.Jump && in.Target > f.Entry && in.Target <= site.Addr {
			t.Errorf("%s: the site is %s (%#x), behind the target of %s", f.Name, site.Inst, site.Addr, in.Go)
		}
	}
	if off, ok := img.FileOffset(site.Addr); !ok || off != site.Offset || site.Addr < f.Entry || site.Addr >= f.End {
		t.Errorf("%s: site %+v", f.Name, site)
	}
}

// A site is not moved beyond another place that is asked for.
func TestAskedKeepsItsOrder(t *testing.T) {
	t.Parallel()
	r, img := looked(t, buildtest.Hello(t, "local"))
	entry, cpuid := addressOf(t, r, "runtime.rt0_go"), addressOf(t, r, "runtime.rt0_go: CPUID")
	free, err := ebpf.NewChooser(img, nil).Beginning(entry)
	if err != nil {
		t.Fatal(err)
	}
	if free.Addr <= cpuid {
		t.Fatalf("the site is before CPUID by itself: %+v; that proves nothing", free)
	}
	bound, err := ebpf.NewChooser(img, []uint64{entry, cpuid}).Beginning(entry)
	if err != nil || bound.Addr >= cpuid {
		t.Errorf("%+v, %v; CPUID is at %#x", bound, err, cpuid)
	}
	if exact, err := ebpf.NewChooser(img, nil).Exact(cpuid); err != nil || exact.Addr != cpuid || exact.Cheap || exact.Inst != "CPUID" {
		t.Errorf("%+v, %v", exact, err)
	}
}

// What a place is decides whether its probe may move; where there can be none the reason is told.
func TestSites(t *testing.T) {
	t.Parallel()
	r, img := looked(t, buildtest.Hello(t, "local"))
	choose := ebpf.NewChooser(img, nil)
	for _, tt := range []struct {
		stop  string
		cheap bool
	}{
		{"runtime.rt0_go", true}, {"entry", true}, {"runtime.main: after CALL runtime.gcenable", true},
		{"runtime.rt0_go: CPUID", false}, {"main.main: CALL *", true},
	} {
		p := r.Place(tt.stop)
		sites, err := choose.Sites(p)
		if err != nil || len(sites) != len(p.Addrs) || len(sites) == 0 || sites[0].Cheap != tt.cheap {
			t.Errorf("%s: %+v, %v", tt.stop, sites, err)
		}
	}
	// Here the first cheap instruction follows a system call, which takes its time.
	old, img := looked(t, buildtest.Hello(t, "1.16.15"))
	if sites, err := ebpf.NewChooser(img, nil).Sites(old.Place("runtime.settls")); err != nil || len(sites) != 1 || sites[0].Cheap || sites[0].Addr != addressOf(t, old, "runtime.settls") {
		t.Errorf("settls: %+v, %v", sites, err)
	}
	for _, stop := range []string{"exec", place.Exit} {
		if sites, err := choose.Sites(place.Place{Stop: stop, State: place.Placed, Exec: stop == "exec"}); err != nil || sites != nil {
			t.Errorf("%s: %+v, %v", stop, sites, err)
		}
	}
	for _, stop := range []string{"main.nope", "main.main .. main.main return", "runtime.abort: INT $3"} {
		if sites, err := choose.Sites(r.Place(stop)); !errors.Is(err, ebpf.ErrSite) {
			t.Errorf("%s: %+v, %v", stop, sites, err)
		}
	}
}

func TestNoSite(t *testing.T) {
	t.Parallel()
	r, img := looked(t, buildtest.Hello(t, "local"))
	choose := ebpf.NewChooser(img, nil)
	for name, addr := range map[string]uint64{
		"a breakpoint":           addressOf(t, r, "runtime.abort"),
		"a locked instruction":   locked(t, img),
		"outside of the file":    1,
		"in the file's last gap": ^uint64(0),
	} {
		if s, err := choose.Exact(addr); !errors.Is(err, ebpf.ErrSite) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// locked is the address of a locked instruction of the runtime.
func locked(tb testing.TB, img *image.Image) uint64 {
	tb.Helper()
	f, ok, err := img.Func("runtime.casgstatus")
	if err != nil || !ok {
		tb.Fatal(ok, err)
	}
	code, err := img.Bytes(f.Entry, int(f.End-f.Entry))
	if err != nil {
		tb.Fatal(err)
	}
	insts, err := insn.Decode("amd64", code, f.Entry, img.NameAt)
	if err != nil {
		tb.Fatal(err)
	}
	for _, in := range insts {
		if strings.HasPrefix(in.Go, "LOCK ") {
			return in.Addr
		}
	}
	tb.Fatal("runtime.casgstatus locks nothing")
	return 0
}
