// Package buildtest builds the programs that tests of other packages look at:
// fixtures and small programs of the tests' own, with any release, for any
// system. A test whose release or C compiler is not on this machine is skipped.
package buildtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

var (
	store   = release.Store{Offline: true}
	sources programs
	builder build.Builder

	// One build at a time: the compiler uses all processors by itself.
	mu sync.Mutex
)

// Run runs the tests of a package that builds programs, and removes these at
// the end. TestMain exits with what it returns.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rt0lab-test-")
	if err == nil {
		sources.fixtures, err = fixtures()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	builder.CacheDir, builder.Fixtures = filepath.Join(dir, "cache"), &sources
	// What the user's Go has compiled need not be compiled again. Without a go command, every test is skipped that builds.
	if out, err := exec.Command("go", "env", "GOCACHE").Output(); err == nil {
		builder.GoCache = strings.TrimSpace(string(out))
	}
	code := m.Run()
	if err := errors.Join(build.Clean(builder.CacheDir), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Toolchain finds a release ("1.17"; "local" is the one that is first in PATH), or skips the test.
func Toolchain(tb testing.TB, name string) release.Toolchain {
	tb.Helper()
	tc, err := store.Resolve(context.Background(), name)
	if errors.Is(err, release.ErrUnavailable) {
		tb.Skipf("needs Go %s in the module cache (rt0lab verify --go %s fetches it): %v", name, name, err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return tc
}

// Hello builds the fixture hello as the setup "plain" does. See Build.
func Hello(tb testing.TB, name string) string {
	tb.Helper()
	return Build(tb, name, lab.Setup{})
}

// Build builds a setup with a release and returns the path of the program,
// which is the same for the same arguments: nobody may change it. The fixture
// is hello when the setup does not name one.
func Build(tb testing.TB, name string, setup lab.Setup) string {
	tb.Helper()
	if builder.CacheDir == "" {
		tb.Fatal("the TestMain of this package must call buildtest.Run")
	}
	if setup.Fixture == "" {
		setup.Fixture = "hello"
	}
	tc := Toolchain(tb, name)
	mu.Lock()
	defer mu.Unlock()
	bin, err := builder.Build(context.Background(), build.Input{Setup: &setup, Toolchain: tc})
	if errors.Is(err, build.ErrNoCompiler) {
		tb.Skip("needs a C compiler (gcc is a package of every system): ", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return bin.Path
}

// Program is Build with this machine's Go for a main.go of the test's own, in
// the place of the setup's fixture.
func Program(tb testing.TB, source string, setup lab.Setup) string {
	tb.Helper()
	return ProgramOf(tb, "local", source, setup)
}

// ProgramOf is Program with a release.
func ProgramOf(tb testing.TB, name, source string, setup lab.Setup) string {
	tb.Helper()
	setup.Fixture = sources.add(source)
	return Build(tb, name, setup)
}

// Copy returns a copy of a program that the test may change, and whose
// processes are the test's own.
func Copy(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	to := filepath.Join(tb.TempDir(), filepath.Base(path))
	if err := os.WriteFile(to, data, 0o700); err != nil {
		tb.Fatal(err)
	}
	return to
}

// programs are the project's fixtures and, as folders beside them, what tests have added.
type programs struct {
	fixtures fs.FS
	added    sync.Map // name of the folder → fs.FS
}

// add returns the name of a fixture with the source, which is made of its content.
func (p *programs) add(source string) string {
	name := fmt.Sprintf("program-%x", sha256.Sum256([]byte(source)))[:16]
	p.added.Store(name, fstest.MapFS{name + "/main.go": {Data: []byte(source)}})
	return name
}

// Open implements fs.FS.
func (p *programs) Open(name string) (fs.File, error) {
	folder, _, _ := strings.Cut(name, "/")
	if own, ok := p.added.Load(folder); ok {
		return own.(fs.FS).Open(name)
	}
	return p.fixtures.Open(name)
}

// fixtures are the folder fixtures beside the go.mod above the test.
func fixtures() (fs.FS, error) {
	at, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return os.DirFS(filepath.Join(at, "fixtures")), nil
		}
		up := filepath.Dir(at)
		if up == at {
			return nil, errors.New("no go.mod above the test: run it in the project's tree")
		}
		at = up
	}
}
