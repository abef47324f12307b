package build

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/build/making"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// What is told of a making does not depend on what the caches have, and a
// fixture that does not build is no error of the making.
func TestMaking(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	const good = "package main\n\nimport \"./lib\"\n\nfunc main() { println(lib.N) }\n"
	b := newBuilder(t)
	b.Fixtures = fstest.MapFS{
		"beside/main.go.txt": {Data: []byte(good)},
		"beside/lib/lib.go":  {Data: []byte("package lib\n\nconst N = 1\n")},
		"wrong/main.go.txt":  {Data: []byte("package main\n\nfunc main() { nosuch() }\n")},
	}
	for _, release := range []string{"go1.10", "go1.17", "local"} {
		tc := toolchain(t, release)
		for _, tt := range []struct {
			name  string
			setup lab.Setup
			built bool
			says  string // the begin of the last message
		}{
			{"outside of GOPATH", lab.Setup{Fixture: "beside", Gopath: "outside"}, true, ""},
			{"inside of GOPATH", lab.Setup{Fixture: "beside", Gopath: "inside"}, false, "main.go:3:8: local import"},
			{"an error of the compiler", lab.Setup{Fixture: "wrong"}, false, "fixtures/wrong/main.go:3:15: undefined: nosuch"},
		} {
			t.Run(release+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				tt.setup.Making = true
				bin := build(t, b, Input{Setup: &tt.setup, Toolchain: tc})
				a, err := making.ReadFile(bin.Path)
				if err != nil {
					t.Fatal(err)
				}
				if a.Built != tt.built {
					t.Errorf("Built = %v, want %v (%q)", a.Built, tt.built, a.Messages)
				}
				if tt.says != "" && (len(a.Messages) == 0 || len(a.Messages[len(a.Messages)-1]) < len(tt.says) || a.Messages[len(a.Messages)-1][:len(tt.says)] != tt.says) {
					t.Errorf("Messages = %q, want the last to begin with %q", a.Messages, tt.says)
				}
				if tt.built && !slices.ContainsFunc(a.Commands, func(c making.Command) bool { return c.Package == "runtime" && c.Tool == "asm" }) {
					t.Errorf("no assembler is run for the runtime: %d commands", len(a.Commands))
				}
			})
		}
	}
}

func TestTool(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	b, tc := newBuilder(t), toolchain(t, "local")
	bin := build(t, b, Input{Setup: &lab.Setup{Tool: "link"}, Toolchain: tc})
	if want := filepath.Join(tc.GOROOT, "pkg", "tool", "linux_amd64", "link"); bin.Path != want {
		t.Errorf("Path = %s, want %s", bin.Path, want)
	}
	other := build(t, b, Input{Setup: &lab.Setup{Tool: "asm"}, Toolchain: tc})
	if bin.Digest == other.Digest {
		t.Error("two tools have one digest")
	}
	_, err := b.Build(t.Context(), Input{Setup: &lab.Setup{Tool: "link", Goarch: "arm64"}, Toolchain: tc})
	if !errors.Is(err, ErrNoTool) {
		t.Errorf("a tool for another machine: %v, want ErrNoTool", err)
	}
}
