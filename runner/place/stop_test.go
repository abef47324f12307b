package place

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Stop
	}{
		{"exec", Stop{Kind: Exec}},
		{"entry", Stop{Kind: Entry}},
		{"runtime.schedinit", Stop{Kind: Function, Func: "runtime.schedinit"}},
		{"runtime.(*mheap).init", Stop{Kind: Function, Func: "runtime.(*mheap).init"}},
		{"runtime.newproc #2", Stop{Kind: Function, Func: "runtime.newproc", Hit: 2}},
		{"runtime.rt0_go: CPUID", Stop{Kind: Instruction, Func: "runtime.rt0_go", Inst: "CPUID"}},
		{"runtime.rt0_go: CPUID #2", Stop{Kind: Instruction, Func: "runtime.rt0_go", Inst: "CPUID", Nth: 2}},
		{"runtime.rt0_go: MOVQ $0x123, *", Stop{Kind: Instruction, Func: "runtime.rt0_go", Inst: "MOVQ $0x123, *"}},
		{"runtime.rt0_go: REP; STOSQ", Stop{Kind: Instruction, Func: "runtime.rt0_go", Inst: "REP; STOSQ"}},
		{"runtime.rt0_go: after CALL runtime.check", Stop{Kind: After, Func: "runtime.rt0_go", Inst: "CALL runtime.check"}},
		{"runtime.rt0_go: after CPUID #3", Stop{Kind: After, Func: "runtime.rt0_go", Inst: "CPUID", Nth: 3}},
		{"runtime.schedinit return", Stop{Kind: Return, Func: "runtime.schedinit"}},
		{"runtime.mstart1, any thread", Stop{Kind: Function, Func: "runtime.mstart1", AnyThread: true}},
		{"runtime.newproc #2, any thread", Stop{Kind: Function, Func: "runtime.newproc", Hit: 2, AnyThread: true}},
		{"entry .. runtime.rt0_go", Stop{Kind: Entry, To: &Stop{Text: "runtime.rt0_go", Kind: Function, Func: "runtime.rt0_go"}}},
		{"exec .. entry", Stop{Kind: Exec, To: &Stop{Text: "entry", Kind: Entry}}},
		{"f: CLD .. g: after CALL h #2, any thread", Stop{Kind: Instruction, Func: "f", Inst: "CLD", AnyThread: true,
			To: &Stop{Text: "g: after CALL h #2", Kind: After, Func: "g", Inst: "CALL h", Nth: 2}}},
		{"type:.eq.runtime.x", Stop{Kind: Function, Func: "type:.eq.runtime.x"}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			tt.want.Text = tt.text
			for _, s := range []*Stop{&tt.want, tt.want.To} {
				if s != nil {
					s.Nth, s.Hit = max(s.Nth, 1), max(s.Hit, 1)
				}
			}
			got, err := ParseStop(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseStopRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "image", "exit", "exit #2", "exec .. exit", "runtime.schedinit ", " runtime.schedinit", "a b", "runtime.newproc #0", "runtime.newproc #-1", "runtime.newproc #+1",
		"runtime.newproc #two", "runtime.newproc #", "runtime.newproc #99999999999999999999", "runtime.newproc#2", "runtime.newproc #2 #3",
		"f: ", "f:", ": CPUID", "f: #2", "f: after ", "f: after", "f: CPUID #0", "f: CPUID # 2", " return", "f return #2", "f: CPUID return #x",
		"exec #2", "a .. ", " .. b", "a .. b .. c", "a .. exec", "a .. b #2", "a, any thread .. b", ", any thread", "a, any threads", "a, any thread, any thread",
	} {
		s, err := ParseStop(text)
		if !errors.Is(err, ErrStop) {
			t.Errorf("%q is %+v, error %v; want ErrStop", text, s, err)
			continue
		}
		if !strings.Contains(err.Error(), "expected exec, entry, F") {
			t.Errorf("%q: the error does not say what is expected: %v", text, err)
		}
	}
}

func FuzzParseStop(f *testing.F) {
	for _, s := range []string{"exec", "entry .. f", "f #2", "f: CPUID #2, any thread", "f: after CALL g", "f return", "a .. b: c .. d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStop(text)
		if err != nil {
			if !errors.Is(err, ErrStop) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if s.Text != text || s.AnyThread != strings.HasSuffix(text, anyThread) {
			t.Fatalf("%q: %+v", text, s)
		}
		for part := &s; part != nil; part = part.To {
			named, inst := part.Kind >= Function, part.Kind == Instruction || part.Kind == After
			if part.Kind == 0 || part.Hit < 1 || part.Nth < 1 || (part.Func != "") != named || (part.Inst != "") != inst {
				t.Fatalf("%q: %+v", text, part)
			}
		}
	})
}
