//go:build linux

package build

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/lab"
)

// A program in C with Go in it, on the oldest and the newest release; what is
// wrong in C is told as what is wrong in Go.
func TestHost(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	b := newBuilder(t)
	b.Fixtures = fstest.MapFS{
		"lib/lib.go":       {Data: []byte("package main\n\nimport \"C\"\n\n//export Answer\nfunc Answer() C.int { return 42 }\n\nfunc main() {}\n")},
		"lib/host/main.c":  {Data: []byte("#include <stdio.h>\nextern int Answer(void);\nint main(void) { printf(\"%d\\n\", Answer()); return 0; }\n")},
		"lib/host/other.c": {Data: []byte("#include <stdio.h>\nextern int Answer(void);\nint main(void) { printf(\"other %d\\n\", Answer()); return 0; }\n")},
		"lib/host/wrong.c": {Data: []byte("int main(void) { return nosuch; }\n")},
	}
	setup := func(host string) *lab.Setup {
		return &lab.Setup{Fixture: "lib", Cgo: true, Buildmode: "c-archive", Host: "host/" + host + ".c"}
	}
	for _, release := range []string{"go1.10", "go1.27.4"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			tc := toolchain(t, release)
			_, err := b.Build(t.Context(), Input{Setup: setup("wrong"), Toolchain: tc})
			if errors.Is(err, ErrNoCompiler) {
				t.Skip(err)
			}
			if !errors.Is(err, ErrCompile) || !strings.Contains(err.Error(), "nosuch") || strings.Contains(err.Error(), b.CacheDir) {
				t.Errorf("Build: %v; want ErrCompile, what C says, and no folder of this machine", err)
			}
			for host, want := range map[string]string{"main": "42\n", "other": "other 42\n"} {
				if out := run(t, build(t, b, Input{Setup: setup(host), Toolchain: tc}).Path); out != want {
					t.Errorf("%s.c says %q, want %q", host, out, want)
				}
			}
		})
	}
}
