package place

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// local stands for the Go that is first in PATH.
const local = "local"

// old are releases beside it: DWARF 4 and 5, with and without compression,
// before and after ABI wrappers, each format of pclntab.
var old = []string{"1.10", "1.15.15", "1.17", "1.20.14", "1.27.4"}

// toolchain returns the go command of a release that is in the module cache.
func toolchain(t testing.TB, release string) string {
	t.Helper()
	if release == local {
		path, err := exec.LookPath("go")
		if err != nil {
			t.Skip("needs Go in PATH (https://go.dev/dl): ", err)
		}
		return path
	}
	module := "golang.org/toolchain@v0.0.1-go" + release + ".linux-amd64"
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GONOSUMDB=*", "GOTOOLCHAIN=local")
	out, _ := cmd.Output() // the error is in the JSON as well
	var m struct{ Dir, Error string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		t.Skipf("needs Go %s in the module cache (rt0lab verify --go %s, or go mod download %s): %v %s", release, release, module, err, m.Error)
	}
	gocmd := filepath.Join(m.Dir, "bin", "go")
	if info, err := os.Stat(gocmd); err != nil || info.Mode()&0o100 == 0 {
		t.Skipf("%s cannot be executed; rt0lab verify --go %s makes it so", gocmd, release)
	}
	return gocmd
}

var (
	buildMu sync.Mutex // one compiler at a time is fast enough, and the same binary is built once
	built   = map[string]string{}
	builtIn string
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
func hello(t testing.TB, release string, args ...string) string {
	t.Helper()
	gocmd := toolchain(t, release)
	buildMu.Lock()
	defer buildMu.Unlock()
	key := strings.Join(append([]string{release}, args...), " ")
	if path := built[key]; path != "" {
		return path
	}
	path := filepath.Join(builtIn, strings.NewReplacer(" ", "_", "/", "_").Replace(key))
	env := append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GO111MODULE=off", "GOROOT="+filepath.Dir(filepath.Dir(gocmd)),
		"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	if release == local {
		env = append(env, "GOROOT=")
	}
	flags := []string{"build", "-gcflags", "-N -l", "-o", path}
	for _, a := range args {
		if strings.HasPrefix(a, "GO") {
			env = append(env, a)
		} else {
			flags = append(flags, a)
		}
	}
	cmd := exec.Command(gocmd, append(flags, "main.go")...)
	cmd.Dir = filepath.Join("..", "..", "fixtures", "hello")
	cmd.Env = env
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the fixture hello with Go %s: %v\n%s", release, err, text)
	}
	built[key] = path
	return path
}
