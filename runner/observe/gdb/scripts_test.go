//go:build linux && amd64

package gdb_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
)

func at(name string, stops ...string) fact.Spec { return spec(name, fact.TypeInt, stops...) }

// good is a script beside the bad one: its facts must not suffer.
var good = table{`
def at_check(seen): return {"good.early": 1}
def at_main(seen): return {"good.late": 2}
stops = {"runtime.check": at_check, "main.main": at_main}
`, []fact.Spec{at("good.early", "runtime.check"), at("good.late", "main.main")}}

func TestBadScripts(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	for _, tt := range []struct {
		name, source string
		want         []string // what bad.early begins with, and what it must hold
		late         string   // what bad.late is
	}{
		{"does not parse", "def at(seen:\n", []string{"broken: scripts/gdb/bad.py:1: "}, "broken: scripts/gdb/bad.py:1: "},
		{"raises while loading", "x = 1\ny = x / 0\n", []string{"broken: scripts/gdb/bad.py:2: ZeroDivisionError"}, "broken: scripts/gdb/bad.py:2: "},
		{"loops while loading", "while True: pass\n", []string{"broken: scripts/gdb/bad.py:1: no answer within"}, "broken: "},
		{"has no table", "x = 1\n", []string{"broken: ", "bad.py has no table"}, "broken: "},
		{"table is no table", "stops = [1]\n", []string{"broken: ", "bad.py: stops is no table"}, "broken: "},
		{"raises", "  raise ValueError('so \\x1b[31mbad')", []string{"broken: scripts/gdb/bad.py:2: ValueError: so "}, "2"},
		{"raises in a word", "  return {'bad.early': Var('runtime.m0')}", []string{"broken: scripts/gdb/bad.py:2: TypeError: runtime.m0 is a runtime.m: name a field"}, "2"},
		{"reads what is not mapped", "  return {'bad.early': Word(1)}", []string{"broken: scripts/gdb/bad.py:2: ", "memory"}, "2"},
		{"follows nil", "  return {'bad.early': Var('runtime.g0.param.x')}", []string{"broken: scripts/gdb/bad.py:2: ", "is nil"}, "2"},
		{"loops", "  while True: pass", []string{"broken: scripts/gdb/bad.py:2: no answer within 1s"}, "2"},
		{"loops over a word", "  while True: Reg('rsp')", []string{"broken: scripts/gdb/bad.py:2: no answer within 1s"}, "2"},
		{"never stops calling itself", "  return at_check(seen)", []string{"broken: scripts/gdb/bad.py:", ": RecursionError"}, "2"},
		{"leaves", "  raise SystemExit(0)", []string{"broken: scripts/gdb/bad.py:2: SystemExit"}, "2"},
		{"returns a list", "  return [1]", []string{"broken: ", "not a dict"}, "2"},
		{"returns nothing", "  return None", []string{"broken: ", "did not return bad.early"}, "2"},
		{"returns a float", "  return {'bad.early': 1.5}", []string{"broken: ", "bad.early"}, "2"},
		{"returns what is no number", "  return {'bad.early': float('nan')}", []string{"broken: ", "bad.early"}, "2"},
		{"returns a function", "  return {'bad.early': at_check}", []string{"broken: ", "bad.early"}, "2"},
		{"returns another type", "  return {'bad.early': 'text'}", []string{"broken: ", "catalogue says int"}, "2"},
		{"returns too much", "  return {'bad.early': 1 << 64}", []string{"broken: ", "bad.early"}, "2"},
		{"returns half a character", "  return {'bad.early': '\\ud800'}", []string{"broken: ", "catalogue says int"}, "2"},
		{"returns an unknown fact", "  return {'bad.erly': 1}", []string{"broken: ", "bad.erly"}, "2"},
		{"returns another's fact", "  return {'good.early': 9}", []string{"broken: ", "another subject"}, "2"},
		{"spoils what was seen", "  seen.clear(); return {'bad.early': 1}", []string{"1"}, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := tt.source
			if source[0] == ' ' {
				source = "def at_check(seen):\n" + source + "\ndef at_main(seen): return {'bad.late': seen['good.early'] + 1}\nstops = {'runtime.check': at_check, 'main.main': at_main}\n"
			}
			req := request(t, binary, good, table{source, []fact.Spec{at("bad.early", "runtime.check"), at("bad.late", "main.main")}})
			req.Timeout = 3 * time.Second
			got := observed(t, req)
			wantSaid(t, got, "good.early", "1")
			wantSaid(t, got, "good.late", "2")
			wantSaidHas(t, got, "bad.early", tt.want[0], tt.want[1:]...)
			wantSaidHas(t, got, "bad.late", tt.late)
		})
	}
}

// What was seen before survives, whatever ends gdb.
func TestGdbIsCutShort(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	for _, tt := range []struct{ name, last, want string }{
		{"killed", "import os; os.kill(os.getpid(), 9)", "signal: killed"},
		{"told to quit", "import gdb; gdb.execute('quit')", "gdb ended before the walk did"},
		{"says why", "import os; os.write(2, b'\\x1b[31mno \\xff more\\x07' + b'!' * 100000 + b' the end'); os._exit(3)", "the end"},
		{"out of reach", "import itertools; sum(itertools.count())", "gdb was stopped after 2s"},
		{"swallows the deadline", "while True:\n    try:\n      while True: pass\n    except BaseException: pass", "gdb was stopped after 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := request(t, binary, good, table{"def at_schedinit(seen):\n  " + tt.last + "\nstops = {'runtime.schedinit': at_schedinit}\n",
				[]fact.Spec{at("bad.x", "runtime.schedinit")}})
			req.Timeout = 2 * time.Second
			got := observed(t, req)
			wantSaid(t, got, "good.early", "1")
			wantSaidHas(t, got, "good.late", "broken: main.main was not passed", tt.want)
			wantSaidHas(t, got, "bad.x", "broken: ")
			for _, s := range got.Facts {
				for _, r := range s.Broken {
					if r < ' ' {
						t.Errorf("control character in %q", s.Broken)
					}
				}
				if len(s.Broken) > 3000 {
					t.Errorf("%d bytes of message", len(s.Broken))
				}
			}
			wantGone(t, binary)
		})
	}
}

// A gdb that dies between two calls is started once more, and a second time only.
func TestGdbDies(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	for _, tt := range []struct{ name, always, by, late, died string }{
		{"once", "False", "_exit(1)", "2", "x"},
		{"again", "True", "_exit(1)", "broken: main.main was not passed: gdb ended before the walk did (exit status 1)", "xx"},
		{"killed by somebody", "True", "kill(os.getpid(), 9)", "broken: main.main was not passed: gdb ended before the walk did (signal: killed)", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mark := filepath.Join(t.TempDir(), "died")
			req := request(t, binary, good, table{`
import gdb, os

def at_schedinit(seen):
    if ` + tt.always + ` or not os.path.exists("` + mark + `"):
        open("` + mark + `", "a").write("x")
        gdb.events.cont.connect(lambda event: os.` + tt.by + `)
    return {"dies.x": 1}

stops = {"runtime.schedinit": at_schedinit}
`, []fact.Spec{at("dies.x", "runtime.schedinit")}})
			got := observed(t, req)
			wantSaid(t, got, "good.early", "1")
			wantSaid(t, got, "dies.x", "1")
			wantSaid(t, got, "good.late", tt.late)
			if tt.late == "2" && !slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, "started a second time") }) {
				t.Errorf("warnings %q do not tell", got.Warnings)
			}
			if died, err := os.ReadFile(mark); err != nil || string(died) != tt.died {
				t.Errorf("died %q, %v", died, err)
			}
			wantGone(t, binary)
		})
	}
}
