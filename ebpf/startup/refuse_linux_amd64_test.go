package startup_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

func written(tb testing.TB, name string, data []byte, mode os.FileMode) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, mode); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Whatever is wrong is told before anything is run.
func TestRefuses(t *testing.T) {
	t.Parallel()
	ready(t)
	hello := buildtest.Hello(t, "local")
	whole, err := os.ReadFile(hello)
	if err != nil {
		t.Fatal(err)
	}
	boot := startup.Options{Runs: 1}
	for _, tt := range []struct {
		name string
		path string
		o    startup.Options
		want error
		text string
	}{
		{"missing", filepath.Join(t.TempDir(), "missing"), boot, startup.ErrProgram, "no such file"},
		{"folder", t.TempDir(), boot, startup.ErrProgram, "not a regular file"},
		{"empty", written(t, "empty", nil, 0o755), boot, startup.ErrProgram, "0 bytes"},
		{"script", written(t, "script", []byte("#!/bin/sh\nexit 0\n"), 0o755), boot, startup.ErrProgram, "not an ELF"},
		{"not Go", "/bin/true", boot, startup.ErrProgram, "Go functions"},
		{"headers only", written(t, "short", whole[:64], 0o755), boot, startup.ErrProgram, ""},
		{"truncated", written(t, "half", whole[:len(whole)/2], 0o755), boot, startup.ErrProgram, ""},
		{"not executable", written(t, "plain", whole, 0o644), boot, startup.ErrProgram, "chmod +x plain"},
		{"arm64", buildtest.Build(t, "local", lab.Setup{Goarch: "arm64"}), boot, startup.ErrProgram, "linux/arm64, and only linux/amd64"},
		{"windows", buildtest.Build(t, "local", lab.Setup{Goos: "windows"}), boot, startup.ErrProgram, "pe"},
		{"empty list", hello, startup.Options{Milestones: []startup.Milestone{}}, startup.ErrMilestone, "empty"},
		{"no name", hello, startup.Options{Milestones: []startup.Milestone{{}}}, startup.ErrMilestone, `""`},
		{"twice", hello, startup.Options{Milestones: []startup.Milestone{{Name: "main.main"}, {Name: "main.main"}}}, startup.ErrMilestone, "twice"},
		{"no such function", hello, startup.Options{Milestones: []startup.Milestone{{Name: "main.nope"}}}, startup.ErrMilestone, "main.nope is not in this binary"},
		{"a range", hello, startup.Options{Milestones: []startup.Milestone{{Name: "main.main .. main.main return"}}}, startup.ErrMilestone, "no single place"},
		{"no stop", hello, startup.Options{Milestones: []startup.Milestone{{Name: "main.main: "}}}, startup.ErrMilestone, "not a stop"},
		{"never passed", hello, startup.Options{Milestones: []startup.Milestone{{Name: "runtime.fatalpanic"}}}, startup.ErrMilestone, "was passed"},
		{"until nothing", hello, startup.Options{Until: "main.nope"}, startup.ErrMilestone, "not among"},
		{"until what is not passed", hello, startup.Options{Runs: 1, Milestones: []startup.Milestone{{Name: "main.main"}, {Name: "runtime.fatalpanic"}}, Until: "runtime.fatalpanic"}, startup.ErrEnd, "exit status 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := startup.Measure(t.Context(), []startup.Program{{Path: tt.path}}, tt.o)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v; want %v with %q", err, tt.want, tt.text)
			}
			if err != nil && strings.Contains(err.Error(), "/proc/self/fd") {
				t.Errorf("%v: names a file that nobody knows", err)
			}
		})
	}
}

// A file that is built anew while it is measured: the numbers are the old one's, and that is told.
func TestChanged(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	now := time.Now()
	o := startup.Options{Runs: 2, Warm: 1}
	if r := measured(t, startup.Program{Path: path}, o); r.Changed {
		t.Error("nobody has changed it")
	}
	o.Progress = func(done, _ int) {
		if done != 1 {
			return
		}
		if err := os.Rename(written(t, "new", []byte("#!/bin/false\n"), 0o755), path); err != nil {
			t.Error(err)
		}
	}
	r := measured(t, startup.Program{Path: path}, o)
	if !r.Changed || r.Moved == "" || r.Ends["exit status 0"] != runs(r) {
		t.Errorf("changed %v, moved %q, %v, after %s", r.Changed, r.Moved, r.Ends, time.Since(now))
	}
}

// The program finds what lies beside it, unless its user may not go there: then it runs from memory, and that is told.
func TestMoved(t *testing.T) {
	t.Parallel()
	ready(t)
	if os.Geteuid() != 0 {
		t.Skip("may not become another user: run as root")
	}
	const source = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"path/filepath\"\n)\n\nfunc main() {\n\tself, _ := os.Executable()\n\tbeside, _ := os.ReadFile(filepath.Join(filepath.Dir(self), \"beside\"))\n\tfmt.Println(string(beside))\n}\n"
	for _, tt := range []struct {
		name  string
		mode  os.FileMode // of the folder
		as    startup.User
		moved string
		says  string
	}{
		{"root", 0o700, startup.User{}, "", "beside it\n"},
		{"another user", 0o755, startup.User{Name: "nobody", Uid: 65534, Gid: 65534}, "", "beside it\n"},
		{"another user, who may not go there", 0o700, startup.User{Name: "nobody", Uid: 65534, Gid: 65534}, "permission denied", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := buildtest.Copy(t, buildtest.Program(t, source, lab.Setup{}))
			dir := filepath.Dir(path)
			for f, mode := range map[string]os.FileMode{path: 0o755, dir: tt.mode, filepath.Dir(dir): 0o755} {
				if err := os.Chmod(f, mode); err != nil {
					t.Fatal(err)
				}
			}
			c, err := ebpf.AtPath(path, path)
			if errors.Is(err, os.ErrPermission) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if err := os.WriteFile(filepath.Join(dir, "beside"), []byte("beside it"), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			r := measured(t, startup.Program{Path: path, As: tt.as, Output: out}, startup.Options{Runs: 2, Warm: 1})
			told, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(told)) {
				if line != tt.says {
					t.Errorf("it found %q, want %q", line, tt.says)
				}
			}
			if len(told) == 0 || !strings.Contains(r.Moved, tt.moved) || tt.moved == "" && r.Moved != "" {
				t.Errorf("moved: %q, want %q; wrote %q", r.Moved, tt.moved, told)
			}
		})
	}
}

// An end of the context ends the program as well, at once.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Program(t, "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n", lab.Setup{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := startup.Measure(ctx, []startup.Program{{Path: path}}, startup.Options{Timeout: time.Hour})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, startup.ErrEnd) {
		t.Errorf("%v", err)
	}
}

// It runs as the user whom it is for, and cannot write where that one may not.
func TestUser(t *testing.T) {
	t.Parallel()
	ready(t)
	if os.Geteuid() != 0 {
		t.Skip("may not become another user: run as root")
	}
	out := written(t, "out", nil, 0o600)
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const source = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc main() {\n\t_, err := os.ReadFile(\"/proc/1/environ\")\n\tg, _ := os.Getgroups()\n\tfmt.Println(os.Getuid(), os.Geteuid(), os.Getgid(), g, os.Getenv(\"HOME\"), os.Getenv(\"SUDO_UID\"), err != nil)\n}\n"
	path := buildtest.Program(t, source, lab.Setup{})
	as := startup.User{Name: "nobody", Uid: 65534, Gid: 65534, Groups: []uint32{65534}, Home: "/nowhere"}
	r := measured(t, startup.Program{Path: path, As: as, Output: file, Env: []string{"SUDO_UID=1", "HOME=/root"}}, startup.Options{Runs: 1, Warm: 1})
	told, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(told)) {
		if line != "65534 65534 65534 [65534] /nowhere  true\n" {
			t.Errorf("%q", line)
		}
	}
	if r.Ends["exit status 0"] == 0 || len(told) == 0 {
		t.Errorf("%v, wrote %q", r.Ends, told)
	}
}

func TestInvoker(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs for others")
	}
	for _, tt := range []struct{ uid, gid, user, want string }{
		{"", "", "", ""}, {"0", "0", "root", ""}, {"x", "1", "", ""}, {"4242424", "7", "ann", "ann"}, {"4242424", "x", "", "user 4242424"}, {"65534", "65534", "wrong", "nobody"},
	} {
		t.Setenv("SUDO_UID", tt.uid)
		t.Setenv("SUDO_GID", tt.gid)
		t.Setenv("SUDO_USER", tt.user)
		if u := startup.Invoker(); u.Name != tt.want || u.Name != "" && (u.Uid == 0 || u.Gid == 0 || len(u.Groups) == 0) {
			t.Errorf("%+v: %+v", tt, u)
		}
	}
}

// Builds of every kind have the milestones, as far as they can be found.
func TestBuilds(t *testing.T) {
	t.Parallel()
	ready(t)
	compiler := func() error { _, err := exec.LookPath("gcc"); return err }
	for _, tt := range []struct {
		name    string
		release string
		setup   lab.Setup
		cgo     bool
		least   int // how many of the milestones have a time
	}{
		{"stripped", "local", lab.Setup{Gcflags: new(string), Ldflags: "-s -w"}, false, 32},
		{"no DWARF", "local", lab.Setup{Gcflags: new(string), Ldflags: "-w"}, false, 32},
		{"stripped, 1.16", "1.16.15", lab.Setup{Gcflags: new(string), Ldflags: "-s -w"}, false, 32},
		{"stripped, 1.10", "1.10", lab.Setup{Gcflags: new(string), Ldflags: "-s -w"}, false, 30},
		{"PIE", "local", lab.Setup{Gcflags: new(string), Buildmode: "pie"}, false, 32},
		{"stripped PIE", "local", lab.Setup{Gcflags: new(string), Buildmode: "pie", Ldflags: "-s -w"}, false, 32},
		{"cgo", "local", lab.Setup{Fixture: "hellocgo", Gcflags: new(string), Cgo: true}, true, 32},
		{"cgo, stripped", "local", lab.Setup{Fixture: "hellocgo", Gcflags: new(string), Cgo: true, Ldflags: "-s -w"}, true, 32},
		{"cgo, stripped PIE", "local", lab.Setup{Fixture: "hellocgo", Gcflags: new(string), Cgo: true, Ldflags: "-s -w", Buildmode: "pie"}, true, 32},
		{"cgo, static", "local", lab.Setup{Fixture: "hellocgo", Gcflags: new(string), Cgo: true, Linkmode: "external", Ldflags: `-extldflags=-static`}, true, 32},
		{"not inlined", "local", lab.Setup{Gcflags: ptr("all=-l")}, false, 32},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.cgo && compiler() != nil {
				t.Skip("needs a C compiler (apt install gcc)")
			}
			path := buildtest.Build(t, tt.release, tt.setup)
			r := measured(t, startup.Program{Path: path}, startup.Options{Runs: 2, Warm: 1})
			if n := len(r.Timings); n < tt.least {
				t.Errorf("%d milestones have a time: %v; not %+v", n, names(r), r.Missing)
			}
			for _, m := range r.Missing {
				if m.Reason == "" {
					t.Errorf("%s has no time and no reason", m.Name)
				}
			}
			if r.Ends["exit status 0"] != runs(r) {
				t.Errorf("ended with %v", r.Ends)
			}
			if r.Probe.N != 2 || r.Probe.Median <= 0 || r.Probe.Median >= r.Whole.Median {
				t.Errorf("a probe takes %+v", r.Probe)
			}
			t.Logf("%d with a time, %d without", len(r.Timings), len(r.Missing))
		})
	}
}

func ptr(s string) *string { return &s }
