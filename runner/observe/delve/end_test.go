//go:build linux && amd64

package delve_test

import (
	"debug/elf"
	"os"
	"slices"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
)

// A program that dies on an instruction with a breakpoint has ended, as far as
// the walk goes: what was seen before stays. (With one thread only, as in all
// of the boot up to runtime.main; later Delve waits until the deadline.)
func TestDiesUnderBreakpoint(t *testing.T) {
	t.Parallel()
	binary := buildtest.Copy(t, program(t, "hello"))
	invalid(t, binary, "runtime.check")
	c := fact.Catalogue{}
	spec(c, "t.before", fact.TypeInt, "runtime.rt0_go")
	spec(c, "t.there", fact.TypeInt, "runtime.check")
	spec(c, "t.behind", fact.TypeInt, "main.main")
	o := look(t, request(t, binary, `
stops = {"runtime.rt0_go": lambda seen: {"t.before": 1}, "runtime.check": lambda seen: {"t.there": 2}, "main.main": lambda seen: {"t.behind": 3}}`, c))
	for name, want := range map[string]string{
		"t.before": "1",
		"t.there":  "2",
		"t.behind": "unseen: main.main was not passed before the program ended",
	} {
		if got := say(o.Facts[name]); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if want := "the program died of an instruction that was stepped over"; !slices.Contains(o.Warnings, want) {
		t.Errorf("warnings %q, want %q", o.Warnings, want)
	}
}

// invalid writes UD2, which no CPU executes, over the beginning of a function.
func invalid(t *testing.T, binary, function string) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == function })
	if i < 0 {
		t.Fatalf("no symbol %s", function)
	}
	text := f.Section(".text")
	w, err := os.OpenFile(binary, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteAt([]byte{0x0f, 0x0b}, int64(symbols[i].Value-text.Addr+text.Offset)); err != nil {
		t.Fatal(err)
	}
}
