package image

import (
	"errors"
	"slices"
	"testing"
)

func TestInlined(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ has, lacks string }{
		"1.10 linux":   {"", "runtime.stackinit"},
		"1.16 linux":   {"runtime.goenvs", "runtime.stackinit"},
		"1.19 linux":   {"runtime.stackinit", "runtime.mallocinit"},
		"1.27 linux":   {"runtime.moduledataverify", "runtime.mallocinit"},
		"windows":      {"runtime.stackinit", "runtime.mallocinit"},
		"darwin arm64": {"runtime.stackinit", "runtime.mallocinit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(samples, func(s sample) bool { return s.name == name })
			im := samples[i].open(t)
			got, ok, err := im.Inlined("runtime.schedinit")
			if err != nil || !ok {
				t.Fatalf("Inlined = %v, %v", ok, err)
			}
			if want.has != "" && !slices.Contains(got, want.has) || slices.Contains(got, want.lacks) {
				t.Errorf("Inlined(schedinit) = %q, want %q in it and %q not", got, want.has, want.lacks)
			}
			if _, ok, err := im.Inlined("runtime.nosuch"); ok || err != nil {
				t.Errorf("Inlined(nosuch) = %v, %v", ok, err)
			}
		})
	}
}

func TestInlinedWithoutDWARF(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(samples, func(s sample) bool { return s.name == "linux stripped" })
	if _, _, err := samples[i].open(t).Inlined("runtime.schedinit"); !errors.Is(err, ErrNoDWARF) {
		t.Errorf("Inlined = %v, want ErrNoDWARF", err)
	}
}

func TestPackagesAndSources(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"linux", "linux stripped", "1.10 linux", "windows"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(samples, func(s sample) bool { return s.name == name })
			im := samples[i].open(t)
			packages, err := im.Packages()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []string{"main", "runtime", "runtime/internal/sys"} {
				if got := slices.Contains(packages, p); got != (p != "runtime/internal/sys") {
					t.Errorf("%s is in %q: %v", p, packages, got)
				}
			}
			f, ok, err := im.Func("runtime.schedinit")
			if err != nil || !ok {
				t.Fatalf("Func = %v, %v", ok, err)
			}
			if file, ok, err := im.Source(f.Entry); file != "runtime/proc.go" || !ok || err != nil {
				t.Errorf("Source(schedinit) = %q, %v, %v", file, ok, err)
			}
			if file, ok, err := im.Source(1); ok || err != nil {
				t.Errorf("Source(1) = %q, %v, %v", file, ok, err)
			}
		})
	}
}

func TestFileByte(t *testing.T) {
	t.Parallel()
	im := samples[0].open(t)
	if b, err := im.FileByte(1); b != 'E' || err != nil {
		t.Errorf("FileByte(1) = %q, %v", b, err)
	}
	for _, at := range []int64{-1, im.FileSize()} {
		if _, err := im.FileByte(at); !errors.Is(err, ErrAddress) {
			t.Errorf("FileByte(%d) = %v, want ErrAddress", at, err)
		}
	}
}
