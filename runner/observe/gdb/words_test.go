//go:build linux && amd64

package gdb_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// binaries are the fixtures of this Go, with C where there is a C compiler, and those RT0LAB_TEST_BINARIES names (a
// list of paths; the names end with the release: h-1.10).
func binaries(t *testing.T) []string {
	t.Helper()
	own := buildtest.Hello(t, "local")
	all := append([]string{own}, filepath.SplitList(os.Getenv("RT0LAB_TEST_BINARIES"))...)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Logf("without hellocgo: needs a C compiler (apt install gcc): %v", err)
		return all
	}
	return append(all, buildtest.Build(t, "local", lab.Setup{Fixture: "hellocgo", Cgo: true}))
}

// afterTLS are the stops at which a g can be told.
var afterTLS = []string{"runtime.check", "runtime.schedinit", "runtime.newproc", "runtime.mstart", "runtime.main", "main.main"}

func wordsRequest(t *testing.T, binary string) observe.Request {
	t.Helper()
	src, err := os.ReadFile("testdata/words.py")
	if err != nil {
		t.Fatal(err)
	}
	var specs []fact.Spec
	for stop, n := range map[string]string{"exec": "exec", "entry": "entry", "runtime.rt0_go": "rt0_go", "runtime.check": "check", "runtime.schedinit": "schedinit",
		"runtime.newproc": "newproc", "runtime.mstart": "mstart", "runtime.main": "main", "main.main": "main_main"} {
		specs = append(specs, spec("words.minor."+n, fact.TypeInt, stop), spec("words.rip."+n, fact.TypeAddress, stop))
		for _, name := range []string{"regs", "vars", "addrs", "has", "at", "len", "sizes", "offsets", "types", "memory", "consts", "code", "calls", "where", "frames", "process"} {
			specs = append(specs, spec("words."+name+"."+n, fact.TypeList, stop))
		}
	}
	specs = append(specs, spec("words.start", fact.TypeList, "exec"))
	for _, stop := range afterTLS {
		specs = append(specs, spec("words.g."+strings.ReplaceAll(strings.TrimPrefix(stop, "runtime."), ".", "_"), fact.TypeList, stop))
	}
	req := request(t, binary, table{string(src), specs})
	if m := regexp.MustCompile(`h-(1\..*)$`).FindStringSubmatch(binary); m != nil {
		req.Release = "go" + m[1]
	}
	return req
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, binary := range binaries(t) {
		t.Run(filepath.Base(binary), func(t *testing.T) {
			req := wordsRequest(t, binary)
			got := observed(t, req)
			for name := range req.Specs {
				s := got.Facts[name]
				if !s.Value.IsValid() {
					t.Errorf("%s = %s", name, say(s))
				}
				if testing.Verbose() {
					t.Logf("%s = %s", name, say(s))
				}
			}
			if len(got.Passed) != 9 {
				t.Errorf("passed %q, want 9 stops", got.Passed)
			}
			wantSaid(t, got, "words.process.main_main", "[true true true 4 1]")
			wantSaid(t, got, "words.frames.main_main", "[main.main runtime.main runtime.goexit]")
			for stop, want := range map[string]string{"check": "[true 0 none]", "mstart": "[true 0 none]", "main": "[false 1 runtime.main]", "main_main": "[false 1 runtime.main]"} {
				wantSaid(t, got, "words.g."+stop, want)
			}
			addrs := got.Facts["words.addrs.main_main"].Value.List()
			for i, sym := range []string{3: "runtime.rt0_go", 4: "runtime.check", 5: "runtime.mstart", 6: "runtime.newproc", 8: "runtime.mstart0"} {
				if sym == "" {
					continue
				}
				if want, _, ok := symbol(t, binary, sym); !addrs[i].Equal(fact.UintOf(want)) && (ok || addrs[i].Text() != "none") {
					t.Errorf("Addr(%q) = %s, want the body at %#x", sym, addrs[i], want)
				}
			}
			var code []string
			for _, v := range got.Facts["words.code.main_main"].Value.List() {
				code = append(code, v.Text())
			}
			if want := append(intel(t, binary, "runtime.rt0_go"), "none"); strings.Join(code, "\n") != strings.Join(want, "\n") {
				t.Errorf("Disasm(runtime.rt0_go) is\n%s\nwant\n%s", strings.Join(code, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// symbol finds the body of a function, not its ABI wrapper: .abi0 for those in assembly.
func symbol(t *testing.T, binary, name string) (lo, hi uint64, ok bool) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	assembly := name == "runtime.rt0_go" || name == "runtime.mstart"
	for _, s := range syms {
		if s.Name == name && !(ok && assembly) || s.Name == name+".abi0" && assembly {
			lo, hi, ok = s.Value, s.Value+s.Size, true
		}
	}
	return lo, hi, ok
}

// intel is the same code as another disassembler sees it.
func intel(t *testing.T, binary, name string) []string {
	t.Helper()
	lo, hi, ok := symbol(t, binary, name)
	if !ok {
		t.Fatalf("no symbol %s", name)
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := f.Section(".text")
	code := make([]byte, hi-lo)
	if _, err := text.ReadAt(code, int64(lo-text.Addr)); err != nil {
		t.Fatal(err)
	}
	insts, err := insn.Decode("amd64", code, lo, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, in := range insts {
		lines = append(lines, in.Intel)
	}
	return lines
}

// The words for what gdb knows of the file, held against another reader of it.
func TestFileWords(t *testing.T) {
	t.Parallel()
	binary := buildtest.Hello(t, "local")
	const source = `
def at_exec(seen):
    text = Section(".text")
    return {
        "words.type": FileType(),
        "words.sections": Sections(),
        "words.text": [text["addr"], text["size"], Section(".nosuch") is None],
        "words.of": [SectionOf(text["addr"]), SectionOf(SymbolAddr("runtime.g0")), SectionOf(1) is None],
        "words.addrs": [SymbolAddr("runtime.mainPC"), SymbolAddr("runtime.g0"), SymbolAddr("runtime.nosuch") is None],
        "words.producer": Producer("main"),
        "words.nobody": Producer("nosuch") is None,
    }


stops = {"exec": at_exec}
`
	got := observed(t, request(t, binary, table{source, []fact.Spec{
		spec("words.type", fact.TypeText, "exec"), spec("words.sections", fact.TypeList, "exec"), spec("words.text", fact.TypeList, "exec"),
		spec("words.of", fact.TypeList, "exec"), spec("words.addrs", fact.TypeList, "exec"),
		spec("words.producer", fact.TypeText, "exec"), spec("words.nobody", fact.TypeBool, "exec"),
	}}))
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []string
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 {
			names = append(names, s.Name)
		}
	}
	at := map[string]uint64{}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		at[s.Name] = s.Value
	}
	text := f.Section(".text")
	wantSaid(t, got, "words.type", "elf64-x86-64")
	wantSaid(t, got, "words.sections", fmt.Sprint(names))
	wantSaid(t, got, "words.text", fmt.Sprint([]any{text.Addr, text.Size, true}))
	wantSaid(t, got, "words.of", "[.text .bss true]")
	wantSaid(t, got, "words.addrs", fmt.Sprint([]any{at["runtime.mainPC"], at["runtime.g0"], true}))
	wantSaid(t, got, "words.nobody", "true")
	if said := say(got.Facts["words.producer"]); !strings.HasPrefix(said, "Go cmd/compile go1.") || !strings.Contains(said, "-N -l") {
		t.Errorf("Producer(main) = %s", said)
	}
}
