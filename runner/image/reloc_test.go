package image_test

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// What C's linker has linked and strip has stripped has its functions where they were.
func TestStrippedByOthers(t *testing.T) {
	t.Parallel()
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skipf("needs strip (apt install binutils): %v", err)
	}
	for _, release := range []string{"1.18.10", "1.21.13", "1.25.0", "1.26.8", "1.27.4"} {
		for _, mode := range []string{"", "pie"} {
			t.Run(release+" "+mode, func(t *testing.T) {
				t.Parallel()
				whole := buildtest.Build(t, release, lab.Setup{Fixture: "hellocgo", Cgo: true, Buildmode: mode, Linkmode: "external"})
				bare := buildtest.Copy(t, whole)
				if out, err := exec.Command(strip, "--strip-all", bare).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				a, err := image.Open(whole)
				if err != nil {
					t.Fatal(err)
				}
				b, err := image.Open(bare)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.Symbols(); !errors.Is(err, image.ErrNoSymbols) {
					t.Fatalf("not stripped: %v", err)
				}
				for _, name := range []string{"runtime.main", "runtime.rt0_go", "main.main"} {
					f, ok, err := a.Func(name)
					g, ok2, err2 := b.Func(name)
					if !ok || !ok2 || f.Entry != g.Entry || f.End != g.End {
						t.Errorf("%s at %#x (%v, %v), stripped %#x (%v, %v)", name, f.Entry, ok, err, g.Entry, ok2, err2)
					}
				}
			})
		}
	}
}
