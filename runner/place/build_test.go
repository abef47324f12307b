package place

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

// local is the name of the Go that is first in PATH.
const local = "local"

// old are releases beside it: DWARF 4 and 5, with and without compression,
// before and after ABI wrappers, each format of pclntab.
var old = []string{"1.10", "1.15.15", "1.17", "1.20.14", "1.27.4"}

// toolchain returns a release that is on this machine already.
func toolchain(t testing.TB, name string) release.Toolchain {
	t.Helper()
	tc, err := store.Resolve(context.Background(), name)
	if errors.Is(err, release.ErrUnavailable) {
		t.Skipf("needs Go %s on this machine (rt0lab verify --go %s fetches it): %v", name, name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tc
}

var (
	buildMu sync.Mutex // one compiler at a time is fast enough, and the same binary is built once
	built   = map[string]string{}
	builtIn string
	store   = &release.Store{Offline: true}
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "place")
	if err != nil {
		panic(err)
	}
	builtIn = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// hello builds the fixture hello; args are further flags of go build, or
// settings of the environment ("GOARCH=arm64").
func hello(t testing.TB, name string, args ...string) string {
	t.Helper()
	tc := toolchain(t, name)
	buildMu.Lock()
	defer buildMu.Unlock()
	key := strings.Join(append([]string{name}, args...), " ")
	if path := built[key]; path != "" {
		return path
	}
	path := filepath.Join(builtIn, strings.NewReplacer(" ", "_", "/", "_").Replace(key))
	env := append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GO111MODULE=off", "GOROOT="+tc.GOROOT,
		"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	flags := []string{"build", "-gcflags", "-N -l", "-o", path}
	for _, a := range args {
		if strings.HasPrefix(a, "GO") {
			env = append(env, a)
		} else {
			flags = append(flags, a)
		}
	}
	cmd := exec.Command(tc.Go, append(flags, "main.go")...)
	cmd.Dir = filepath.Join("..", "..", "fixtures", "hello")
	cmd.Env = env
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the fixture hello with Go %s: %v\n%s", name, err, text)
	}
	built[key] = path
	return path
}
