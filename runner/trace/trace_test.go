package trace_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// tiny is a trace of three instructions: a push, a return into nothing of
// its own, and a system call.
func tiny() *trace.Trace {
	return &trace.Trace{
		Header: trace.Header{
			Release: "go1.26.8", GOOS: "linux", GOARCH: "amd64", Setup: "tiny", Fixture: "hello", Digest: "0123", To: "end",
			Args: []string{"./hello"}, Env: []string{}, Host: trace.Host{Kernel: "6.1", CPU: "a <fast> one", CPUs: 2},
		},
		Funcs: []trace.Func{{Name: "start", Addr: 0x1000, End: 0x1004}, {Name: "end", Addr: 0x1010, End: 0x1020}},
		Lines: []trace.Line{{File: "runtime/a.s", Number: 7, Text: "\tPUSHQ\tAX"}, {File: "runtime/a.s", Number: 8}},
		Insts: []trace.Inst{
			{Addr: 0x1000, Code: []byte{0x50}, Line: 0, Go: "PUSHQ AX", Intel: "push rax"},
			{Addr: 0x1001, Code: []byte{0x0f, 0x05}, Line: 1, Go: "SYSCALL", Intel: "syscall"},
			{Addr: 0x1003, Code: []byte{0xc3}, Line: -1, Go: "RET", Intel: "ret"},
			{Addr: 0x1010, Code: []byte{0x90}, Line: -1, Go: "NOP", Intel: "nop"},
		},
		Vars:   []trace.Var{{Addr: 0x2000, Size: 8, Name: "runtime.x.y"}},
		Memory: []trace.Memory{{Addr: 0x2000, Bytes: make([]byte, 8)}, {Addr: 0x7ff8, Bytes: []byte("12345678\x10\x10\x00\x00\x00\x00\x00\x00")}},
		Start:  trace.Regs{trace.RAX: 39, trace.RSP: 0x8000},
		Steps: []trace.Step{
			{Inst: 0, Syscall: -1, Set: []trace.Set{{Reg: trace.RSP, Value: 0x7ff8}}, Put: []trace.Put{{Addr: 0x7ff8, Bytes: []byte{39, 0, 0, 0, 0, 0, 0, 0}}}},
			{Inst: 1, Syscall: 39, Name: "getpid", Set: []trace.Set{{Reg: trace.RAX, Value: 1}, {Reg: trace.RCX, Value: 0x1003}}, Put: []trace.Put{{Addr: 0x2001, Bytes: []byte{5}}}},
			{Inst: 2, Syscall: -1, Set: []trace.Set{{Reg: trace.RSP, Value: 0x8000}}},
		},
		End:   0x1010,
		Stops: []trace.Stop{{Name: "exec", At: 0}, {Name: "start: SYSCALL", At: 1}, {Name: "end", At: 3}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	file, err := tiny().Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := trace.Decode("tiny", file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tiny(), got); diff != "" {
		t.Error(diff)
	}
	again, err := got.Encode()
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("written again it is not the same (%v)", err)
	}
}

// TestKept reads every trace that is kept: strictly, below the promised size, and under its name.
func TestKept(t *testing.T) {
	t.Parallel()
	const most = 300_000
	data := os.DirFS(filepath.Join("..", ".."))
	files, err := fs.Glob(data, trace.Dir("*")+"/*"+trace.Extension)
	if err != nil || len(files) < 18 {
		t.Fatalf("%d traces (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			tr, err := trace.Read(data, file)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := fs.Stat(data, file); err != nil || info.Size() > most {
				t.Errorf("%d bytes, want at most %d (%v)", info.Size(), most, err)
			}
			for _, text := range slices.Concat(tr.Args, tr.Env) {
				if strings.Contains(text, "/root") || strings.Contains(text, "/tmp") {
					t.Errorf("%q tells of the machine it was made on", text)
				}
			}
			if f := tr.FuncAt(tr.End); f < 0 || tr.Funcs[f].Name != tr.To || tr.Funcs[f].Addr != tr.End {
				t.Errorf("it does not end where %s begins", tr.To)
			}
			walk(t, trace.NewPlayer(tr))
		})
	}
}

// walk compares a player that goes to and fro with one that only goes forwards.
func walk(t *testing.T, p *trace.Player) {
	t.Helper()
	type state struct {
		regs  trace.Regs
		stack []byte
	}
	at := func(pos int) state {
		p.Go(pos)
		content, _ := p.Read(p.Start[trace.RSP]-96, 96)
		return state{p.Regs(), content}
	}
	var forwards []state
	for pos := range len(p.Steps) + 1 {
		forwards = append(forwards, at(pos))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		pos := rnd.IntN(len(p.Steps) + 1)
		if got := at(pos); got.regs != forwards[pos].regs || !bytes.Equal(got.stack, forwards[pos].stack) {
			t.Fatalf("position %d is not the same when one jumps there", pos)
		}
	}
	for pos := len(p.Steps); pos >= 0; pos-- {
		if got := at(pos); got.regs != forwards[pos].regs || !bytes.Equal(got.stack, forwards[pos].stack) {
			t.Fatalf("position %d is not the same backwards", pos)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	text, err := trace.Text(tiny())
	if err != nil {
		t.Fatal(err)
	}
	edit := func(before, after string) []byte {
		if strings.Count(string(text), before) != 1 {
			t.Fatalf("%q is there %d times", before, strings.Count(string(text), before))
		}
		return trace.Pack([]byte(strings.Replace(string(text), before, after, 1)))
	}
	whole := trace.Pack(text)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0x10
	tests := []struct {
		name string
		file []byte
		want error
		says string
	}{
		{"empty", nil, trace.ErrDamaged, "no gzip file"},
		{"another kind of file", []byte("{}"), trace.ErrDamaged, "no gzip file"},
		{"another packed file", trace.Pack([]byte("hello\n")), trace.ErrDamaged, "does not begin"},
		{"cut off", whole[:len(whole)-9], trace.ErrDamaged, "ends too early"},
		{"a bit", flipped, trace.ErrDamaged, ""},
		{"something behind it", append(bytes.Clone(whole), 'x'), trace.ErrDamaged, "something is in it"},
		{"a newer version", edit("trace 1\n", "trace 2\n"), trace.ErrVersion, "reads 1"},
		{"no end", edit("E 1010 3\n", ""), trace.ErrDamaged, "the end is missing"},
		{"half a line", trace.Pack(text[:len(text)-1]), trace.ErrDamaged, "has no end"},
		{"behind the end", trace.Pack(append(bytes.Clone(text), "E 1010 3\n"...)), trace.ErrDamaged, "follows the end"},
		{"a step removed", edit("S + !39:getpid rax=1 rcx=1003 [2001]=05\n", ""), trace.ErrDamaged, "2 steps where there should be 3"},
		{"steps miscounted", edit("E 1010 3\n", "E 1010 4\n"), trace.ErrDamaged, "3 steps where there should be 4"},
		{"an unknown key", edit(`"setup":`, `"setups":`), trace.ErrDamaged, "setups"},
		{"a key twice", edit(`"to":`, `"to":"x","to":`), trace.ErrDamaged, "not as it would be written"},
		{"no register", edit("S + rsp=8000", "S + rxp=8000"), trace.ErrDamaged, "no register"},
		{"a register set to what it is", edit("S + rsp=8000", "S + rsp=7ff8"), trace.ErrDamaged, "set to what it was"},
		{"no instruction there", edit("S 1000", "S 1002"), trace.ErrDamaged, "no instruction"},
		{"memory that is not there", edit("[2001]=05", "[2008]=05"), trace.ErrDamaged, "not there"},
		{"upper case", edit("M 7ff8", "M 7FF8"), trace.ErrDamaged, "line 13: not as it would be written"},
		{"out of order", edit("F 1010 1020 end\n", "F 0fff 1000 end\n"), trace.ErrDamaged, "out of order"},
		{"a line of nothing", edit("L runtime/a.s:8\n", "X runtime/a.s:8\n"), trace.ErrDamaged, "does not belong"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := trace.Decode("x.trace", test.file)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "x.trace") {
				t.Errorf("got %v, want %v with %q", err, test.want, test.says)
			}
		})
	}
	if _, err := trace.Decode("x.trace", whole); err != nil {
		t.Errorf("the whole file: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*trace.Trace){
		"a name with a line in it": func(tr *trace.Trace) { tr.Funcs[0].Name = "a\nb" },
		"no release":               func(tr *trace.Trace) { tr.Release = "" },
		"an end nowhere":           func(tr *trace.Trace) { tr.End = 1 },
		"a stop behind the end":    func(tr *trace.Trace) { tr.Stops[2].At = 4 },
	} {
		tr := tiny()
		spoil(tr)
		if _, err := tr.Encode(); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	file, err := tiny().Encode()
	if err != nil {
		t.Fatal(err)
	}
	const name = "labs/traces/tiny/go1.26.8-linux-amd64.trace"
	data := fstest.MapFS{
		name: {Data: file}, "labs/traces/tiny/go1.27.4-linux-amd64.trace": {Data: file},
		"labs/traces/tiny/go1.25.0-linux-amd64.trace/x": {},
	}
	if _, err := trace.Read(data, name); err != nil {
		t.Error(err)
	}
	if _, err := trace.Read(data, "labs/traces/tiny/go1.27.4-linux-amd64.trace"); !errors.Is(err, trace.ErrDamaged) {
		t.Errorf("under another name: %v", err)
	}
	if _, err := trace.Read(data, "labs/traces/tiny/go1.25.0-linux-amd64.trace"); !errors.Is(err, trace.ErrDamaged) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := trace.Read(data, "labs/traces/tiny/go1.10-linux-amd64.trace"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	releases, err := trace.Releases(data, "tiny", "linux", "amd64")
	if err != nil || len(releases) != 3 {
		t.Errorf("releases %v, %v", releases, err)
	}
}

// TestCompare holds what counts as a difference on the same machine and on another.
func TestCompare(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change    func(*trace.Trace)
		here, far string // what is said on an equal host and on another, "" = nothing
	}{
		"nothing":          {func(*trace.Trace) {}, "", ""},
		"a register":       {func(tr *trace.Trace) { tr.Steps[1].Set[0].Value = 2 }, "changes other registers: [rax=1 rcx=1003] → [rax=2 rcx=1003]", ""},
		"memory":           {func(tr *trace.Trace) { tr.Steps[1].Put[0].Bytes[0] = 6 }, "writes other memory: [[2001]=05] → [[2001]=06]", ""},
		"an instruction":   {func(tr *trace.Trace) { tr.Steps[1].Inst = 2 }, "step 1: 0x1001 SYSCALL → 0x1003 RET", ""},
		"a step less":      {func(tr *trace.Trace) { tr.Steps, tr.Stops[2].At = tr.Steps[:2], 2 }, "steps: 3 → 2", ""},
		"another function": {func(tr *trace.Trace) { tr.Funcs[0].Name = "begin" }, "", "function 1: start → begin"},
		"the end":          {func(tr *trace.Trace) { tr.To = "start" }, "end: end → start", "end: end → start"},
		"a stop more":      {func(tr *trace.Trace) { tr.Stops[0].Name = "entry" }, `"exec" is passed no longer; stop "entry" is not`, `"exec" is passed no longer`},
	} {
		for where, says := range map[string]string{"": test.here, "elsewhere": test.far} {
			now := tiny()
			now.Host.Kernel += where
			test.change(now)
			if got := strings.Join(trace.Compare(tiny(), now), "\n"); (got == "") != (says == "") || !strings.Contains(got, says) {
				t.Errorf("%s %s: %q, want %q", name, where, got, says)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	text, err := trace.Text(tiny())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		tr, err := trace.Decode("x", trace.Pack(text))
		if err != nil {
			if !errors.Is(err, trace.ErrDamaged) && !errors.Is(err, trace.ErrVersion) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := trace.Text(tr)
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("read, and written in another way (%v)", err)
		}
		p := trace.NewPlayer(tr)
		p.Go(len(tr.Steps))
		p.Go(0)
		if p.Regs() != tr.Start {
			t.Fatal("the way back does not lead to the start")
		}
	})
}
