package build

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

// cacheDir is shared by the tests; it is made anew for every run, so that everything is
// really built. goCache is the user's.
var cacheDir, goCache string

var store release.Store

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rt0lab-build-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cacheDir = filepath.Join(dir, "cache")
	if out, err := exec.Command("go", "env", "GOCACHE").Output(); err == nil {
		goCache = strings.TrimSpace(string(out))
	}
	code := m.Run()
	if err := Clean(cacheDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := os.Remove(dir); err != nil { // fails when Clean has left something
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// fixtures are the project's own and some that only tests need.
func fixtures(t testing.TB) fs.FS {
	t.Helper()
	all := fstest.MapFS{
		"bad/main.go":    {Data: []byte("package main\n\nfunc main() { undefinedThing() }\n")},
		"nested/main.go": {Data: []byte("package main\n\nfunc main() { say() }\n")},
		"nested/say.go":  {Data: []byte("package main\n\nfunc say() { println(\"nested\") }\n")},
		"module/go.mod":  {Data: []byte("module x\n")},
		"module/main.go": {Data: []byte("package main\n\nfunc main() {}\n")},
	}
	own := os.DirFS(filepath.Join("..", "..", "fixtures"))
	for _, name := range []string{"hello/main.go", "hellocgo/main.go"} {
		text, err := fs.ReadFile(own, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: text}
	}
	return all
}

func newBuilder(t testing.TB) *Builder {
	return &Builder{CacheDir: cacheDir, Fixtures: fixtures(t), GoCache: goCache}
}

// toolchain finds a release, or skips the test when it cannot be had.
func toolchain(t testing.TB, name string) release.Toolchain {
	t.Helper()
	tc, err := store.Resolve(context.Background(), name)
	if err != nil {
		t.Skipf("needs %s (go to where the module proxy can be reached once): %v", name, err)
	}
	return tc
}

func build(t testing.TB, b *Builder, in Input) Binary {
	t.Helper()
	bin, err := b.Build(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// needsLinux skips a test that runs what it has built.
func needsLinux(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("runs linux/amd64 binaries (use such a machine)")
	}
}

func run(t testing.TB, path string) string {
	t.Helper()
	out, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	return string(out)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stackEdit halves the stack that rt0_go cuts out for g0.
func stackEdit(t testing.TB, tc release.Toolchain) map[string][]byte {
	t.Helper()
	name := filepath.Join(tc.GOROOT, "src", "runtime", "asm_amd64.s")
	old, edited := []byte("(-64*1024"), []byte("(-32*1024")
	text := read(t, name)
	if bytes.Count(text, old) != 1 {
		t.Fatalf("%s does not hold %s once", name, old)
	}
	return map[string][]byte{name: bytes.Replace(text, old, edited, 1)}
}

func ptr(s string) *string { return &s }

func hello() *lab.Setup { return &lab.Setup{Name: "plain", Fixture: "hello"} }
