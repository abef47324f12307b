package build

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/release"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestCacheThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	foreign := t.TempDir()
	put(t, filepath.Join(foreign, "work", "thesis.txt"), "years")
	readOnly := t.TempDir()
	if err := os.Chmod(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"below a file": filepath.Join(file, "cache"), "not given": "", "somebody's": foreign, "read-only": readOnly} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "read-only" && os.WriteFile(filepath.Join(dir, "probe"), nil, 0o666) == nil {
				t.Skip("permissions do not bind this user: run the test as somebody else than root")
			}
			b := &Builder{CacheDir: dir, Fixtures: fixtures(t)}
			_, err := b.Build(t.Context(), Input{Setup: hello(), Toolchain: release.Toolchain{Name: "go1.26.8"}})
			if !errors.Is(err, ErrCache) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), EnvCache) {
				t.Errorf("Build: %v; want ErrCache that names the folder and %s", err, EnvCache)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(foreign, "work", "thesis.txt")); err != nil {
		t.Error(err)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside")
	put(t, filepath.Join(outside, "file"), "12345")
	dir := filepath.Join(t.TempDir(), "cache")
	b := &Builder{CacheDir: dir}
	d, err := b.layout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What a GOROOT of a module cache brings along.
	locked := filepath.Join(d.gopath, "locked")
	put(t, filepath.Join(locked, "file"), "1234567")
	mirrored := filepath.Join(d.goroots, "key")
	if err := os.MkdirAll(mirrored, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(outside, "file"), filepath.Join(mirrored, "linked")); err != nil {
		t.Skip("no hard links here")
	}
	if err := os.Symlink(outside, filepath.Join(mirrored, "folder")); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := os.Chmod(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(outside, "file"), 0o444); err != nil {
		t.Fatal(err)
	}
	before, err := Size(dir)
	if want := int64(7 + 2*len("off")); err != nil || before != want && runtime.GOOS != "windows" {
		t.Errorf("Size = %d, %v; want %d", before, err, want)
	}
	put(t, filepath.Join(dir, "notes.txt"), "somebody else's")
	for range 2 {
		if err := Clean(dir); err != nil && !errors.Is(err, ErrCache) {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Errorf("left: %v, %v; want notes.txt alone", entries, err)
	}
	info, err := os.Stat(filepath.Join(outside, "file"))
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("what was linked to: %v, %v; want it untouched", info, err)
	}
}

func TestCleanOfOtherFolders(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	put(t, filepath.Join(home, "work", "thesis.txt"), "years")
	if err := Clean(home); !errors.Is(err, ErrCache) {
		t.Errorf("Clean of a folder that is no cache: %v; want ErrCache", err)
	}
	if _, err := os.Stat(filepath.Join(home, "work", "thesis.txt")); err != nil {
		t.Error(err)
	}
	if err := Clean(filepath.Join(home, "none")); err != nil {
		t.Errorf("Clean of a folder that is not there: %v", err)
	}
	if n, err := Size(filepath.Join(home, "none")); n != 0 || err != nil {
		t.Errorf("Size of a folder that is not there = %d, %v", n, err)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv(EnvCache, "some/where")
	if dir, err := DefaultDir(); err != nil || !filepath.IsAbs(dir) || filepath.Base(dir) != "where" {
		t.Errorf("DefaultDir = %q, %v", dir, err)
	}
	t.Setenv(EnvCache, "")
	t.Setenv("HOME", t.TempDir())
	if dir, err := DefaultDir(); err != nil || filepath.Base(dir) != "rt0lab" {
		t.Errorf("DefaultDir = %q, %v", dir, err)
	}
}
