package show_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/ebpf/startup/show"
)

func about(ns float64, n int) startup.Interval {
	return startup.Interval{Median: ns, Low: ns * 0.9, High: ns * 1.1, N: n, Confidence: 0.96}
}

// made is a result that no machine has measured.
func made(name string, factor float64) startup.Result {
	at := func(n string, pkg string, aside bool) startup.Point {
		return startup.Point{Milestone: startup.Milestone{Name: n, Package: pkg, Aside: aside, What: "what " + n + " does"}, Sites: []ebpf.Site{{Cheap: true}}}
	}
	r := startup.Result{
		Program: startup.Program{Name: name, Path: "/bin/" + name}, Release: "go1.26.8", Until: "exit",
		Timings: []startup.Timing{
			{Point: startup.Point{Milestone: startup.Milestone{Name: "exec"}}, Takes: about(20000*factor, 3), Next: "runtime.main"},
			{Point: at("runtime.main", "", false), At: about(20000*factor, 3), Takes: about(1500*factor, 3), Next: "net/http.init"},
			{Point: at("runtime.sysmon", "", true), At: about(21000*factor, 3)},
			{Point: at("net/http.init", "", false), At: about(21500*factor, 3), Takes: about(2500000*factor, 3), Next: "exit"},
		},
		Missing: []startup.Missing{{Milestone: startup.Milestone{Name: "main.init"}, Reason: "main.init is not in this binary"}},
		Whole:   about(2521500*factor, 9), Bare: about(2500000*factor, 3), Observer: about(1.0086, 3), Probe: about(600, 3), Rounds: 3,
		Ends: map[string]int{"exit status 0": 11, "SIGSEGV": 1},
	}
	for round := range 3 {
		r.Samples = append(r.Samples,
			startup.Sample{Round: round, Whole: 2521500, At: map[string]time.Duration{"runtime.main": time.Duration(20000 * factor), "net/http.init": time.Duration(21500 * factor)}},
			startup.Sample{Round: round, Set: startup.Bare, Whole: 2500000})
	}
	return r
}

func text(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Errorf("something could not be computed:\n%s", b.String())
	}
	return b.String()
}

const wantText = `x (go1.26.8): from exec to exit 2.52 ms [2.27 ms – 2.77 ms]

milestone               at       takes  95% interval           what begins there
exec                  0 ns     20.0 µs  18.0 µs – 22.0 µs      ▎                         
runtime.main       20.0 µs     1.50 µs  1.35 µs – 1.65 µs      ▏                         what runtime.main does
runtime.sysmon     21.0 µs                                     what runtime.sysmon does (another thread)
net/http.init      21.5 µs     2.50 ms  2.25 ms – 2.75 ms      ████████████████████████  what net/http.init does
exit               2.52 ms

n = 3 runs of each set of milestones, 3 without probes, shuffled; medians with intervals of at least 95% (no distribution assumed).
The medians of the spans add up to 2.52 ms, 100% of the whole.
Observer effect: +0.9% [-9.2% – +10.9%] of runs without probes, which take 2.50 ms [2.25 ms – 2.75 ms].
Two probes with nothing but a call between them are 600 ns [540 ns – 660 ns] apart: a span as short as that is the probe's own.
Runs as whoever runs rt0lab; ended with: SIGSEGV ×1, exit status 0 ×11.
Probes at cheap instructions: 3 of 3.
Without a time:
  main.init: main.init is not in this binary
`

func TestText(t *testing.T) {
	t.Parallel()
	if got := text(t, func(w io.Writer) error { return show.In("en").Text(w, made("x", 1)) }); got != wantText {
		t.Errorf("%s", got)
	}
	r := made("x", 1)
	r.Lost, r.Changed, r.Moved, r.Program.As.Name = 2, true, "it may not go there", "ann"
	r.Observer.Confidence, r.Observer.N, r.Probe.N = 0, 2, 0
	got := text(t, func(w io.Writer) error { return show.In("en").Text(w, r) })
	for _, want := range []string{"Left out because events were lost: 2 runs.", "/bin/x has changed since", "/bin/x ran as a copy in memory, where it finds neither itself nor what lies beside it: it may not go there.", "Runs as ann;", "+0.9% [too few runs (2)]"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Two probes") {
		t.Errorf("nobody knows what a probe takes:\n%s", got)
	}
}

func TestInits(t *testing.T) {
	t.Parallel()
	r := made("x", 1)
	r.Timings[1].Package, r.Timings[3].Package = "runtime", "net/http"
	r.Timings[3].Trace = about(2400000, 5)
	got := text(t, func(w io.Writer) error { return show.In("en").Text(w, r) })
	want := "2 packages have init functions; they take 2.50 ms, 99% of what all spans take.\n\npackage        takes  95% interval            inittrace  \nnet/http     2.50 ms  2.25 ms – 2.75 ms         2.40 ms  ████████████████████████\nruntime      1.50 µs  1.35 µs – 1.65 µs               -  ▏\n"
	if !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	c := startup.Compare(made("old", 1), made("new", 2))
	c.Spans[0].Delta, c.Spans[1].Delta, c.Whole.Delta = about(20000, 30), about(-4000, 30), startup.Interval{Median: 3, Low: -10, High: 30, N: 30, Confidence: 0.99}
	c.Spans[2].Only = "A"
	got := text(t, func(w io.Writer) error { return show.In("en").CompareText(w, c) })
	for _, want := range []string{
		"A: old (go1.26.8): from", "B: new (go1.26.8): from", "The whole: B is no different [-10 ns – +30 ns].",
		"Less than 2.50 µs is no difference", "slower by 20.0 µs [+18.0 µs – +22.0 µs]", "- (only A has it)", "All intervals hold at once with 95% (each with 98.75%)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	lines := text(t, func(w io.Writer) error { return show.CompareJSONL(w, c) })
	var verdicts []string
	for line := range strings.Lines(lines) {
		var d struct {
			Kind, Verdict string
			Schema        int
		}
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Kind != "difference" || d.Schema != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		verdicts = append(verdicts, d.Verdict)
	}
	if got := strings.Join(verdicts, ", "); got != "no difference, slower, no difference, only there" && got != "no difference, slower, faster, only there" {
		t.Errorf("%s\n%s", got, lines)
	}
}

func TestJSONL(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for line := range strings.Lines(text(t, func(w io.Writer) error { return show.JSONL(w, made("x", 1)) })) {
		var l struct {
			Schema        int
			Kind, Program string
			Missing       string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Schema != 1 || l.Program != "x" {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Missing != "" {
			l.Kind = "missing"
		}
		kinds[l.Kind]++
	}
	if kinds["program"] != 1 || kinds["milestone"] != 4 || kinds["missing"] != 1 {
		t.Errorf("%v", kinds)
	}
}

// What benchstat's own reader makes of it.
func TestBenchstat(t *testing.T) {
	t.Parallel()
	out := text(t, func(w io.Writer) error { return show.Benchstat(w, []startup.Result{made("old", 1), made("new", 2)}) })
	r := benchfmt.NewReader(strings.NewReader(out), "")
	count, sum := map[string]int{}, map[string]float64{}
	for r.Scan() {
		res, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("%v\n%s", r.Result(), out)
		}
		v, _ := res.Value("sec/op")
		key := res.GetConfig("program") + " " + res.Name.String()
		count[key]++
		sum[key] += v
	}
	for key, want := range map[string]float64{
		"old Start/milestone=runtime.main": 1500e-9, "new Start/milestone=runtime.main": 3000e-9, "old Start/milestone=net∕http.init": 2500000e-9,
		"old Start/milestone=exec": 20000e-9, "old Start/milestone=whole": 2521500e-9, "old Start/milestone=bare": 2500000e-9,
	} {
		if got := sum[key] / 3; count[key] != 3 || got < want*0.999 || got > want*1.001 {
			t.Errorf("%s: %d lines, %g s, want %g", key, count[key], got, want)
		}
	}
	if err := r.Err(); err != nil || len(count) != 10 {
		t.Errorf("%v, %v", err, count)
	}
}

// In a trace viewer the spans of a thread follow one another and do not overlap.
func TestChrome(t *testing.T) {
	t.Parallel()
	out := text(t, func(w io.Writer) error {
		return show.Chrome(w, []startup.Result{made("old", 1), made("new", 2)})
	})
	var trace struct {
		TraceEvents []struct {
			Name, Ph string
			Ts, Dur  float64
			Pid, Tid int
			S        string
		}
	}
	if err := json.Unmarshal([]byte(out), &trace); err != nil {
		t.Fatal(err)
	}
	end := map[int]float64{}
	phases := map[string]int{}
	for _, e := range trace.TraceEvents {
		phases[e.Ph]++
		if e.Ph == "X" {
			if e.Ts < end[e.Pid]-1e-6 || e.Ts > end[e.Pid]+1e-6 || e.Tid != 1 {
				t.Errorf("%+v begins at %g, the one before ends at %g", e, e.Ts, end[e.Pid])
			}
			end[e.Pid] = e.Ts + e.Dur
		}
		if e.Ph == "i" && e.S == "" {
			t.Errorf("%+v has no scope", e)
		}
	}
	if phases["X"] != 6 || phases["i"] != 4 || phases["M"] != 6 || end[1] < 2521 || end[1] > 2522 || end[2] < 5042 || end[2] > 5044 {
		t.Errorf("%v, ends %v", phases, end)
	}
}

// It is XML with all names in it and a bar for each span.
func TestSVG(t *testing.T) {
	t.Parallel()
	out := text(t, func(w io.Writer) error {
		return show.SVG(w, []startup.Result{made("old", 1), made("<new>", 2)})
	})
	d := xml.NewDecoder(bufio.NewReader(strings.NewReader(out)))
	var words strings.Builder
	elements := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		switch x := token.(type) {
		case xml.CharData:
			words.Write(x)
		case xml.StartElement:
			elements[x.Name.Local]++
		}
	}
	for _, want := range []string{"exec", "runtime.main", "net/http.init", "old (go1.26.8): 2.52 ms to exit (n = 3, observer effect +0.9%", "<new> (go1.26.8): 5.04 ms"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("%q is not written; there is %s", want, words.String())
		}
	}
	if elements["path"] < 6 || strings.Contains(words.String(), "sysmon") {
		t.Errorf("%v\n%s", elements, words.String())
	}
	if _, err := d.Token(); err == nil {
		t.Error("more behind the end")
	}
}
