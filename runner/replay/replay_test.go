package replay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/replay"
	"github.com/rt0lab/rt0lab/runner/trace"
)

var update = flag.Bool("update", false, "write the golden files anew")

// tape is a kept trace, with two facts.
func tape(tb testing.TB, release string) *replay.Tape {
	tb.Helper()
	h := trace.Header{Setup: "plain", Release: release, GOOS: "linux", GOARCH: "amd64"}
	t, err := trace.Read(os.DirFS(filepath.Join("..", "..")), h.Path())
	if err != nil {
		tb.Fatal(err)
	}
	p := trace.NewPlayer(t)
	return &replay.Tape{
		Lab: "03-g0", Title: "The first stack of g0", Release: release, GOOS: "linux", GOARCH: "amd64", Lang: "en", Player: p,
		Facts: []replay.Fact{
			{Name: "g0.stack.size", Value: "65432 bytes", By: []string{"delve", "gdb"}, Setup: "plain", Stop: "runtime.settls", At: p.Entered("runtime.settls", -1, false), What: "how large it is"},
			{Name: "g0.stack.lo", Value: "0x7fff00001000", By: []string{"gdb"}, Setup: "plain", Stop: "runtime.settls", At: p.Entered("runtime.settls", -1, false), Varies: true},
		},
	}
}

// golden holds what was written against the file of the test.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./runner/replay -update writes it)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got; go test ./runner/replay -update writes it anew):\n%s", file, diff)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"go1.10", "go1.27.4"} {
		tp := tape(t, release)
		to, err := tp.Position("runtime.check")
		if err != nil {
			t.Fatal(err)
		}
		var text, state, lines, written bytes.Buffer
		if err := tp.Text(&text, replay.Range{From: 0, To: to}, replay.Go); err != nil {
			t.Fatal(err)
		}
		golden(t, release+".txt", text.Bytes())
		tp.Lang = "zh"
		if err := tp.State(&state, to-1, replay.Intel); err != nil {
			t.Fatal(err)
		}
		golden(t, release+".state.zh.txt", state.Bytes())
		if err := tp.JSONL(&lines, replay.Range{From: 0, To: 20}); err != nil {
			t.Fatal(err)
		}
		golden(t, release+".jsonl", lines.Bytes())
		target, err := tp.Target("runtime.g0")
		if err != nil {
			t.Fatal(err)
		}
		if err := tp.Written(&written, target, tp.All(), replay.Go); err != nil {
			t.Fatal(err)
		}
		golden(t, release+".written.txt", written.Bytes())
		var cast bytes.Buffer
		if err := tp.Cast(&cast); err != nil {
			t.Fatal(err)
		}
		golden(t, release+".zh.cast", cast.Bytes())
	}
}

// TestJSONL holds that every line of a whole trace is JSON, and the last one the end.
func TestJSONL(t *testing.T) {
	t.Parallel()
	tp := tape(t, "go1.20.14")
	var out bytes.Buffer
	if err := tp.JSONL(&out, tp.All()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(tp.Player.Steps)+1 {
		t.Fatalf("%d lines for %d steps", len(lines), len(tp.Player.Steps))
	}
	var step struct {
		At   int
		Func string
	}
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &step); err != nil || step.At != i {
			t.Fatalf("line %d: %v\n%s", i, err, line)
		}
	}
	if step.Func != "runtime.schedinit" {
		t.Errorf("the last line is in %s", step.Func)
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	tp := tape(t, "go1.26.8")
	n := len(tp.Player.Steps)
	for _, text := range []string{"0", "entry", "runtime.rt0_go", "runtime.rt0_go: CPUID", "runtime.schedinit", "0x475880"} {
		if at, err := tp.Position(text); err != nil || at < 0 || at > n {
			t.Errorf("%s is at %d, %v", text, at, err)
		}
	}
	for text, says := range map[string]string{
		"-1": "there are 0 to", "99999": "there are 0 to", "runtime.setls": `did you mean "runtime.settls"`, "0xzz": "no address", "0x1": "never executed", "": "is no number",
	} {
		if at, err := tp.Position(text); !errors.Is(err, replay.ErrNoPosition) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is at %d, %v; want %q", text, at, err, says)
		}
	}
	for _, text := range []string{"rax", "RSP", "runtime.g0", "runtime.m0.tls", "runtime.m0.tls[0]", "0x7fffffffee00"} {
		if _, err := tp.Target(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "ra", "runtime.g", "0xzz", "runtime.g0.stack.l"} {
		if to, err := tp.Target(text); !errors.Is(err, replay.ErrNoTarget) {
			t.Errorf("%q is %v, %v", text, to, err)
		}
	}
}

// TestFacts shows a lab that has no trace.
func TestFacts(t *testing.T) {
	t.Parallel()
	tp := tape(t, "go1.26.8")
	tp.Player = nil
	var text, lines bytes.Buffer
	if err := tp.Text(&text, replay.Range{}, replay.Go); err != nil {
		t.Fatal(err)
	}
	golden(t, "facts.txt", text.Bytes())
	if err := tp.JSONL(&lines, replay.Range{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "facts.jsonl", lines.Bytes())
}
