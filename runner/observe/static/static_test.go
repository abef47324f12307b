package static_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/static"
	"github.com/rt0lab/rt0lab/runner/place"
)

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }

func replaceStop(source, stop string) string { return strings.ReplaceAll(source, "STOP", stop) }

// request asks the facts of one script, "x", about a binary. Every "x.…" in
// the source that is a key is a fact; its type is in its name: "x.int.n".
func request(t testing.TB, binary, release, source string) observe.Request {
	t.Helper()
	req := observe.Request{
		Binary: binary, Release: "go" + release, GOOS: "linux", GOARCH: "amd64", Specs: fact.Catalogue{},
		Scripts: []observe.Script{{Subject: "x", Path: "scripts/static/x.star", Source: source}},
	}
	if release == "local" {
		req.Release = "go1.26.0"
	}
	for _, m := range regexp.MustCompile(`"(x\.(\w+)[.\w]*)"`).FindAllStringSubmatch(source, -1) {
		req.Specs[m[1]] = fact.Spec{Name: m[1], Type: fact.Type(m[2]), At: []string{place.Image}}
	}
	return req
}

// say writes a Seen in one line.
func say(s observe.Seen) string {
	switch {
	case s.Broken != "":
		return "broken: " + s.Broken
	case s.Unseen != nil:
		return fmt.Sprintf("unseen (%s): %s", s.Unseen.Cause, s.Unseen.Reason)
	}
	return s.Value.String()
}

// words are questions with the same answer on every run; the answers are in wordAnswers.
const words = `
def at_image(seen):
    go = "runtime.rt0_go"
    entry = "_rt0_%s_%s" % (Goarch(), Goos())
    text = [s for s in Sections() if s in [".text", "__text"]][0]
    g = Addr("runtime.g0")
    return {
        "x.int.minor": Minor(),
        "x.list.system": [Goos(), Goarch()],
        "x.text.entry": Symbol(Entry()),
        "x.bool.entry_addr": Addr(entry) == Entry(),
        "x.text.entry_section": SectionOf(Entry()),
        "x.list.sections": Sections(),
        "x.list.text_section": [Section(text)["addr"], Section(text)["flags"], Section(text)["size"] > 100000],
        "x.text.no_section": Section(".nosuch"),
        "x.list.g0_section": [SectionOf(g), SectionOf(1) == None],
        "x.list.mainpc": [SectionOf(Addr("runtime.mainPC")), Symbol(Word(Addr("runtime.mainPC")))],
        "x.text.interp": Interp(),
        "x.list.needed": Needed(),
        "x.list.symbols": [HasSymbol(n) for n in [go, go + ".abi0", entry, "runtime." + entry, "main"]],
        "x.list.local": [Local("setg_gcc"), Local("runtime.g0"), Local("runtime.nosuch") == None],
        "x.list.has": [Has(n) for n in [go, "runtime.g", "runtime.g0", "runtime.heapAddrBits", "runtime.nosuch", "runtime.mstart0"]],
        "x.list.absent": [n for n in ["runtime.nosuch", "runtime.g0.nosuch"] if Addr(n) == None],
        "x.bool.same_field": Addr("runtime.m0.tls[2]") == Addr("runtime.m0") + Offset("runtime.m", "tls") + 16,
        "x.list.types": [TypeOf(e) for e in ["runtime.iscgo", "runtime.m0.tls", "runtime.m0.g0"]] + [TypeOf("runtime.nosuch") == None],
        "x.list.sizes": [Size("runtime.stack"), Size("bool"), Size("runtime.nosuch") == None],
        "x.list.offsets": [Offset("runtime.g", "stack.hi"), Offset("runtime.g", "nosuch") == None, Offset("runtime.nosuch", "x") == None],
        "x.int.addr_bits": Const("runtime.heapAddrBits"),
        "x.int.no_const": Const("runtime.nosuch"),
        "x.list.code": [text for _, text in Disasm(go)][:3],
        "x.list.go_code": [text for _, text in GoDisasm(go)][:3],
        "x.list.jump": [text for _, text in GoDisasm(entry)][:1],
        "x.bool.contiguous": Disasm(go)[0][0] == Addr(go) and Symbol(Disasm(go)[-1][0]) == go,
        "x.list.no_function": [f("runtime.nosuch") == None for f in [Disasm, GoDisasm, Calls, Params, FuncFlags, Addr]],
        "x.list.calls": Calls(go),
        "x.list.lines": [Line(Entry()), Line(Addr("runtime.schedinit"))[0], Line(1) == None],
        "x.list.params": Params("runtime.newproc"),
        "x.list.flags": FuncFlags(go),
        "x.list.producer": ["-N -l" in Producer(p) for p in ["runtime", "main"]] + [Producer("nosuch") == None],
        "x.list.contains": [Contains(t) for t in ["hello, rt0", "hello, rt1"]],
        "x.list.memory": [Byte(g), Dword(g), Word(g), Byte(Addr(go)) == Dword(Addr(go)) & 255],
        "x.text.text": Text(Word(Addr("runtime.buildVersion")))[:4],
    }

stops = {"image": at_image}

def main():
    return Walk([stops])
`

const (
	rt0Calls  = "rax runtime.settls runtime.check runtime.args runtime.osinit runtime.schedinit runtime.newproc runtime.mstart"
	rt0Calls2 = "rax runtime.settls runtime.abort runtime.check runtime.args runtime.osinit runtime.schedinit runtime.newproc runtime.mstart runtime.abort"
	sections1 = ".text .rodata .typelink .itablink .gosymtab .gopclntab"
	sections2 = ".noptrdata .data .bss .noptrbss .note.go.buildid"
)

// wordAnswers are the answers that differ between builds; TestWords adds the others.
var wordAnswers = []struct {
	name, release string
	goos, goarch  string
	want          map[string]string
}{
	{"1.10", "1.10", "linux", "amd64", map[string]string{
		"x.int.minor": "10", "x.list.sections": "[" + sections1 + " " + sections2 + "]",
		"x.list.symbols": "[true false true false false]", "x.list.has": "[true true true false false false]", "x.int.addr_bits": "absent",
		"x.list.code": "[mov rax,rdi mov rbx,rsi sub rsp,0x27]", "x.list.go_code": "[MOVQ DI, AX MOVQ SI, BX SUBQ $0x27, SP]",
		"x.list.calls": "[" + rt0Calls + "]", "x.list.params": "[fn siz]", "x.list.flags": "absent",
	}},
	{"1.16", "1.16.15", "linux", "amd64", map[string]string{
		"x.int.minor": "16", "x.list.sections": "[" + sections1 + " .go.buildinfo " + sections2 + "]",
		"x.list.symbols": "[true false true false false]", "x.list.has": "[true true true true false false]",
		"x.list.code": "[mov rax,rdi mov rbx,rsi sub rsp,0x27]", "x.list.go_code": "[MOVQ DI, AX MOVQ SI, BX SUBQ $0x27, SP]",
		"x.list.calls": "[" + rt0Calls2 + "]", "x.list.params": "[siz fn]", "x.list.flags": "absent",
	}},
	{"1.17", "1.17", "linux", "amd64", map[string]string{
		"x.int.minor": "17", "x.list.sections": "[" + sections1 + " .go.buildinfo " + sections2 + "]",
		"x.list.symbols": "[false true true false false]", "x.list.has": "[true true true true false true]",
		"x.list.code": "[mov rax,rdi mov rbx,rsi sub rsp,0x27]", "x.list.go_code": "[MOVQ DI, AX MOVQ SI, BX SUBQ $0x27, SP]",
		"x.list.calls": "[" + rt0Calls2 + "]", "x.list.params": "[siz fn]", "x.list.flags": "[topframe spwrite]",
	}},
	{"1.26", "1.26.8", "linux", "amd64", map[string]string{"x.int.minor": "26"}},
	{"1.27", "1.27.4", "linux", "amd64", map[string]string{"x.int.minor": "27"}},
	{"linux arm64", "1.26.8", "linux", "arm64", map[string]string{
		"x.int.minor": "26", "x.list.code": "", "x.list.go_code": "", "x.list.calls": "", "x.list.flags": "[topframe asm]", "x.list.lines": "", "x.list.text_section": "[69632 AX true]",
	}},
	{"darwin amd64", "1.26.8", "darwin", "amd64", map[string]string{
		// Go exports nothing from a Mach-O program.
		"x.list.local": "[true true true]",
		"x.int.minor":  "26", "x.list.calls": "", "x.text.interp": "/usr/lib/dyld", "x.list.needed": "[/usr/lib/libSystem.B.dylib]", "x.text.entry_section": "__text",
		"x.list.sections": "", "x.list.text_section": "[16781312 AX true]", "x.list.g0_section": "", "x.list.mainpc": "[__rodata runtime.main]",
	}},
	{"darwin arm64", "1.26.8", "darwin", "arm64", map[string]string{
		// Go exports nothing from a Mach-O program.
		"x.list.local": "[true true true]",
		"x.int.minor":  "26", "x.list.code": "", "x.list.go_code": "", "x.list.calls": "", "x.list.flags": "[topframe asm]", "x.list.lines": "", "x.list.jump": "[JMP runtime.rt0_go]",
		"x.text.interp": "/usr/lib/dyld", "x.list.needed": "[/usr/lib/libSystem.B.dylib]", "x.text.entry_section": "__text", "x.list.sections": "",
		"x.list.text_section": "[4294971392 AX true]", "x.list.g0_section": "", "x.list.mainpc": "[__rodata runtime.main]",
	}},
	{"windows amd64", "1.26.8", "windows", "amd64", map[string]string{
		"x.int.minor": "26", "x.list.calls": "", "x.list.needed": "[kernel32.dll]", "x.list.lines": "[[rt0_windows_amd64.s 10] proc.go true]",
		"x.list.sections": "[.text .rdata .data .pdata .xdata .idata]", "x.list.text_section": "[5368713216 AX true]",
		"x.list.g0_section": "", "x.list.mainpc": "[.rdata runtime.main]",
	}},
}

// newest are the answers of the releases from 1.26 on, on linux/amd64.
var newest = map[string]string{
	"x.list.system": "[linux amd64]", "x.text.entry": "_rt0_amd64_linux", "x.bool.entry_addr": "true", "x.text.entry_section": ".text",
	"x.list.sections": "", "x.list.text_section": "[4198400 AX true]", "x.text.no_section": "absent",
	"x.list.g0_section": "", "x.list.mainpc": "[.rodata runtime.main]", "x.text.interp": "absent", "x.list.needed": "[]",
	"x.list.symbols": "[false true true false false]", "x.list.has": "[true true true true false true]", "x.list.absent": "[runtime.nosuch runtime.g0.nosuch]",
	"x.bool.same_field": "true", "x.list.types": "[bool [6]uintptr *runtime.g true]", "x.list.sizes": "[16 1 true]", "x.list.offsets": "[8 true true]",
	"x.int.addr_bits": "48", "x.int.no_const": "absent",
	"x.list.code": "[mov rax,rdi mov rbx,rsi sub rsp,0x28]", "x.list.go_code": "[MOVQ DI, AX MOVQ SI, BX SUBQ $0x28, SP]", "x.list.jump": "[JMP _rt0_amd64]",
	"x.bool.contiguous": "true", "x.list.no_function": "[true true true true true true]",
	"x.list.calls": "[" + rt0Calls2 + " runtime.write runtime.exit runtime.abort]", "x.list.lines": "[[rt0_linux_amd64.s 8] proc.go true]",
	"x.list.params": "[fn]", "x.list.flags": "[topframe spwrite asm]", "x.list.producer": "[false true true]", "x.list.contains": "[true false]",
	"x.list.memory": "[0 0 0 true]", "x.text.text": "go1.", "x.list.local": "[true false true]",
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range wordAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && c.release != "1.26.8" {
				t.Skip("old releases are left out with -short")
			}
			req := request(t, buildtest.Build(t, c.release, lab.Setup{Goos: c.goos, Goarch: c.goarch}), c.release, words)
			req.GOOS, req.GOARCH = c.goos, c.goarch
			got, err := static.Witness{}.Observe(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got.Witness != "static" || !strings.HasPrefix(got.Tool, "static 1") || len(got.Warnings) > 0 || strings.Join(got.Passed, " ") != "image" {
				t.Errorf("observation %+v", got)
			}
			if len(got.Facts) != len(newest)+1 { // and x.int.minor
				t.Errorf("%d facts, want %d", len(got.Facts), len(newest)+1)
			}
			for name, want := range newest {
				if special, ok := c.want[name]; ok {
					want = special
				} else {
					want = strings.NewReplacer("_linux", "_"+c.goos, "linux", c.goos, "_amd64", "_"+c.goarch, "amd64", c.goarch).Replace(want)
				}
				switch said := say(got.Facts[name]); {
				case want == "" && got.Facts[name].Value.IsValid(): // whatever it is
				case said != want:
					t.Errorf("%s = %s, want %s", name, said, want)
				}
			}
			if said := say(got.Facts["x.int.minor"]); said != c.want["x.int.minor"] {
				t.Errorf("x.int.minor = %s", said)
			}
		})
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	table := "\nstops = {\"image\": f}\n"
	for name, c := range map[string]struct{ source, want string }{
		"raises":             {"def f(seen):\n    return {\"x.int.n\": 1 // 0}" + table, "broken: scripts/static/x.star:2: floored division by zero"},
		"raises deeper":      {"def g():\n    fail(\"no LEA\")\ndef f(seen):\n    g()\n    return {\"x.int.n\": 1}" + table, "broken: scripts/static/x.star:2: fail: no LEA"},
		"word raises":        {"def f(seen):\n    return {\"x.int.n\": Word(1)}" + table, "broken: scripts/static/x.star:2: Word: read 8 bytes at 0x1: no such address in the image"},
		"pointer on the way": {"def f(seen):\n    return {\"x.int.n\": Addr(\"runtime.m0.g0.goid\")}" + table, "broken: scripts/static/x.star:2: Addr: field \"goid\" of *runtime.g: no fixed place in the image: not a struct"},
		"wrong argument":     {"def f(seen):\n    return {\"x.int.n\": Word(\"1\")}" + table, "broken: scripts/static/x.star:2: Word: it takes an address, not string"},
		"too few arguments":  {"def f(seen):\n    return {\"x.int.n\": Offset(\"runtime.g\")}" + table, "broken: scripts/static/x.star:2: Offset: it takes a type and a field, not 1 arguments"},
		"negative address":   {"def f(seen):\n    return {\"x.int.n\": Byte(-1)}" + table, "broken: scripts/static/x.star:2: Byte: -1 is no address"},
		"syntax":             {"\ndef f(seen)\n    return {\"x.int.n\": 1}" + table, "broken: scripts/static/x.star:3: got newline, want ':'"},
		"unknown word":       {"def f(seen):\n    return {\"x.int.n\": Reg(\"rsp\")}" + table, "broken: scripts/static/x.star:2: undefined: Reg"},
		"no table":           {"def f(seen):\n    return {\"x.int.n\": 1}\n", "broken: scripts/static/x.star: it has no table: stops = {stop: function}"},
		"other stop":         {"def f(seen):\n    return {\"x.int.n\": 1}\nstops = {\"entry\": f}\n", "broken: scripts/static/x.star: stop \"entry\": a static script has no other stop than \"image\""},
		"not a function":     {"n = \"x.int.n\"\nstops = {\"image\": 1}\n", "broken: scripts/static/x.star: stop \"image\": int, not a function of seen"},
		"empty table":        {"n = \"x.int.n\"\nstops = {}\n", "unseen (release): no script"},
		"forgotten":          {"def f(seen):\n    n = \"x.int.n\"\n    return {}" + table, "broken"},
		"wrong type":         {"def f(seen):\n    return {\"x.int.n\": \"1\"}" + table, "broken: scripts/static/x.star: at image: x.int.n is "},
		"float":              {"def f(seen):\n    return {\"x.int.n\": 1.5}" + table, "broken"},
		"a function":         {"def f(seen):\n    return {\"x.int.n\": f}" + table, "broken: scripts/static/x.star: x.int.n: not a fact's value: function"},
		"not a dict":         {"def f(seen):\n    return [\"x.int.n\"]" + table, "broken"},
		"loads":              {"load(\"other.star\", \"x\")\nn = \"x.int.n\"\n", "broken"},
		"none":               {"def f(seen):\n    return {\"x.int.n\": None}" + table, "absent"},
		"large":              {"def f(seen):\n    return {\"x.int.n\": (1 << 64) - 1}" + table, "18446744073709551615"},
		"too large":          {"def f(seen):\n    return {\"x.int.n\": 1 << 64}" + table, "broken"},
		"negative":           {"def f(seen):\n    return {\"x.int.n\": -5}" + table, "-5"},
		"tuple":              {"def f(seen):\n    return {\"x.list.n\": (1, \"a\", True)}" + table, "[1 a true]"},
		"prints":             {"def f(seen):\n    print(\"hello\")\n    return {\"x.int.n\": 1}" + table, "1"},
		"endless":            {"def f(seen):\n    while True:\n        pass\n    return {\"x.int.n\": 1}" + table, "broken: scripts/static/x.star:"},
		"endless at load":    {"n = \"x.int.n\"\nwhile True:\n    pass\n", "broken: scripts/static/x.star:"},
		"recursion":          {"def f(seen):\n    return {\"x.int.n\": f(seen)}" + table, "broken: scripts/static/x.star:"},
		"changes seen":       {"def f(seen):\n    seen[\"x.int.n\"] = 1\n    return {\"x.int.n\": 1}" + table, "broken: scripts/static/x.star:2: cannot insert into frozen hash table"},
		"walks":              {"def f(seen):\n    return {\"x.int.n\": 1}" + table + "def main():\n    return Walk([stops])\n", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := static.Witness{}.Observe(t.Context(), request(t, binary, "local", c.source))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Facts) != 1 {
				t.Fatalf("facts %v, want one", got.Facts)
			}
			for fact, seen := range got.Facts {
				if said := say(seen); !strings.HasPrefix(said, c.want) || c.want == "" {
					t.Errorf("%s = %s, want %s", fact, said, c.want)
				}
			}
		})
	}
}

// TestOneOfTwo: a script that raises leaves the others alone, and sees what those before it saw.
func TestOneOfTwo(t *testing.T) {
	t.Parallel()
	req := request(t, buildtest.Hello(t, "local"), "local", "def f(seen):\n    return {\"x.int.n\": 7}\nstops = {\"image\": f}\n")
	req.Scripts = append(req.Scripts,
		observe.Script{Subject: "y", Path: "y.star", Source: "def f(seen):\n    fail(\"no\")\nstops = {\"image\": f}\n"},
		observe.Script{Subject: "z", Path: "z.star", Source: "def f(seen):\n    return {\"z.n\": seen[\"x.int.n\"] + 1}\nstops = {\"image\": f}\n"})
	for _, name := range []string{"y.n", "z.n"} {
		req.Specs[name] = fact.Spec{Name: name, Type: fact.TypeInt, At: []string{"image"}}
	}
	got, err := static.Witness{}.Observe(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"x.int.n": "7", "y.n": "broken: y.star:2: fail: no", "z.n": "8"} {
		if said := say(got.Facts[name]); said != want {
			t.Errorf("%s = %s, want %s", name, said, want)
		}
	}
}

// TestStripped: what the linker left out is a property of the build, not a
// fault of the script; what is left is read all the same.
func TestStripped(t *testing.T) {
	t.Parallel()
	binary := buildtest.Build(t, "local", lab.Setup{Ldflags: "-s -w"})
	for source, want := range map[string]string{
		`{"x.int.n": Const("runtime.heapAddrBits")}`: "unseen (release): no DWARF",
		`{"x.int.n": Addr("runtime.g0")}`:            "unseen (release): no DWARF",
		`{"x.bool.n": HasSymbol("runtime.g0")}`:      "unseen (release): no symbol table",
		`{"x.bool.n": Has("runtime.schedinit")}`:     "true",
		`{"x.text.n": Symbol(Entry())}`:              "_rt0_amd64_linux",
		`{"x.list.n": FuncFlags("runtime.rt0_go")}`:  "[topframe spwrite asm]",
		`{"x.list.n": Calls("_rt0_amd64")}`:          "[]",
	} {
		got, err := static.Witness{}.Observe(t.Context(), request(t, binary, "local", "def f(seen):\n    return "+source+"\nstops = {\"image\": f}\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, seen := range got.Facts {
			if said := say(seen); !strings.HasPrefix(said, want) {
				t.Errorf("%s: %s, want %s", source, said, want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	req := request(t, binary, "local", "def f(seen):\n    while True:\n        pass\n    return {\"x.int.n\": 1}\nstops = {\"image\": f}\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (static.Witness{}).Observe(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	req.Timeout = time.Millisecond
	got, err := static.Witness{}.Observe(t.Context(), req)
	if said := say(got.Facts["x.int.n"]); err != nil || !strings.Contains(said, "the time limit of 1ms was over") {
		t.Errorf("timed out: %s, %v", said, err)
	}
}

func TestOtherFiles(t *testing.T) {
	t.Parallel()
	req := request(t, buildtest.Hello(t, "local"), "local", "stops = {}")
	req.GOARCH = "arm64"
	if _, err := (static.Witness{}).Observe(t.Context(), req); err == nil || errors.Is(err, observe.ErrRelease) {
		t.Errorf("a binary for another machine than asked: %v", err)
	}
	xcoff := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(xcoff, []byte("\x01\xf7\x00\x04\x00\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	req.Binary = xcoff
	if _, err := (static.Witness{}).Observe(t.Context(), req); !errors.Is(err, observe.ErrRelease) {
		t.Errorf("a program for AIX: %v, want %v", err, observe.ErrRelease)
	}
	req.Binary += ".nosuch"
	if _, err := (static.Witness{}).Observe(t.Context(), req); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	scripts := []observe.Script{
		{Subject: "x", Path: "x.star", Source: "def f(seen):\n    return {\"x.a\": [Goos(), Goarch(), Minor()], \"y.a\": 1}\nstops = {\"image\": f}\n"},
		{Subject: "y", Path: "y.star", Source: "def f(seen):\n    fail(\"no\")\nstops = {\"image\": f}\n"},
	}
	got, err := static.Facts(t.Context(), buildtest.Build(t, "1.26.8", lab.Setup{Goos: "windows"}), scripts)
	if err == nil || !strings.Contains(err.Error(), "y.star:2: fail: no") {
		t.Errorf("error %v", err)
	}
	if len(got) != 1 || got["x.a"].String() != "[windows amd64 26]" {
		t.Errorf("facts %v", got)
	}
}

// BenchmarkObserve reads about 40 facts of a binary that nobody read before.
func BenchmarkObserve(b *testing.B) {
	whole, err := os.ReadFile(buildtest.Hello(b, "local"))
	if err != nil {
		b.Fatal(err)
	}
	for _, fresh := range []bool{true, false} {
		b.Run(fmt.Sprintf("fresh=%v", fresh), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "hello")
			req := request(b, path, "local", words)
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if fresh {
					if err := os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := (static.Witness{}).Observe(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
