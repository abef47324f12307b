package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build"
)

// TestMain lets the test binary be rt0lab, and the helpers of the scripts. The
// Delve child that rt0lab starts is the same binary under the same name, too.
func TestMain(m *testing.M) {
	commands := map[string]func(){"rt0lab": main}
	for name, do := range helpers {
		commands[name] = do
	}
	testscript.Main(m, commands)
}

// TestScripts runs the command line as users do: testdata/script/*.txtar. They
// have, besides testscript's own,
//
//	small [dir]              lay down testdata/small, a data folder with one lab of two claims, and the
//	                         words of scripts/; files that are there stay
//	rt0 [wrapper] N args…    run rt0lab, want exit status N and nothing left behind: no process, no file in TMPDIR
//	interrupt how N mark args…  the same, with a signal as soon as a process has mark in its arguments
//	wrapper: noptrace, terminal, full=DIR, readonly=DIR (Linux)
//	byhand dlv|gdb           type what the last rt0lab show said, in a stock debugger
//	edit FILE OLD NEW        replace a text that is there once; \n and \t as in Go
//
// and the conditions [traces] (Delve and gdb work here), [cached:RELEASE] (it is in the module cache),
// [wraps:WRAPPER] (it works here).
func TestScripts(t *testing.T) {
	env := environment(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for _, kv := range env {
				name, value, _ := strings.Cut(kv, "=")
				e.Setenv(name, value)
			}
			e.Setenv("HOME", filepath.Join(e.WorkDir, ".home"))
			return os.Mkdir(filepath.Join(e.WorkDir, ".home"), 0o777)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"small": small, "rt0": rt0, "interrupt": interrupt, "edit": edit, "byhand": byHand,
		},
		Condition: condition,
	})
}

// environment is what scripts see besides testscript's own. Modules come from
// the module cache alone: what a test says does not depend on a network.
func environment(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "-json", "GOMODCACHE", "GOCACHE", "GOPATH", "GOVERSION", "GOROOT").Output()
	if err != nil {
		t.Skipf("needs the go command in PATH: %v", err)
	}
	var is map[string]string
	if err := json.Unmarshal(out, &is); err != nil {
		t.Fatal(err)
	}
	cache, err := build.DefaultDir() // by content: shared by all scripts, and by all runs of the tests
	if err != nil {
		cache = t.TempDir()
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"GOMODCACHE=" + is["GOMODCACHE"], "GOCACHE=" + is["GOCACHE"], "GOPATH=" + is["GOPATH"], "GOROOT_LOCAL=" + is["GOROOT"],
		"GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=", "LOCAL=" + is["GOVERSION"], "ROOT=" + root,
		build.EnvCache + "=" + cache, "NO_COLOR=", "RT0LAB_LANG=",
	}
}

func condition(cond string) (bool, error) {
	name, arg, _ := strings.Cut(cond, ":")
	switch name {
	case "traces":
		_, err := exec.LookPath("gdb")
		return err == nil && mayTrace(), nil
	case "probes":
		return ebpf.Ready() == nil, nil
	case "root":
		return os.Geteuid() == 0, nil
	case "cached":
		out, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			return false, nil
		}
		match, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "golang.org", "toolchain@v0.0.1-"+arg+".*", "bin"))
		return len(match) > 0, err
	case "wraps":
		return wraps(arg), nil
	}
	return false, fmt.Errorf("no condition %q", cond)
}

// small lays down the small data folder.
func small(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs("data")
	if len(args) > 0 {
		dir = ts.MkAbs(args[0])
	}
	put := func(from fs.FS, name, to string) {
		text, err := fs.ReadFile(from, name)
		ts.Check(err)
		text = bytes.ReplaceAll(text, []byte("$LOCAL"), []byte(ts.Getenv("LOCAL")))
		to = filepath.Join(dir, filepath.FromSlash(to))
		if _, err := os.Stat(to); err == nil {
			return
		}
		ts.Check(os.MkdirAll(filepath.Dir(to), 0o777))
		ts.Check(os.WriteFile(to, text, 0o666))
	}
	from := os.DirFS(filepath.Join(ts.Getenv("ROOT"), "testdata", "small"))
	ts.Check(fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			put(from, name, name)
		}
		return err
	}))
	for _, words := range []string{"scripts/starlark/lib.star", "scripts/gdb/shim.py"} {
		put(data, words, words)
	}
}

// rt0 runs rt0lab and holds its exit status and what it leaves behind.
func rt0(ts *testscript.TestScript, neg bool, args []string) {
	var wrapper []string
	if len(args) > 0 {
		if name, arg, _ := strings.Cut(args[0], "="); helpers[name] != nil {
			wrapper, args = []string{here(ts, name)}, args[1:]
			if arg != "" {
				wrapper = append(wrapper, ts.MkAbs(arg))
			}
		}
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: rt0 [wrapper] STATUS args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	left := ts.MkAbs(".left")
	command := append([]string{left}, wrapper...)
	command = append(append(command, here(ts, "rt0lab")), args[1:]...)
	if helpers["supervise"] == nil {
		err = ts.Exec(command[1], command[2:]...)
	} else {
		err = ts.Exec(here(ts, "supervise"), command...)
	}
	ended(ts, want, err, left)
}

// here is the path of rt0lab or a helper, whatever PATH is in the script.
func here(ts *testscript.TestScript, name string) string {
	path, err := exec.LookPath(name)
	ts.Check(err)
	return path
}

// ended checks what a command leaves behind.
func ended(ts *testscript.TestScript, want int, err error, left string) {
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d (%v)", got, want, err)
	}
	if text, err := os.ReadFile(left); err == nil && len(text) > 0 {
		ts.Fatalf("processes are left:\n%s", text)
	}
	entries, err := os.ReadDir(ts.Getenv("TMPDIR"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		ts.Fatalf("%v", err)
	}
	for _, e := range entries {
		ts.Fatalf("a temporary file is left: %s", e.Name())
	}
}

// edit replaces a text that stands in a file once.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	unquote := strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace
	file, before, after := ts.MkAbs(args[0]), unquote(args[1]), unquote(args[2])
	text, err := os.ReadFile(file)
	ts.Check(err)
	if n := strings.Count(string(text), before); n != 1 {
		ts.Fatalf("%q stands in %s %d times", before, args[0], n)
	}
	ts.Check(os.WriteFile(file, []byte(strings.Replace(string(text), before, after, 1)), 0o666))
}

// TestPages runs every command line of the README, the pages of docs/ and the lessons, in each
// language: what begins with "$ rt0lab" in a fenced block. The working folder is an empty one.
func TestPages(t *testing.T) {
	t.Parallel()
	env := environment(t)
	var lines []string
	for _, pattern := range []string{"README*.md", "docs/*.md", "labs/*/README*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found := commandLines(string(text))
			if len(found) == 0 && !strings.HasPrefix(file, "docs") {
				t.Errorf("%s has no fenced block with a line that begins with $ rt0lab", file)
			}
			for _, line := range found {
				if !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("needs a shell: %v", err)
	}
	few := make(chan bool, 4) // each starts witnesses of its own
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			for _, r := range releasesIn(line) {
				if ok, err := condition("cached:" + r); err != nil || !ok && r != environmentOf(env, "LOCAL") {
					t.Skipf("needs the toolchain %s in the module cache: run rt0lab verify --go %s once", r, r)
				}
			}
			few <- true
			defer func() { <-few }()
			command := line
			if strings.HasPrefix(line, "rt0lab watch ") {
				command += " --manual" // and nobody presses a key
			}
			cmd := exec.Command(sh, "-c", command)
			cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), env...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == 1 && (strings.HasPrefix(line, "rt0lab check ") || strings.HasPrefix(line, "rt0lab watch ")) {
				err = nil // nothing was written yet
			}
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			} else if len(out) == 0 {
				t.Error("it says nothing")
			}
		})
	}
}

var fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")

func commandLines(markdown string) (lines []string) {
	for _, block := range fence.FindAllStringSubmatch(markdown, -1) {
		for line := range strings.Lines(block[1]) {
			command, ok := strings.CutPrefix(line, "$ ")
			if command, _, _ = strings.Cut(command, " #"); ok && strings.HasPrefix(command, "rt0lab ") {
				lines = append(lines, strings.TrimSpace(command))
			}
		}
	}
	return lines
}

// releasesIn are the exact releases that a command line names with --go.
func releasesIn(line string) (releases []string) {
	words := strings.Fields(line)
	for i, word := range words {
		if i == 0 || words[i-1] != "--go" {
			continue
		}
		for _, r := range strings.Split(word, ",") {
			if strings.HasPrefix(r, "go1.") {
				releases = append(releases, r)
			}
		}
	}
	return releases
}

func TestReleasesIn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"rt0lab verify x --go go1.20.14,go1.21.13": "go1.20.14 go1.21.13", "rt0lab time --go 1.20,go1.27.4 --runs 3": "go1.27.4",
		"rt0lab verify --go all go1.x": "", "rt0lab verify --go": "", "": "",
	} {
		if got := strings.Join(releasesIn(line), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	got := commandLines("$ rt0lab no\n```\n$ rt0lab one\n```\n```console\n$ rt0lab two a   # why\nanswer\n$ gdb\n```\ntext\n```console\n$ rt0lab three\n```\n")
	if want := "rt0lab one,rt0lab two a,rt0lab three"; strings.Join(got, ",") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
