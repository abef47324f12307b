package startup_test

import (
	"testing"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

const slow = "package main\n\nimport \"time\"\n\nvar x = burn()\n\n//go:noinline\nfunc burn() int {\n\tn := 0\n\tfor from := time.Now(); time.Since(from) < 3*time.Millisecond; n++ {\n\t}\n\treturn n\n}\n\nfunc main() { println(x) }\n"

func compared(tb testing.TB, o startup.Options, a, b string) startup.Comparison {
	tb.Helper()
	results, err := startup.Measure(tb.Context(), []startup.Program{{Path: a}, {Path: b}}, o)
	if err != nil {
		tb.Fatal(err)
	}
	return startup.Compare(results[0], results[1])
}

// A program beside itself: what is measured differs, the program does not.
func TestCompareSame(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Hello(t, "local")
	c := compared(t, startup.Options{Runs: 15}, path, path)
	different := 0
	for _, d := range append(c.Spans, c.Whole) {
		switch d.Verdict() {
		case startup.Slower, startup.Faster:
			different++ // of a hundred such tests, five have one
		case startup.Same:
		default:
			t.Errorf("%s: %s, %+v", d.Name, d.Verdict(), d)
		}
	}
	if different > 1 || len(c.Spans) < 20 {
		t.Errorf("%d of %d spans differ from themselves", different, len(c.Spans))
	}
}

// A program beside one that burns 3 ms in an init function: that span and the whole are slower, and the other way round faster.
func TestCompareSlower(t *testing.T) {
	t.Parallel()
	ready(t)
	fast := buildtest.Program(t, "package main\n\nimport \"time\"\n\nvar x = burn()\n\n//go:noinline\nfunc burn() int { return int(time.Now().Unix()) }\n\nfunc main() { println(x) }\n", lab.Setup{})
	burns := buildtest.Program(t, slow, lab.Setup{})
	for _, inits := range []bool{false, true} {
		name := "main.init"
		if inits {
			name = "main"
		}
		c := compared(t, startup.Options{Runs: 15, Inits: inits}, fast, burns)
		found := false
		for _, d := range c.Spans {
			if d.Name == name {
				found = true
				if d.Verdict() != startup.Slower || d.Delta.Median < 2.5e6 || d.Delta.N != 15 {
					t.Errorf("%s: %s, %+v", d.Name, d.Verdict(), d)
				}
			}
		}
		// A busy machine hides 3 ms in the whole, but does not turn them round.
		if !found || c.Whole.Verdict() == startup.Faster {
			t.Errorf("found %v; the whole: %s, %+v", found, c.Whole.Verdict(), c.Whole)
		}
		for _, d := range startup.Compare(c.B, c.A).Spans {
			if d.Name == name && d.Verdict() != startup.Faster {
				t.Errorf("the other way round: %s, %+v", d.Verdict(), d)
			}
		}
	}
}

// Three runs prove nothing, and are not said to.
func TestCompareTooFew(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Hello(t, "local")
	c := compared(t, startup.Options{Runs: 3}, path, path)
	if v := c.Whole.Verdict(); v != startup.TooFew {
		t.Errorf("%s: %+v", v, c.Whole)
	}
}

// What only one of the two passes is left out, and the others are still comparable.
func TestCompareReleases(t *testing.T) {
	t.Parallel()
	ready(t)
	c := compared(t, startup.Options{Runs: 15}, buildtest.Build(t, "1.20.14", lab.Setup{Gcflags: new(string)}), buildtest.Build(t, "1.27.4", lab.Setup{Gcflags: new(string)}))
	for _, d := range c.Spans {
		if d.Only != "" || d.Delta.N != 15 {
			t.Errorf("%+v", d)
		}
	}
	left := 0
	for _, m := range append(c.A.Missing, c.B.Missing...) {
		if m.Name == "runtime.alginit" {
			left++ // in 1.27 it is randinit's business
		}
	}
	if left != 2 || len(c.Spans) < 20 {
		t.Errorf("%d spans; left out of A: %+v\nof B: %+v", len(c.Spans), c.A.Missing, c.B.Missing)
	}
}

// Where the copies do not fit into the memory together they are measured in turn, and what is
// compared stays together.
func TestBatches(t *testing.T) {
	t.Parallel()
	ready(t)
	const runs = 8
	o := startup.Options{Runs: runs, Warm: 1, Set: 6, Memory: 1}
	c := compared(t, o, buildtest.Build(t, "1.21.13", lab.Setup{Gcflags: new(string)}), buildtest.Build(t, "1.27.4", lab.Setup{Gcflags: new(string)}))
	for _, r := range []startup.Result{c.A, c.B} {
		batchOf, batches := map[int]int{}, 0 // by set
		for _, sample := range r.Samples {
			batches = max(batches, sample.Batch+1)
			if before, known := batchOf[sample.Set]; sample.Set != startup.Bare && known && before != sample.Batch {
				t.Errorf("set %d is in the batches %d and %d", sample.Set, before, sample.Batch)
			}
			batchOf[sample.Set] = sample.Batch
		}
		if batches < 3 || r.Bare.N != batches*runs || r.Observer.N != batches*runs || r.Rounds != runs {
			t.Errorf("%d batches, %d runs without probes, %d ratios, %d rounds", batches, r.Bare.N, r.Observer.N, r.Rounds)
		}
	}
	for _, d := range c.Spans {
		if d.Only != "" || d.Delta.N != runs {
			t.Errorf("%+v", d)
		}
	}
	if c.Whole.Delta.N != c.A.Bare.N {
		t.Errorf("%+v", c.Whole)
	}
}
