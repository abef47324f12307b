package lab_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The data must be readable on every system and from any fs.FS: neither this package
// nor one of the project's that it needs may reach for files, processes or
// debuggers itself. (A library below may know package os.)
func TestImports(t *testing.T) {
	t.Parallel()
	forbidden := []string{"os", "os/exec", "os/signal", "syscall", "net", "net/http", "plugin", "path/filepath", "io/ioutil"}
	const module = "github.com/rt0lab/rt0lab/"
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", ".").Output()
	if err != nil {
		t.Skipf("go list: %v (the go command must be on PATH)", err)
	}
	own := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if strings.HasPrefix(f[0], "github.com/go-delve/") || strings.HasPrefix(f[0], "github.com/cilium/") {
			t.Errorf("depends on %s", f[0])
		}
		if !strings.HasPrefix(f[0], module) {
			continue
		}
		own++
		for _, path := range f[1:] {
			if slices.Contains(forbidden, path) || strings.HasPrefix(path, "golang.org/x/sys") {
				t.Errorf("%s imports %s", f[0], path)
			}
		}
	}
	if own < 3 {
		t.Errorf("looked at %d packages of the project only; has the module another name?", own)
	}
}
