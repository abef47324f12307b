package insn

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

// gdbLine is one line of gdb's disassembly: address, offset, instruction.
var gdbLine = regexp.MustCompile(`^(?:=>)?\s*(0x[0-9a-f]+) (?:<[^\t]*>)?:\t(.*)$`)

var (
	comment  = regexp.MustCompile(`\s*#\s*(0x[0-9a-f]+)?.*$`)
	symbolic = regexp.MustCompile(` <.*>`)
	sizes    = regexp.MustCompile(`(?:byte|word|dword|qword|tbyte|fword|xmmword|ymmword|zmmword) ptr `)
	longNop  = regexp.MustCompile(`^(?:(?:data16|cs|ds|es|ss|fs|gs|rex\S*) )*(?:nop\b.*|xchg ax,ax)$`)
	ripped   = regexp.MustCompile(`\[rip[+-]0x[0-9a-f]+\]`)
	decimal  = regexp.MustCompile(`([ ,])(\d+)(,|$)`)
)

// normalise does to gdb's text what the package's comment says, step by step.
func normalise(text string) string {
	target := ""
	if m := comment.FindStringSubmatch(text); m != nil {
		target = m[1]
	}
	text = comment.ReplaceAllString(text, "")
	text = symbolic.ReplaceAllString(text, "")
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	text = sizes.ReplaceAllString(text, "")
	if longNop.MatchString(text) {
		return "nop"
	}
	if target != "" {
		text = ripped.ReplaceAllString(text, "["+target+"]")
	}
	text = strings.ReplaceAll(text, "+0x0]", "]")
	text = decimal.ReplaceAllStringFunc(text, func(s string) string {
		m := decimal.FindStringSubmatch(s)
		n, _ := strconv.ParseUint(m[2], 10, 64)
		return m[1] + hex(n) + m[3]
	})
	text = strings.ReplaceAll(text, ", ", ",")
	if text == "(bad)" {
		return Bad
	}
	return text
}

func gdbDisassembles(t *testing.T, binary string, lo, hi uint64) map[uint64]string {
	t.Helper()
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		t.Skip("needs gdb in PATH (apt-get install gdb): ", err)
	}
	cmd := exec.Command(gdb, "-nx", "-q", "-iex", "set auto-load no", "-batch", "-ex", "set disassembly-flavor intel",
		"-ex", "disassemble "+hex(lo)+","+hex(hi), binary)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	lines := map[uint64]string{}
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		if m := gdbLine.FindStringSubmatch(sc.Text()); m != nil {
			addr, err := strconv.ParseUint(m[1], 0, 64)
			if err != nil {
				t.Fatal(err)
			}
			lines[addr] = normalise(m[2])
		}
	}
	return lines
}

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }

// releases are the Go that is first in PATH and others, if they are on this machine.
var releases = []string{"local", "1.10", "1.17", "1.27.4"}

type image struct {
	text elf.Section
	code []byte
	syms map[string]elf.Symbol
	at   map[uint64]string
}

func open(t *testing.T, binary string) image {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im := image{syms: map[string]elf.Symbol{}, at: map[uint64]string{}}
	sec := f.Section(".text")
	im.text.SectionHeader = sec.SectionHeader
	if im.code, err = sec.Data(); err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		im.syms[s.Name] = s
		im.at[s.Value] = s.Name
	}
	return im
}

func (im image) symbol(addr uint64) (string, uint64) {
	if name := im.at[addr]; name != "" {
		return name, addr
	}
	return "", 0
}

func (im image) function(t *testing.T, name string) (lo, hi uint64) {
	t.Helper()
	for _, n := range []string{name + ".abi0", name} {
		if s, ok := im.syms[n]; ok && (name == "runtime.rt0_go" || !strings.HasSuffix(n, ".abi0")) {
			return s.Value, s.Value + s.Size
		}
	}
	t.Fatalf("no symbol %s in the fixture", name)
	return 0, 0
}

func TestIntelIsWhatGdbPrints(t *testing.T) {
	t.Parallel()
	for _, name := range releases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("gdb"); err != nil {
				t.Skip("needs gdb in PATH (apt-get install gdb): ", err)
			}
			binary := buildtest.Hello(t, name)
			im := open(t, binary)
			for _, f := range []string{"runtime.rt0_go", "runtime.check", "runtime.schedinit"} {
				lo, hi := im.function(t, f)
				want := gdbDisassembles(t, binary, lo, hi)
				n, differ := im.compare(t, lo, hi, want)
				if n != len(want) || n < 5 {
					t.Errorf("%s: %d instructions, gdb has %d", f, n, len(want))
				}
				for _, d := range differ {
					t.Error(f, d)
				}
				// The control: one immediate or register changed, and it is seen.
				im.code[lo-im.text.Addr+2] ^= 1
				if _, differ := im.compare(t, lo, hi, want); len(differ) == 0 {
					t.Errorf("%s: a changed byte makes no difference", f)
				}
				im.code[lo-im.text.Addr+2] ^= 1
			}
			if os.Getenv("RT0LAB_TEST_WHOLE") == "" { // two seconds a release
				return
			}
			want := gdbDisassembles(t, binary, im.text.Addr, im.text.Addr+im.text.Size)
			all := 0
			for _, s := range im.syms {
				if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value >= im.text.Addr && s.Value+s.Size <= im.text.Addr+im.text.Size {
					n, differ := im.compare(t, s.Value, s.Value+s.Size, want)
					all += n
					for _, d := range differ {
						t.Error(s.Name, d)
					}
				}
			}
			t.Logf("whole text: %d instructions", all)
		})
	}
}

// compare returns how many instructions there are from lo to hi, and those gdb spells otherwise.
// Where gdb has none (data between functions throws it out of step) there is nothing to compare.
func (im image) compare(t *testing.T, lo, hi uint64, want map[uint64]string) (all int, differ []string) {
	t.Helper()
	insts, err := Decode("amd64", im.code[lo-im.text.Addr:hi-im.text.Addr], lo, im.symbol)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range insts {
		if w, ok := want[in.Addr]; ok && in.Intel != w {
			differ = append(differ, fmt.Sprintf("%#x: %q, gdb says %q (% x)", in.Addr, in.Intel, w, im.code[in.Addr-im.text.Addr:][:in.Len]))
		}
	}
	return len(insts), differ
}
