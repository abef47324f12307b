//go:build linux && amd64

package gdb_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/release"
)

// childArg makes this test binary the Delve half of the Delve witness.
const childArg = "__delve"

// TestAgreesWithDelve runs testdata/words.py, which is Starlark as well, with
// both debuggers: the same start, the same stops, the same answer of every word.
func TestAgreesWithDelve(t *testing.T) {
	t.Parallel()
	lib, err := os.ReadFile("../../../scripts/starlark/lib.star")
	if err != nil {
		t.Fatal(err)
	}
	other := delve.New(func() (string, []string) { return os.Args[0], []string{childArg} })
	for _, binary := range binaries(t) {
		t.Run(filepath.Base(binary), func(t *testing.T) {
			req := wordsRequest(t, binary)
			got := observed(t, req)
			req.Lib = observe.Script{Path: "scripts/starlark/lib.star", Source: string(lib)}
			want, err := other.Observe(t.Context(), req)
			if errors.Is(err, observe.ErrMachine) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Passed, want.Passed) {
				t.Errorf("passed %q, Delve %q", got.Passed, want.Passed)
			}
			for name := range req.Specs {
				g, w := got.Facts[name], want.Facts[name]
				if !g.Value.IsValid() || !w.Value.IsValid() {
					t.Errorf("%s = %s, Delve %s", name, say(g), say(w))
					continue
				}
				if strings.HasPrefix(name, "words.vars.m") && release.Minor(req.Release) >= 26 {
					continue // pointers into the heap, which is elsewhere in each start since go1.26
				}
				if name == "words.where.exec" || name == "words.where.entry" {
					// gdb drops the only line go1.14 gives _rt0_amd64_linux; Delve has no name for C's _start.
					if release.Minor(req.Release) == 14 || strings.Contains(binary, "cgo") {
						continue
					}
				}
				differences(t, name, g.Value, w.Value)
			}
		})
	}
}

func differences(t *testing.T, name string, g, w fact.Value) {
	t.Helper()
	a, b := g.List(), w.List()
	if g.Equal(w) {
		return
	}
	if len(a) != len(b) || len(a) == 0 {
		t.Errorf("%s = %s, Delve %s", name, g, w)
		return
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			t.Errorf("%s[%d] = %s, Delve %s", name, i, a[i], b[i])
		}
	}
}
