package buildtest_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }

func TestProgram(t *testing.T) {
	t.Parallel()
	say := func(word string) string {
		return buildtest.Program(t, "package main\n\nfunc main() { print(\""+word+"\") }\n", lab.Setup{})
	}
	one, two := say("one"), say("two")
	if one == two || one != say("one") {
		t.Errorf("programs %s and %s, want one a source", one, two)
	}
	mine := buildtest.Copy(t, one)
	if err := os.Chmod(mine, 0o600); err != nil {
		t.Errorf("the copy is not the test's own: %v", err)
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("runs linux/amd64 programs (use such a machine)")
	}
	for word, path := range map[string]string{"one": one, "two": two} {
		if out, err := exec.Command(path).CombinedOutput(); err != nil || string(out) != word {
			t.Errorf("%s says %q, %v, want %q", path, out, err, word)
		}
	}
}

func TestSkips(t *testing.T) {
	t.Parallel()
	reached, skipped := false, false
	t.Run("a release of no machine", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		buildtest.Hello(t, "1.99.2")
		reached = true
	})
	if reached || !skipped {
		t.Errorf("built %v, skipped %v", reached, skipped)
	}
}
