package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

func examplePlan() *plan {
	return &plan{
		setup:     &lab.Setup{Fixture: "hello"},
		toolchain: release.Toolchain{Name: "go1.26.8"},
		minor:     26, language: "1.26.8", goos: "linux", goarch: "amd64", identity: "x",
		files: map[string][]byte{"main.go": []byte("package main")},
	}
}

func TestKeyDependsOnEverything(t *testing.T) {
	t.Parallel()
	changes := map[string]func(p *plan){
		"nothing":            func(*plan) {},
		"fixture":            func(p *plan) { p.setup.Fixture = "other" },
		"gcflags":            func(p *plan) { p.setup.Gcflags = ptr("") },
		"gcflags all":        func(p *plan) { p.setup.Gcflags = ptr("all=-N -l") },
		"ldflags":            func(p *plan) { p.setup.Ldflags = "-s" },
		"linkmode":           func(p *plan) { p.setup.Linkmode = "internal" },
		"tags":               func(p *plan) { p.setup.Tags = []string{"a"} },
		"more tags":          func(p *plan) { p.setup.Tags = []string{"a", "b"} },
		"buildmode":          func(p *plan) { p.setup.Buildmode = "pie" },
		"race":               func(p *plan) { p.setup.Race = true },
		"experiment":         func(p *plan) { p.setup.Goexperiment = "arenas" },
		"goamd64":            func(p *plan) { p.setup.Goamd64 = "v3" },
		"goos":               func(p *plan) { p.goos = "darwin" },
		"goarch":             func(p *plan) { p.goarch = "arm64" },
		"cgo":                func(p *plan) { p.cgo = true },
		"compiler":           func(p *plan) { p.compiler = &cCompiler{"gcc", "/usr/bin/gcc", "gcc 12"} },
		"another compiler":   func(p *plan) { p.compiler = &cCompiler{"gcc", "/usr/bin/gcc", "gcc 13"} },
		"toolchain":          func(p *plan) { p.identity = "y" },
		"language":           func(p *plan) { p.language = "1.26" },
		"source":             func(p *plan) { p.files["main.go"] = []byte("package main\n") },
		"another file":       func(p *plan) { p.files["b.go"] = []byte("package main\n") },
		"overlay":            func(p *plan) { p.overlay = map[string][]byte{"runtime/a.go": []byte("a")} },
		"overlay content":    func(p *plan) { p.overlay = map[string][]byte{"runtime/a.go": []byte("b")} },
		"overlay place":      func(p *plan) { p.overlay = map[string][]byte{"runtime/b.go": []byte("a")} },
		"overlay empty file": func(p *plan) { p.overlay = map[string][]byte{"runtime/a.go": {}} },
		"overlay deletion":   func(p *plan) { p.overlay = map[string][]byte{"runtime/a.go": nil} },
	}
	seen := map[string]string{}
	for name, change := range changes {
		p := examplePlan()
		change(p)
		key := p.key()
		if other, twice := seen[key]; twice {
			t.Errorf("%q and %q have the same key", name, other)
		}
		seen[key] = name
	}
	// How it is run, and what it is called, is not part of how it is built.
	p := examplePlan()
	p.setup.Name, p.setup.Args, p.setup.Env, p.setup.Line = "n", []string{"a"}, map[string]string{"A": "b"}, 7
	if seen[p.key()] != "nothing" {
		t.Error("arguments, environment or name change the key")
	}
}

func TestEditedGOROOTIsAnotherToolchain(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, f := range []string{"bin/go", "pkg/tool/x/compile", "pkg/include/textflag.h", "src/runtime/proc.go", "src/runtime/proc_test.go", "src/cmd/go/main.go"} {
		put(t, filepath.Join(root, filepath.FromSlash(f)), f)
	}
	put(t, filepath.Join(root, "VERSION"), "go1.26.8\n")
	identity := func(readOnly bool) string {
		t.Helper()
		id, err := (&Builder{}).identityOf(t.Context(), release.Toolchain{Name: "go1.26.8", GOROOT: root, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first, fixed := identity(false), identity(true)
	if identity(false) != first {
		t.Error("the same GOROOT has two identities")
	}
	put(t, filepath.Join(root, "src", "cmd", "go", "main.go"), "another tool's source")
	put(t, filepath.Join(root, "src", "runtime", "proc_test.go"), "another test")
	if identity(false) != first {
		t.Error("a file that is in no program makes it another toolchain")
	}
	put(t, filepath.Join(root, "src", "runtime", "proc.go"), "an edited runtime")
	if identity(false) == first {
		t.Error("an edited runtime is taken for the old one")
	}
	if identity(true) != fixed {
		t.Error("a toolchain of the module cache was looked at")
	}
	put(t, filepath.Join(root, "VERSION"), "go1.26.9\n")
	if identity(true) == fixed {
		t.Error("another VERSION is taken for the old one")
	}
}

// The whole way: a GOROOT that somebody edits between two builds.
func TestEditedGOROOTIsBuiltAgain(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	from := toolchain(t, "go1.10")
	name := filepath.Join("src", "runtime", "asm_amd64.s")
	text := read(t, filepath.Join(from.GOROOT, name))
	root := filepath.Join(t.TempDir(), "go")
	overlay := map[string][]byte{"runtime/asm_amd64.s": text}
	c := copying{from: from.GOROOT, to: root, edited: overlay, open: opened(overlay)}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	tc, err := store.Resolve(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	first := build(t, newBuilder(t), Input{Setup: hello(), Toolchain: tc})
	for _, edited := range stackEdit(t, tc) {
		if err := os.WriteFile(filepath.Join(root, name), edited, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	second := build(t, newBuilder(t), Input{Setup: hello(), Toolchain: tc})
	if first.Digest == second.Digest || string(read(t, first.Path)) == string(read(t, second.Path)) {
		t.Errorf("the edit did not reach the binary: %+v, %+v", first, second)
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	put(t, filepath.Join(tree, "src", "internal", "goversion", "goversion.go"), "package goversion\n\nconst Version = 28\n")
	tests := []struct {
		name     string
		minor    int
		language string
	}{
		{"go1.10", 10, "1.10"}, {"go1.20.14", 20, "1.20"}, {"go1.21.0", 21, "1.21.0"}, {"go1.27.4", 27, "1.27.4"},
		{"go1.28rc1", 28, "1.28rc1"}, {"go1.26.8 X:nodwarf5", 26, "1.26.8"}, {"go1.26.8-corp", 26, "1.26.8"},
		{"devel go1.28-0123abc Mon Jan 5", 28, "1.28"}, {"go1.28-devel_0123abc Mon Jan 5", 28, "1.28"}, {"devel +0123abc Mon Jan 5", 28, "1.28"},
	}
	for _, tt := range tests {
		minor, language, err := languageOf(release.Toolchain{Name: tt.name, GOROOT: tree})
		if err != nil || minor != tt.minor || language != tt.language {
			t.Errorf("language of %q = %d, %q, %v; want %d, %q", tt.name, minor, language, err, tt.minor, tt.language)
		}
	}
	if _, _, err := languageOf(release.Toolchain{Name: "devel +0123abc", GOROOT: t.TempDir()}); err == nil {
		t.Error("a tree that does not say its language has one")
	}
}
