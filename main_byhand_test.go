package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/report"
)

// runner runs a program in the folder of a test and returns its standard output.
type runner func(program string, args ...string) (string, error)

// typeByHand does in a stock debugger, dlv or gdb, what a person does who
// reads what `rt0lab show` says of a claim, and returns what the debugger says.
func typeByHand(tool, show, dir string, run runner) (string, error) {
	binary, beside, program := "", "", tool
	inPlace := func(text string) string {
		return strings.NewReplacer("BINARY", binary, "BESIDE", beside).Replace(text)
	}
	var command, typed, emulator []string
	show, _, _ = strings.Cut(show, "\n\n") // of the first claim
	for line := range strings.Lines(show) {
		line = strings.TrimSpace(line)
		prompt, text, _ := strings.Cut(line, " ")
		redirected, file, ok := strings.Cut(line, " > places.")
		switch {
		case ok && (file == "py") == (tool == "gdb"):
			words := strings.Fields(redirected)
			out, err := run(words[0], words[1:]...)
			if err != nil {
				return "", err
			}
			if err := os.WriteFile(filepath.Join(dir, "places."+file), []byte(out), 0o666); err != nil {
				return "", err
			}
			first, rest, _ := strings.Cut(out, "\n")
			_, binary, _ = strings.Cut(first, ": ")
			second, _, _ := strings.Cut(rest, "\n")
			_, beside, _ = strings.Cut(second, "# beside it: ")
		case prompt == "(dlv)":
			typed = append(typed, text)
		case prompt == "qemu-aarch64-static" && tool == "gdb":
			emulator = strings.Fields(strings.TrimSuffix(inPlace(text), "&"))
		case prompt == "gdb-multiarch" && tool == "gdb":
			// The one argument with spaces, as a shell would have it.
			remote := "target remote stub"
			text = strings.Replace(text, strconv.Quote(remote), "REMOTE", 1)
			program, command = prompt, strings.Fields(inPlace(text))
			if i := slices.Index(command, "REMOTE"); i >= 0 {
				command[i] = remote
			}
		case prompt == tool:
			command = strings.Fields(inPlace(text))
		}
	}
	if command == nil {
		return "", fmt.Errorf("it does not say how to use %s", tool)
	}
	if emulator != nil {
		qemu := exec.Command("qemu-aarch64-static", emulator...)
		qemu.Dir = dir
		if err := qemu.Start(); err != nil {
			return "", fmt.Errorf("start the emulator: %w", err)
		}
		defer func() {
			_ = qemu.Process.Kill()
			_ = qemu.Wait()
		}()
		for began := time.Now(); ; { // a person sees the prompt again
			if _, err := os.Stat(filepath.Join(dir, "stub")); err == nil {
				break
			}
			if time.Since(began) > 30*time.Second {
				return "", errors.New("qemu makes no socket")
			}
		}
	}
	if tool == "gdb" {
		return run(program, append([]string{"-nx", "-q", "-batch"}, command...)...)
	}
	dlv, err := dlvOfModule()
	if err != nil {
		return "", err
	}
	init := filepath.Join(dir, "typed")
	if err := os.WriteFile(init, []byte(strings.Join(append(typed, "exit\n"), "\n")), 0o666); err != nil {
		return "", err
	}
	return run(dlv, append([]string{command[0], "--allow-non-terminal-interactive=true", "--init", init}, command[1:]...)...)
}

// dlvOfModule builds dlv, a tool of this module, and returns its path. Once: a file that a
// second build is writing again cannot be run.
var dlvOfModule = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "dlv").Output()
	if err != nil {
		return "", fmt.Errorf("build dlv, a tool of this module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
})

// byHand dlv|gdb is typeByHand in a script, after `rt0 0 show CLAIM`.
func byHand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || args[0] != "dlv" && args[0] != "gdb" {
		ts.Fatalf("usage: byhand dlv|gdb")
	}
	// lib.star cannot remove its scratch files: they are not rt0lab's.
	tmp, scratch := ts.Getenv("TMPDIR"), filepath.Join(ts.Getenv("WORK"), ".scratch")
	ts.Check(os.MkdirAll(scratch, 0o777))
	ts.Setenv("TMPDIR", scratch)
	defer ts.Setenv("TMPDIR", tmp)
	_, err := typeByHand(args[0], ts.ReadFile("stdout"), ts.MkAbs("."), func(program string, args ...string) (string, error) {
		err := ts.Exec(program, args...)
		return ts.ReadFile("stdout"), err
	})
	ts.Check(err)
}

// TestByHand types, for every subject in every setup, what `rt0lab show` says, and
// holds the facts that a stock debugger then prints against those of verify.
func TestByHand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts two debuggers per subject and setup; run without -short")
	}
	if !mayTrace() {
		t.Skip("needs the right to trace: see rt0lab doctor")
	}
	d, err := lab.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	type group struct {
		setup  *lab.Setup
		claims []*lab.Claim
	}
	groups := map[string]*group{}
	for _, l := range d.Labs {
		for _, c := range l.Claims {
			if c.Fact == "" {
				continue
			}
			setup := d.SetupOf(c)
			// A person has an environment of their own.
			if goos, goarch := setup.System(); goos != "linux" || goarch != "amd64" && goarch != "arm64" || len(setup.Env) > 0 {
				continue
			}
			key := fact.Subject(c.Fact) + " in " + c.Setup
			if groups[key] == nil {
				groups[key] = &group{setup: setup}
			}
			groups[key].claims = append(groups[key].claims, c)
		}
	}
	env := environment(t)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range groups {
		for _, tool := range []struct{ name, witness string }{{"dlv", "delve"}, {"gdb", "gdb"}} {
			asked := slices.DeleteFunc(slices.Clone(g.claims), func(c *lab.Claim) bool { return !slices.Contains(c.Witnesses, tool.witness) })
			if len(asked) == 0 {
				continue
			}
			t.Run(name+" with "+tool.name, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath("gdb"); tool.name == "gdb" && err != nil {
					t.Skipf("needs gdb: %v (apt install gdb)", err)
				}
				if _, goarch := g.setup.System(); goarch == "arm64" {
					for _, program := range []string{"qemu-aarch64-static", "gdb-multiarch"} {
						if _, err := exec.LookPath(program); err != nil {
							t.Skipf("needs qemu and a gdb for all machines: %v (apt install qemu-user-static gdb-multiarch)", err)
						}
					}
				}
				if g.setup.Cgo || g.setup.Linkmode == "external" {
					_, noGcc := exec.LookPath("gcc")
					if _, err := exec.LookPath("clang"); err != nil && noGcc != nil {
						t.Skipf("needs a C compiler: %v (apt install gcc)", noGcc)
					}
				}
				dir := t.TempDir()
				if err := os.Symlink(filepath.Join(root, "scripts"), filepath.Join(dir, "scripts")); err != nil {
					t.Skipf("needs links: %v", err)
				}
				run := func(program string, args ...string) (string, error) {
					cmd := exec.Command(program, args...)
					cmd.Dir, cmd.Env = dir, append(os.Environ(), append(env, "HOME="+dir, "TMPDIR="+dir)...) // lib.star cannot remove its scratch files
					if program != "rt0lab" {
						out, err := cmd.CombinedOutput() // gdb exits with 0 when a script raises
						return string(out), err
					}
					out, err := cmd.Output()
					var exit *exec.ExitError
					if errors.As(err, &exit) {
						if exit.ExitCode() == 1 { // drift, which is no matter here
							return string(out), nil
						}
						return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, exit.Stderr)
					}
					return string(out), err
				}
				holdByHand(t, d, asked, tool.name, tool.witness, dir, run)
			})
		}
	}
}

func holdByHand(t *testing.T, d *lab.Data, claims []*lab.Claim, tool, witness, dir string, run runner) {
	args := []string{"verify", "--witness", witness, "--format", "jsonl"}
	facts := map[string]bool{}
	for _, c := range claims {
		args = append(args, c.ID)
		facts[c.Fact] = d.Catalogue[c.Fact].Compare == fact.CompareExact
	}
	lines, err := run("rt0lab", args...)
	if err != nil {
		t.Fatal(err)
	}
	show, err := run("rt0lab", "show", claims[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	said, err := typeByHand(tool, show, dir, run)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{}
	for line := range strings.Lines(said) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			printed[name] = value
		}
	}
	compared := 0
	for text := range strings.Lines(lines) {
		var line report.Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		seen, ok := line.Saw[witness]
		if !ok || !facts[line.Fact] || line.Setup != claims[0].Setup {
			continue // not to be seen on this release, or another part of the claim's id
		}
		compared++
		// A place that is not there has no line.
		if want, got := python(seen), strings.ReplaceAll(printed[line.Fact], "'", `"`); want != got && (got != "" || want != "None") {
			t.Errorf("%s: by hand %q, verify %q", line.Fact, got, want)
		}
	}
	if compared == 0 && len(facts) > 0 {
		t.Log("nothing to compare on this release")
	}
	if t.Failed() {
		t.Logf("%s said:\n%s", tool, said)
	}
}

// python writes a value as both scripting languages print it, with double quotes.
func python(v fact.Value) string {
	switch v.Kind() {
	case fact.Int:
		return v.Big().String()
	case fact.Bool:
		return map[bool]string{true: "True", false: "False"}[v.Bool()]
	case fact.Text:
		return `"` + v.Text() + `"`
	case fact.List:
		var parts []string
		for _, e := range v.List() {
			parts = append(parts, python(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "None"
}
