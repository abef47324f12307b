package report_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

type change func(*report.Line)

// line returns one as most are: seen alike by both debuggers, as recorded.
func line(release, claim string, o judge.Outcome, v fact.Value, changes ...change) report.Line {
	l := report.Line{
		Schema: 1, Lab: "03-g0", Claim: claim, Setup: "plain", Release: release, GOOS: "linux", GOARCH: "amd64",
		Outcome: o, Recorded: &o, Fact: "g0.stack.size", Unit: "bytes", Want: "equals 65432",
		Saw: map[string]fact.Value{}, Unseen: map[string]observe.Unseen{}, DurationMS: 41,
	}
	if v.IsValid() {
		l.Saw["delve"], l.Saw["gdb"] = v, v
	}
	for _, do := range changes {
		do(&l)
	}
	return l
}

func about(factName, unit, want string) change {
	return func(l *report.Line) { l.Fact, l.Unit, l.Want = factName, unit, want }
}

func in(lab string) change { return func(l *report.Line) { l.Lab = lab } }

func because(reason string) change { return func(l *report.Line) { l.Reason = reason } }

func recorded(o judge.Outcome, why string) change {
	return func(l *report.Line) { l.Recorded, l.Drift, l.Reason = &o, true, why }
}

func unrecorded(l *report.Line) { l.Recorded = nil }

func unseen(c observe.Cause, reason string, witnesses ...string) change {
	return func(l *report.Line) {
		for _, w := range witnesses {
			delete(l.Saw, w)
			l.Unseen[w] = observe.Unseen{Cause: c, Reason: reason}
		}
		if len(l.Saw) == 0 {
			l.Reason = reason
		}
	}
}

// example has a line of every kind.
func example() []report.Line {
	none := fact.Value{}
	calls := fact.ListOf(fact.TextOf("runtime.args"), fact.TextOf("runtime.osinit"), fact.TextOf("runtime.schedinit"),
		fact.TextOf("runtime.newproc"), fact.TextOf("runtime.mstart"), fact.TextOf("runtime.abort"))
	noGdb := "gdb is not there: not possible on this machine; install gdb 10 or newer (apt install gdb)"
	return []report.Line{
		line("go1.26.8", "g0-stack-lo", judge.Refuted, fact.IntOf(65536)),
		line("go1.26.8", "g0-stack-size", judge.Holds, fact.IntOf(65536)),
		line("go1.26.8", "g0-calls", judge.Refuted, calls, about("rt0.calls", "", "ordered runtime.args, runtime.check, runtime.schedinit")),
		line("go1.26.8", "g0-mask", judge.Holds, fact.AddressOf(0xfffffffffffffff0), about("g0.mask", "", "equals 0xfffffffffffffff0"),
			unseen(observe.CauseRelease, "inlined", "delve")),
		line("go1.26.8", "g0-gone", judge.Refuted, fact.AbsentValue(), about("g0.siz", "count", "equals 8")),
		line("go1.26.8", "g0-no-gdb", judge.Holds, fact.BoolOf(true), about("g0.on", "", "equals true"), unseen(observe.CauseMachine, noGdb, "gdb")),
		line("go1.26.8", "m-count", judge.Untested, none, in("04-m"), unseen(observe.CauseMachine, noGdb, "gdb")),
		line("go1.26.8", "m-id", judge.Untested, none, in("04-m"), unseen(observe.CauseMachine, noGdb, "gdb")),
		line("go1.26.8", "m-hidden", judge.Untested, none, in("04-m"), unseen(observe.CauseRelease, "runtime.stackinit is inlined", "delve", "gdb")),
		line("go1.26.8", "m-printed", judge.Untested, none, in("04-m"), because("it is about a printed address")),
		line("go1.26.8", "m-raises", judge.Broken, none, in("04-m"), because("gdb: scripts/gdb/m.py:12: gdb.error: No symbol \"x\x1b[31m\"\nTraceback:\n  line 3"), unrecorded),
		line("go1.26.8", "m-drifts", judge.Refuted, fact.IntOf(3), in("04-m"), about("m.count", "", "equals 2"),
			recorded(judge.Holds, "go1.26.8: holds (2), now refuted (3)")),
		line("go1.26.8", "m-moves", judge.Holds, fact.IntOf(3), in("04-m"), about("m.max", "", "between 1 and 4"),
			recorded(judge.Holds, "go1.26.8: 2, now 3")),
		line("go1.26.8", "m-lost", judge.Untested, none, in("04-m"), unseen(observe.CauseRelease, "inlined", "delve", "gdb"),
			recorded(judge.Holds, "inlined; go1.26.8: holds (2), now untested")),
		line("go1.10", "g0-stack-lo", judge.Holds, fact.IntOf(65432)),
		line("go1.10", "g0-stack-size", judge.Refuted, fact.IntOf(65432), unrecorded),
	}
}

// over returns lines of many releases, for the matrix.
func over() []report.Line {
	var lines []report.Line
	heap := uint64(0xc420000000)
	for i, r := range []string{"go1.10", "go1.11.13", "go1.20.14", "go1.21.13", "go1.26.2", "go1.26.8", "devel go1.28-ab\x1b"} {
		size, lo := judge.Refuted, judge.Holds
		v := fact.IntOf(65432)
		if i >= 3 {
			size, lo, v = judge.Holds, judge.Refuted, fact.IntOf(65536)
		}
		lines = append(lines, line(r, "g0-stack-lo", lo, v), line(r, "g0-stack-size", size, v))
		if i != 2 {
			lines = append(lines, line(r, "g0-name", judge.Holds, fact.TextOf("a|b <*_>\x1b[2J"), about("g0.name", "", "present")))
		}
		lines = append(lines, line(r, "heap-base", judge.Holds, fact.AddressOf(heap+uint64(i)), in("05-heap"), about("heap.base", "", "present")))
		switch {
		case i < 2:
			lines = append(lines, line(r, "heap-hidden", judge.Untested, fact.Value{}, in("05-heap"), unseen(observe.CauseRelease, "inlined", "delve", "gdb")))
		case i == 2:
			lines = append(lines, line(r, "heap-hidden", judge.Broken, fact.Value{}, in("05-heap"), because("x")))
		default:
			lines = append(lines, line(r, "heap-hidden", judge.Refuted, fact.AbsentValue(), in("05-heap"), about("heap.h", "count", "equals 1")))
		}
	}
	return lines
}

func full(lang string) report.Style {
	return report.Style{
		Lang: lang,
		Says: func(l report.Line) string {
			if l.Claim != "g0-stack-lo" {
				return ""
			}
			if lang == "zh" {
				return "g0 的第一个栈是 64 KiB 减去 104 字节，从内核给的栈里切出来，而不是另外分配的一块内存"
			}
			return "g0's first stack is 64 KiB minus 104 bytes, cut out of the stack the kernel gave"
		},
		Since: func(l report.Line) (string, bool) {
			if l.Claim == "g0-stack-lo" {
				return "go1.21.13", false
			}
			return "go1.10", l.Claim == "g0-gone"
		},
		Why: func(l report.Line) string {
			if l.Claim == "g0-stack-lo" {
				return "rt0_go: LEAQ (-64*1024)(SP)"
			}
			return ""
		},
		Varies: func(l report.Line) bool { return l.Fact == "heap.base" },
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	narrow := func(lang string) report.Style { s := full(lang); s.Width = 60; return s }
	colored := full("en")
	colored.Color = true
	author := func(lang string) report.Style { s := full(lang); s.Post = "S1"; return s }
	// diff compares what over has of two releases, and knows of one other fact.
	diff := func(old, now string, facts ...string) func(io.Writer, []report.Line, report.Style) error {
		return func(w io.Writer, lines []report.Line, s report.Style) error {
			on := func(release string) (some []report.Line) {
				for _, l := range lines {
					if l.Release == release {
						some = append(some, l)
					}
				}
				return some
			}
			return report.Diff(w, report.Changed(on(old), on(now), s), facts, s)
		}
	}
	tests := []struct {
		file  string
		write func(io.Writer, []report.Line, report.Style) error
		lines []report.Line
		style report.Style
	}{
		{"text.en.txt", report.Text, example(), full("en")},
		{"text.zh.txt", report.Text, example(), full("zh")},
		{"text.en.narrow.txt", report.Text, example(), narrow("en")},
		{"text.zh.narrow.txt", report.Text, example(), narrow("zh")},
		{"text.color.txt", report.Text, example(), colored},
		{"text.plain.txt", report.Text, example(), report.Style{}},
		{"text.good.txt", report.Text, example()[1:2], report.Style{}},
		{"text.empty.txt", report.Text, nil, report.Style{}},
		{"post.en.txt", report.Text, example(), author("en")},
		{"post.zh.txt", report.Text, example(), author("zh")},
		{"diff.en.txt", diff("go1.11.13", "go1.20.14", "05-heap plain heap.x: 1 → 2\x1b"), over(), full("en")},
		{"diff.narrow.txt", diff("go1.20.14", "go1.21.13", "05-heap plain heap.x: a long list of names → an even longer list of names"), over(), narrow("zh")},
		{"diff.none.txt", diff("go1.26.2", "go1.26.8"), over(), full("en")},
		{"matrix.en.txt", report.Matrix, over(), full("en")},
		{"matrix.zh.txt", report.Matrix, over(), full("zh")},
		{"matrix.narrow.txt", report.Matrix, over(), narrow("en")},
		{"matrix.en.md", report.Markdown, over(), full("en")},
		{"matrix.zh.md", report.Markdown, over(), full("zh")},
		{"matrix.empty.txt", report.Matrix, nil, report.Style{Lang: "zh"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := tt.write(&got, tt.lines, tt.style); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", tt.file)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("differs from %s (-want +got); -update writes it anew\n%s", golden, diff)
			}
			if !tt.style.Color && strings.ContainsFunc(got.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
				t.Error("a control character is printed")
			}
			if tt.style.Width > 0 {
				for l := range strings.Lines(got.String()) {
					if w := uniseg.StringWidth(strings.TrimSuffix(l, "\n")); w > tt.style.Width {
						t.Errorf("%d columns wide, not %d: %s", w, tt.style.Width, l)
					}
				}
			}
		})
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	holds := judge.Refuted
	var b bytes.Buffer
	err := report.JSONLines(&b, []report.Line{{
		Lab: "03-g0", Claim: "g0-stack-lo", Setup: "plain", Release: "go1.26.8", GOOS: "linux", GOARCH: "amd64",
		Outcome: judge.Refuted, Recorded: &holds, Fact: "g0.stack.size", Unit: "bytes", Want: "equals 65432",
		Saw: map[string]fact.Value{"gdb": fact.IntOf(65536), "delve": fact.IntOf(65536)}, DurationMS: 41,
	}, {
		Lab: "x", Claim: "y", Release: "go1.10", GOOS: "linux", GOARCH: "amd64", Outcome: judge.Holds, Want: `has <x> & "y"`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"schema":1,"lab":"03-g0","claim":"g0-stack-lo","setup":"plain","release":"go1.26.8","goos":"linux","goarch":"amd64",` +
		`"outcome":"refuted","recorded":"refuted","drift":false,"fact":"g0.stack.size","unit":"bytes","want":"equals 65432",` +
		`"saw":{"delve":65536,"gdb":65536},"unseen":{},"reason":"","duration_ms":41}` + "\n" +
		`{"schema":1,"lab":"x","claim":"y","setup":"","release":"go1.10","goos":"linux","goarch":"amd64",` +
		`"outcome":"holds","recorded":null,"drift":false,"fact":"","unit":"","want":"has <x> & \"y\"",` +
		`"saw":{},"unseen":{},"reason":"","duration_ms":0}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("JSONLines() (-want +got)\n%s", diff)
	}
}

func encode(t *testing.T, lines []report.Line) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSONLines(&b, lines); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRead(t *testing.T) {
	t.Parallel()
	all := example()
	sorted, err := report.Read(strings.NewReader(encode(t, all)))
	if err != nil {
		t.Fatal(err)
	}
	if sorted[0].Release != "go1.10" || len(sorted) != len(all) {
		t.Errorf("Read() = %d lines, the first of %s", len(sorted), sorted[0].Release)
	}
	t.Run("shards in any order", func(t *testing.T) {
		t.Parallel()
		slower := all[0]
		slower.DurationMS = 9999
		shards := func(parts ...[]report.Line) []io.Reader {
			var rs []io.Reader
			for _, p := range parts {
				// The last line of a shard may lack its line end.
				rs = append(rs, strings.NewReader(strings.TrimSuffix(encode(t, p), "\n")))
			}
			return rs
		}
		for _, rs := range [][]io.Reader{shards(all[:14], all[14:]), shards(all[14:], []report.Line{slower}, all[1:14], nil), shards(all, []report.Line{slower})} {
			got, err := report.Read(rs...)
			if err != nil {
				t.Fatal(err)
			}
			var a, b bytes.Buffer
			if err := errors.Join(report.Matrix(&a, got, report.Style{}), report.Matrix(&b, all, report.Style{})); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(all) {
				t.Errorf("Read() = %d lines, want %d", len(got), len(all))
			}
			if !strings.Contains(a.String(), "g0-stack-lo") || len(a.String()) != len(b.String()) {
				t.Errorf("merged:\n%s\nwhole:\n%s", &a, &b)
			}
		}
	})
	t.Run("contradiction", func(t *testing.T) {
		t.Parallel()
		other := all[1]
		other.Outcome = judge.Broken
		_, err := report.Read(strings.NewReader(encode(t, all)), strings.NewReader("\n"+encode(t, []report.Line{other})))
		if !errors.Is(err, report.ErrLine) || !strings.Contains(err.Error(), "shard 2, line 2") || !strings.Contains(err.Error(), "g0-stack-size on go1.26.8") {
			t.Errorf("Read() = %v", err)
		}
	})
	good := strings.TrimSpace(encode(t, all[:1]))
	for name, tt := range map[string]struct{ old, new, want string }{
		"unknown key":      {`"goos"`, `"os"`, `unknown key "os"`},
		"other case":       {`"goos"`, `"GOOS"`, `unknown key "GOOS"`},
		"missing key":      {`"drift":false,`, ``, `key "drift" is missing`},
		"another schema":   {`"schema":1`, `"schema":2`, `schema 2`},
		"unknown outcome":  {`"outcome":"refuted"`, `"outcome":"passed"`, `outcome "passed"`},
		"unknown recorded": {`"recorded":"refuted"`, `"recorded":"passed"`, `recorded "passed"`},
		"null":             {`"saw":{"delve":65536,"gdb":65536}`, `"saw":null`, `saw is null`},
		"float":            {`65536`, `1.5`, `1.5`},
		"no claim":         {`"claim":"g0-stack-lo"`, `"claim":""`, `empty`},
		"drift of nothing": {`"recorded":"refuted","drift":false`, `"recorded":null,"drift":true`, `nothing is recorded`},
		"cut off":          {`,"duration_ms":41}`, ``, `unexpected end`},
		"unknown unseen":   {`"unseen":{}`, `"unseen":{"gdb":{"why":"x"}}`, `why`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatalf("%s is not in the line", tt.old)
			}
			_, err := report.Read(strings.NewReader(good + "\n\n" + strings.Replace(bad, "go1.26.8", "go1.26.7", 1) + "\n"))
			if !errors.Is(err, report.ErrLine) || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Read() = %v\nwant it on line 3 about %s", err, tt.want)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	one := fact.IntOf(1)
	good := line("go1.10", "a", judge.Refuted, one)
	drift := line("go1.10", "b", judge.Holds, one, recorded(judge.Refuted, "x"))
	broken := line("go1.10", "c", judge.Broken, one)
	for _, tt := range []struct {
		lines []report.Line
		want  int
	}{
		{nil, 0}, {[]report.Line{good}, 0}, {[]report.Line{drift, good}, 1}, {[]report.Line{drift, broken, good}, 2},
	} {
		if got := report.Status(tt.lines); got != tt.want {
			t.Errorf("Status(%d lines) = %d, want %d", len(tt.lines), got, tt.want)
		}
	}
}
