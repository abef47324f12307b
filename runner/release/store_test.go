package release

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// proxy serves made-up toolchains (a go command that is a shell script, without its execute
// permission as in every module zip) from a folder, and gives the test a
// module cache of its own, so that the real go command does all the work
// and the network none.
func proxy(t *testing.T, releases ...string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the made-up go command is a shell script")
	}
	dir := t.TempDir()
	versions := filepath.Join(dir, "golang.org", "toolchain", "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	list := ""
	for _, name := range releases {
		v := versionPrefix + name + platform()
		list += v + "\n"
		write(t, filepath.Join(versions, v+".info"), fmt.Sprintf(`{"Version":%q}`, v))
		write(t, filepath.Join(versions, v+".mod"), "module golang.org/toolchain\n")
		writeZip(t, filepath.Join(versions, v+".zip"), "golang.org/toolchain@"+v+"/", map[string]string{
			"VERSION":             name + "\ntime 2026-01-01T00:00:00Z\n",
			"bin/go":              "#!/bin/sh\necho go version " + name + " linux/amd64\n",
			"pkg/tool/x/compile":  "#!/bin/sh\n",
			"src/runtime/stubs.s": "",
		})
	}
	write(t, filepath.Join(versions, "list"), list)
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(dir))
	t.Setenv("GONOSUMDB", "golang.org/toolchain")
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "mod"))
	t.Setenv("GOFLAGS", "-modcacherw -nosuchflag") // the user's flags must not reach it
	t.Setenv("GO111MODULE", "off")
	t.Cleanup(func() {
		_ = filepath.WalkDir(os.Getenv("GOMODCACHE"), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(path, 0o777)
			}
			return nil
		})
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func writeZip(t *testing.T, path, prefix string, files map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for name, text := range files {
		w, err := z.Create(prefix + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFetch(t *testing.T) {
	proxy(t, "go1.98", "go1.99.1", "go1.99.10", "go1.99.2", "go1.99rc1", "go1.9.7")
	var steps []string
	s := &Store{Progress: func(p Progress) {
		steps = append(steps, fmt.Sprint(p.Release, " ", p.Step))
		if p.Bytes <= 0 {
			t.Errorf("%s %s without a size", p.Release, p.Step)
		}
	}}
	if got := s.Missing(t.Context(), []string{"local", "go1.99.1", "1.99", "tip"}); len(got) != 2 {
		t.Errorf("Missing = %q; want go1.99.1 and 1.99", got)
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			tc, err := s.Resolve(t.Context(), "1.99")
			if err != nil || tc.Name != "go1.99.10" || !tc.ReadOnly {
				t.Errorf("Resolve(1.99) = %+v, %v; want go1.99.10, read-only", tc, err)
			}
		})
	}
	wg.Wait()
	if got := strings.Join(steps, ", "); got != "go1.99.10 started, go1.99.10 done" {
		t.Errorf("progress: %s", got)
	}
	if got := s.Missing(t.Context(), []string{"go1.99.1", "1.99", "go1.99.10"}); len(got) != 1 || got[0] != "go1.99.1" {
		t.Errorf("Missing = %q; want go1.99.1", got)
	}
	list, err := s.available(t.Context())
	if got := strings.Join(list, " "); err != nil || got != "go1.98 go1.99rc1 go1.99.1 go1.99.2 go1.99.10" {
		t.Errorf("Available = %s, %v", got, err)
	}

	t.Run("what is in the cache needs no proxy", func(t *testing.T) {
		t.Setenv("GOPROXY", "file:///nonexistent")
		s := &Store{Progress: func(p Progress) { t.Errorf("a download: %v", p) }}
		for _, s := range []*Store{s, {Offline: true}} {
			for _, name := range []string{"1.99", "go1.99.10"} {
				if tc, err := s.Resolve(t.Context(), name); err != nil || tc.Name != "go1.99.10" {
					t.Errorf("offline %v: Resolve(%s) = %+v, %v", s.Offline, name, tc, err)
				}
			}
		}
	})
	t.Run("what is not cannot be had offline", func(t *testing.T) {
		s := &Store{Offline: true}
		for _, name := range []string{"go1.99.1", "1.98"} {
			_, err := s.Resolve(t.Context(), name)
			if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "--go /path") {
				t.Errorf("Resolve(%s) offline: %v", name, err)
			}
		}
	})
	t.Run("an unpacking that did not end does not count", func(t *testing.T) {
		write(t, filepath.Join(os.Getenv("GOMODCACHE"), "cache/download/golang.org/toolchain/@v", versionPrefix+"go1.99.10"+platform()+".partial"), "")
		if got := s.Missing(t.Context(), []string{"go1.99.10"}); len(got) != 1 {
			t.Errorf("Missing = %q; want go1.99.10", got)
		}
	})
}

// The list may know more than the proxy can give.
func TestNewestPatchCannotBeHad(t *testing.T) {
	proxy(t, "go1.99.1", "go1.99.2")
	if _, err := (&Store{}).Resolve(t.Context(), "go1.99.1"); err != nil {
		t.Fatal(err)
	}
	served := strings.TrimPrefix(os.Getenv("GOPROXY"), "file://")
	if err := os.Remove(filepath.Join(served, "golang.org/toolchain/@v", versionPrefix+"go1.99.2"+platform()+".zip")); err != nil {
		t.Fatal(err)
	}
	tc, err := (&Store{}).Resolve(t.Context(), "1.99")
	if err != nil || tc.Name != "go1.99.1" {
		t.Errorf("Resolve(1.99) = %+v, %v; want go1.99.1 from the module cache", tc, err)
	}
	_, err = (&Store{}).Resolve(t.Context(), "go1.99.2")
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("Resolve(go1.99.2): %v; want ErrUnavailable", err)
	}
}

func TestLocalAndPath(t *testing.T) {
	t.Parallel()
	s := &Store{}
	local, err := s.Resolve(t.Context(), "local")
	if err != nil {
		t.Skipf("no local toolchain (install Go and put it in PATH): %v", err)
	}
	if Minor(local.Name) < 21 || local.GOROOT == "" {
		t.Errorf("local = %+v", local)
	}
	link := filepath.Join(t.TempDir(), "my go")
	if err := os.Symlink(local.GOROOT, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	byPath, err := s.Resolve(t.Context(), link)
	if err != nil || byPath.Name != local.Name || byPath.GOROOT != link || byPath.ReadOnly != local.ReadOnly {
		t.Errorf("Resolve(%q) = %+v, %v; want the same toolchain as local, %+v", link, byPath, err, local)
	}
}

func TestPathThatIsNoGOROOT(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the made-up go commands are shell scripts")
	}
	script := func(text string) string {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "bin"), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "bin", "go"), text)
		return root
	}
	tests := map[string]struct{ root, says string }{
		"no such folder":  {filepath.Join(t.TempDir(), "none"), "no bin/go"},
		"empty folder":    {t.TempDir(), "no bin/go"},
		"does not run":    {script("#!/bin/sh\necho broken >&2\nexit 3\n"), "broken"},
		"no program":      {script("\x00\x01"), "does not run"},
		"calls itself so": {script("#!/bin/sh\necho go version weird linux/amd64\n"), `"weird"`},
		"too old":         {script("#!/bin/sh\necho go version go1.9.7 linux/amd64\n"), `"go1.9.7"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := (&Store{}).Resolve(t.Context(), tt.root)
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Resolve: %v; want ErrUnavailable that says %q", err, tt.says)
			}
		})
	}
	devel := script("#!/bin/sh\necho go version devel go1.30-0123abc Mon Jan 5 00:00:00 2026 +0000 linux/amd64\n")
	tc, err := (&Store{}).Resolve(t.Context(), devel)
	if want := "devel go1.30-0123abc Mon Jan 5 00:00:00 2026 +0000"; err != nil || tc.Name != want {
		t.Errorf("Resolve of a development build = %+v, %v; want the name %q", tc, err, want)
	}
}

func TestResolveWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &Store{}
	if _, err := s.Resolve(ctx, "local"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("Resolve when cancelled: %v; want context.Canceled alone", err)
	}
	if _, err := s.Resolve(t.Context(), "local"); errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled attempt was remembered: %v", err)
	}
}
