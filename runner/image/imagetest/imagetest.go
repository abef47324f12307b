// Package imagetest builds the executables that tests read: the fixtures, by
// any release, for any system.
package imagetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rt0lab/rt0lab/runner/release"
)

var (
	store = release.Store{Offline: true}

	// One build at a time: the compiler uses all processors by itself.
	mu    sync.Mutex
	built = map[string]string{}
	dir   string
)

// Main runs the tests of a package that builds executables, and removes these
// at the end. Call it from TestMain.
func Main(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "imagetest"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// Build builds a fixture with a release ("1.17", "local") and returns the path
// of the executable, which is the same for the same arguments. args are flags
// of go build, or settings of its environment ("GOOS=windows",
// "CGO_ENABLED=1"). The test is skipped when the release is not on this machine.
func Build(t testing.TB, fixture, goRelease string, args ...string) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	key := strings.Join(append([]string{fixture, goRelease}, args...), " ")
	if path := built[key]; path != "" {
		return path
	}
	toolchain, err := store.Resolve(context.Background(), goRelease)
	if errors.Is(err, release.ErrUnavailable) {
		t.Skipf("needs Go %s in the module cache: run rt0lab verify --go %s once: %v", goRelease, goRelease, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, strings.NewReplacer(" ", "_", "/", "_", "=", "_").Replace(key)+".bin")
	// Modules would want a go.mod; 1.10 knows none. A later setting wins.
	env := append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GO111MODULE=off", "GOROOT="+toolchain.GOROOT,
		"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	flags := []string{"build", "-gcflags", "-N -l", "-o", path}
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			flags = append(flags, a)
		} else {
			env = append(env, a)
		}
	}
	cmd := exec.Command(toolchain.Go, append(flags, "main.go")...)
	cmd.Dir = filepath.Join(root(t), "fixtures", fixture)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the fixture %s with Go %s %q: %v\n%s", fixture, goRelease, args, err, out)
	}
	built[key] = path
	return path
}

// Hello builds the fixture hello.
func Hello(t testing.TB, goRelease string, args ...string) string {
	t.Helper()
	return Build(t, "hello", goRelease, args...)
}

// NeedC skips the test when there is no C compiler.
func NeedC(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc (a package of every system): ", err)
	}
}

func root(t testing.TB) string {
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		up := filepath.Dir(at)
		if up == at {
			t.Fatal("no go.mod above the test")
		}
		at = up
	}
}
