//go:build linux && amd64

package delve_test

import (
	"debug/elf"
	endian "encoding/binary"
	"os"
	"slices"
	"strings"
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

// A program that aborts before it has handlers for signals has ended, too: by a breakpoint
// instruction of its own, behind which it would loop for ever.
func TestAborts(t *testing.T) {
	t.Parallel()
	binary := buildtest.Copy(t, program(t, "hello"))
	jump(t, binary, "runtime.check", "runtime.abort")
	c := fact.Catalogue{}
	spec(c, "t.before", fact.TypeInt, "runtime.rt0_go")
	spec(c, "t.there", fact.TypeInt, "runtime.abort")
	spec(c, "t.behind", fact.TypeInt, "main.main")
	for name, tt := range map[string]struct{ stops, there string }{
		"asked for":     {`, "runtime.abort": lambda seen: {"t.there": 2}`, "2"},
		"not asked for": {"", "unseen: no script of this witness reads it (its stops: runtime.abort)"},
	} {
		o := look(t, request(t, binary, `
stops = {"runtime.rt0_go": lambda seen: {"t.before": 1}, "main.main": lambda seen: {"t.behind": 3}`+tt.stops+`}`, c))
		for fact, want := range map[string]string{
			"t.before": "1",
			"t.there":  tt.there,
			"t.behind": "unseen: main.main was not passed before the program ended",
		} {
			if got := say(o.Facts[fact]); got != want {
				t.Errorf("%s: %s = %s, want %s", name, fact, got, want)
			}
		}
		if want := "the program aborted"; !slices.Contains(o.Warnings, want) {
			t.Errorf("%s: warnings %q, want %q", name, o.Warnings, want)
		}
	}
}

// invalid writes UD2, which no CPU executes, over the beginning of a function.
func invalid(t *testing.T, binary, function string) {
	t.Helper()
	overwrite(t, binary, function, func(map[string]uint64) []byte { return []byte{0x0f, 0x0b} })
}

// jump writes a jump to another function over the beginning of a function.
func jump(t *testing.T, binary, function, to string) {
	t.Helper()
	overwrite(t, binary, function, func(at map[string]uint64) []byte {
		return endian.LittleEndian.AppendUint32([]byte{0xe9}, uint32(at[to]-at[function]-5))
	})
}

// overwrite writes code over the beginning of a function. Functions are without ".abi0".
func overwrite(t *testing.T, file, function string, code func(at map[string]uint64) []byte) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]uint64{}
	for _, s := range symbols {
		name := strings.TrimSuffix(s.Name, ".abi0")
		if at[name] == 0 || name == s.Name {
			at[name] = s.Value
		}
	}
	if at[function] == 0 {
		t.Fatalf("no symbol %s", function)
	}
	text := f.Section(".text")
	w, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteAt(code(at), int64(at[function]-text.Addr+text.Offset)); err != nil {
		t.Fatal(err)
	}
}
