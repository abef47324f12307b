//go:build linux && amd64

package delve_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// TestByHand holds the witness against a stock dlv that runs the same script
// with nothing but lib.star: every fact must come out the same, although the
// witness replaces what the words stand on.
func TestByHand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds dlv, which may take a minute; run without -short")
	}
	ready(t)
	path, err := exec.Command("go", "tool", "-n", "dlv").Output()
	if err != nil {
		t.Skipf("needs dlv, a tool of this module: %v (try: go tool dlv version)", err)
	}
	dlv := strings.TrimSpace(string(path))
	specs := walkSpecs()
	spec(specs, "t.code", fact.TypeList, "main.main")
	source := strings.Replace(walkStar, `return {"t.main.frames"`, `return {"t.code": [x for f in CODE for _, x in Disasm(f)], "t.main.frames"`, 1) +
		"\nCODE = [\"runtime.rt0_go\", \"runtime.schedinit\", \"runtime.memclrNoHeapPointers\", \"runtime.settls\", \"runtime.asmcgocall\", \"runtime.newproc1\", \"main.main\"]\n"
	req := request(t, program(t, "hello"), source, specs)
	home := t.TempDir()
	req.Env = []string{"HOME=" + home, "TMPDIR=" + home} // lib.star cannot remove its scratch files
	req.Args = []string{"one", "two"}
	want := look(t, req)

	file := func(name, text string) string {
		p := filepath.Join(home, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	lib, err := filepath.Abs("../../../scripts/starlark/lib.star")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, s := range []string{file("places.star", placesStar(req.Places)), lib, file("t.star", source)} {
		fmt.Fprintf(&script, "source %s\n", s)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, dlv, append([]string{"exec", req.Binary, "--disable-aslr", "--check-go-version=false",
		"--allow-non-terminal-interactive=true", "--init", file("init", script.String()+"exit\n"), "--"}, req.Args...)...)
	cmd.Env = req.Env
	cmd.Stdin = strings.NewReader("y\n") // kill the process? yes
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("dlv: %v\n%s", err, out)
	}
	got := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if name, value, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(name, "t.") {
			got[name] = value
		}
	}
	for name := range specs {
		switch name {
		case "t.env", "t.pwd": // dlv adds to the environment
			continue
		case "t.byte": // read by hand, code shows dlv's breakpoints
			continue
		case "t.absent": // no place, and so no line
			continue
		}
		if hand, witness := got[name], starlark(want.Facts[name]); hand != witness {
			t.Errorf("%s:\n by hand %s\n witness %s", name, hand, witness)
		}
	}
	if t.Failed() {
		t.Logf("dlv wrote:\n%s", out)
	}
}

// starlark writes a value as Starlark's repr does.
func starlark(s observe.Seen) string {
	switch v := s.Value; v.Kind() {
	case fact.Int:
		return v.Big().String()
	case fact.Bool:
		return map[bool]string{true: "True", false: "False"}[v.Bool()]
	case fact.Text:
		return fmt.Sprintf("%q", v.Text())
	case fact.Absent:
		return "None"
	case fact.List:
		var parts []string
		for _, e := range v.List() {
			parts = append(parts, starlark(observe.SeenValue(e)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return say(s)
}

// placesStar is what `rt0lab stops --format starlark` writes.
func placesStar(places []place.Place) string {
	numbers := func(ns []uint64) string {
		var parts []string
		for _, n := range ns {
			parts = append(parts, fmt.Sprintf("%#x", n))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	truth := map[bool]string{true: "True", false: "False"}
	text := "PLACES = {\n"
	for _, p := range places {
		if p.State == place.Placed {
			text += fmt.Sprintf("    %q: {\"addrs\": %s, \"to\": %s, \"hit\": %d, \"exec\": %s, \"any_thread\": %s},\n",
				p.Stop, numbers(p.Addrs), numbers(p.To), p.Hit, truth[p.Exec], truth[p.AnyThread])
		}
	}
	return text + "}\n"
}
