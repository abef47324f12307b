package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/report"
)

// TestNewRelease plays the day on which a release comes out: the recordings of
// the newest two minors are hidden, the releases are judged, and what comes out
// as drift must be exactly what the hidden recordings say did change there.
func TestNewRelease(t *testing.T) {
	t.Parallel()
	all, err := lab.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	last := len(all.Releases) - 2
	newest, before := all.Releases[last:], all.Releases[last-1]
	for _, r := range newest {
		if ok, err := condition("cached:" + r); !ok || err != nil {
			t.Skipf("needs the toolchain %s in the module cache: run rt0lab verify --go %s once", r, r)
		}
	}
	if ok, _ := condition("traces"); !ok {
		t.Skip("needs gdb and the right to trace: apt install gdb, and see rt0lab doctor")
	}
	dir := t.TempDir()
	rt0lab := filepath.Join(dir, "rt0lab")
	if out, err := exec.Command("go", "build", "-o", rt0lab, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	without(t, filepath.Join(dir, "data"), newest)
	cmd := exec.Command(rt0lab, "--data", filepath.Join(dir, "data"), "--offline", "verify", "--go", strings.Join(newest, ","), "--format", "jsonl")
	cmd.Env = append(os.Environ(), environment(t)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v, want exit status 1, drift\n%s", err, said.String())
	}
	lines, err := report.Read(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, l := range lines {
		if l.Drift {
			got[l.Release+" "+l.Claim] = true
		}
	}
	want := changed(t, all, before, newest)
	if len(want) < 10 {
		t.Fatalf("only %d changes are recorded since %s: nothing is shown by so few", len(want), before)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("what drifts is not what changed (-changed +drifts):\n%s", diff)
	}
	t.Logf("%d of %d lines drift, as recorded", len(got), len(lines))
}

// without lays down the data without the recordings of some releases.
func without(t *testing.T, dir string, releases []string) {
	t.Helper()
	err := fs.WalkDir(data, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		for _, r := range releases {
			if strings.HasPrefix(e.Name(), r+"-") {
				return nil
			}
		}
		text, err := fs.ReadFile(data, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// changed is what the recordings say is another on the releases than on the one
// before them: "release claim".
func changed(t *testing.T, all *lab.Data, before string, releases []string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, l := range all.Labs {
		book, err := recording.Read(data, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range l.Claims {
			if c.Unobservable.En != "" {
				continue
			}
			p := recording.PlatformOf(all.SetupOf(c))
			old, exact := book.At(before, p.GOOS, p.GOARCH)
			if !exact {
				continue
			}
			was, ok := old.Judge(c)
			if !ok {
				continue
			}
			for _, release := range releases {
				now, exact := book.At(release, p.GOOS, p.GOARCH)
				if !exact {
					t.Errorf("%s is not recorded for %s", l.ID, release)
					continue
				}
				if is, ok := now.Judge(c); ok {
					if drifts, _ := judge.Drift(is, judge.RecordedOf(was, before), all.Catalogue[c.Fact].Compare); drifts {
						found[release+" "+c.ID] = true
					}
				}
			}
		}
	}
	return found
}
