package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

func TestCached(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stops := []string{"exec", "runtime.schedinit", "runtime.noSuchFunction", "runtime.rt0_go: CPUID #2", "runtime.schedinit"}
	first, err := Cached(dir, buildtest.Hello(t, "local"), "d1", stops)
	if err != nil {
		t.Fatal(err)
	}
	want, err := open(t, buildtest.Hello(t, "local")).Places(stops)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, first); d != "" {
		t.Fatal(d)
	}
	// The second time the binary is not opened …
	missing := filepath.Join(dir, "no such binary")
	again, err := Cached(dir, missing, "d1", stops)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, again); d != "" {
		t.Error(d)
	}
	// … unless a stop is new, or the digest is another.
	if _, err := Cached(dir, missing, "d1", []string{"entry"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("new stop: %v", err)
	}
	if _, err := Cached(dir, missing, "d2", stops); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("other digest: %v", err)
	}
	if _, err := Cached(dir, buildtest.Hello(t, "local"), "d1", []string{"entry"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Cached(dir, missing, "d1", append(stops, "entry")); err != nil {
		t.Errorf("after one more: %v", err)
	}
}

func TestCachedBadStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		places, err := Cached(dir, buildtest.Hello(t, "local"), "d", []string{"image", "entry"})
		if !errors.Is(err, ErrStop) || len(places) != 2 || places[0].State != Unplaced || places[1].State != Placed {
			t.Errorf("%+v, %v", places, err)
		}
	}
}

func TestCachedReplacesDamage(t *testing.T) {
	t.Parallel()
	stops := []string{"exec", "runtime.schedinit"}
	tests := map[string]func(good string) string{
		"cut off":         func(s string) string { return s[:len(s)/2] },
		"empty":           func(string) string { return "" },
		"other version":   func(s string) string { return strings.Replace(s, `"version":`, `"version":9`, 1) },
		"unknown key":     func(s string) string { return strings.Replace(s, `"version":`, `"verse":2,"version":`, 1) },
		"other digest":    func(s string) string { return strings.Replace(s, `"digest":"d"`, `"digest":"e"`, 1) },
		"something after": func(s string) string { return s + "{}" },
		"wrong hit":       func(s string) string { return strings.Replace(s, `"hit":1`, `"hit":2`, 1) },
		"no address":      func(s string) string { return s[:strings.Index(s, `"addrs"`)] + `"hit":1}]}` },
		"a bad stop":      func(s string) string { return strings.Replace(s, `"runtime.schedinit"`, `"image"`, 1) },
		"twice":           func(s string) string { return strings.Replace(s, `"runtime.schedinit"`, `"exec"`, 1) },
		"unknown state":   func(s string) string { return strings.Replace(s, `"placed"`, `"there"`, 1) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "d.places.json")
			want, err := Cached(dir, buildtest.Hello(t, "local"), "d", stops)
			if err != nil {
				t.Fatal(err)
			}
			good, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bad := damage(string(good))
			if bad == string(good) {
				t.Fatal("the damage did nothing")
			}
			if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Cached(dir, filepath.Join(dir, "missing"), "d", stops); err == nil {
				t.Error("the damaged file was used")
			}
			got, err := Cached(dir, buildtest.Hello(t, "local"), "d", stops)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if repaired, err := os.ReadFile(file); err != nil || string(repaired) != string(good) {
				t.Errorf("the file was not repaired: %v\n%s", err, repaired)
			}
		})
	}
}

func TestCachedByMany(t *testing.T) {
	t.Parallel()
	dir, path := t.TempDir(), buildtest.Hello(t, "local")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := Cached(dir, path, "d", someStops[i:i+20]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestCachedWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	places, err := Cached(filepath.Join(t.TempDir(), "no", "such", "folder"), buildtest.Hello(t, "local"), "d", []string{"entry"})
	if err != nil || len(places) != 1 || places[0].State != Placed {
		t.Errorf("%+v, %v", places, err)
	}
}
