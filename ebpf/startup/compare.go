package startup

import (
	"cmp"
	"maps"
	"slices"
)

// Difference is what a span takes in two programs that were measured side by side.
type Difference struct {
	// Name is the milestone with which the span begins, a package, or "" for the whole run without probes.
	Name string
	// NextA and NextB are where it ends: two releases may do things in another order. Of
	// packages they are "": whatever comes next.
	NextA, NextB string
	A, B         Interval
	// Delta is B − A within the same round, in nanoseconds, with an interval that is
	// so wide that all of a Comparison hold at once.
	Delta Interval
	// Only is set when the other program has no such span: "A" or "B".
	Only string
	// Resolution is what is no difference, in nanoseconds: two copies of one program
	// lie in the memory differently, and differ by as much in every run.
	Resolution float64
}

// What two copies of one program may differ by: this, or this part of the whole.
const (
	leastResolution = 2000
	resolutionPart  = 0.001
)

// Resolution is what no difference can be told from, in nanoseconds.
func (r Result) Resolution() float64 { return max(leastResolution, resolutionPart*r.Bare.Median) }

// Verdict says what a difference means.
type Verdict string

// The verdicts. B is slower when all of the interval lies above the resolution.
const (
	Same    Verdict = "no difference"
	Slower  Verdict = "slower"
	Faster  Verdict = "faster"
	TooFew  Verdict = "too few runs"
	Unknown Verdict = "only there"
)

// Verdict is what can be said of B.
func (d Difference) Verdict() Verdict {
	switch {
	case d.Only != "":
		return Unknown
	case d.Delta.Confidence == 0:
		return TooFew
	case d.Delta.Low > d.Resolution:
		return Slower
	case d.Delta.High < -d.Resolution:
		return Faster
	}
	return Same
}

// Comparison is two programs beside one another.
type Comparison struct {
	A, B Result
	// Whole is that of the runs without probes.
	Whole Difference
	// Spans are in the order of A; of packages the largest differences come first.
	Spans []Difference
	// Confidence is that of each single interval.
	Confidence float64
}

// Compare compares what one call of Measure has measured. The rounds pair
// the runs: what disturbs the machine for longer than a round disturbs both.
func Compare(a, b Result) Comparison {
	c := Comparison{A: a, B: b}
	left, right := keyed(a), keyed(b)
	c.Confidence = 1 - (1-Confidence)/float64(1+len(left))
	c.Whole = c.difference(Difference{A: a.Bare, B: b.Bare, NextA: a.Until, NextB: b.Until}, wholes(a), wholes(b))
	for _, one := range left {
		d := Difference{Name: one.name, NextA: one.next, A: one.Takes, Only: "A"}
		if i := slices.IndexFunc(right, one.same); i >= 0 {
			d.B, d.NextB, d.Only = right[i].Takes, right[i].next, ""
			d = c.difference(d, rounds(a, one.Timing), rounds(b, right[i].Timing))
		}
		c.Spans = append(c.Spans, d)
	}
	for _, one := range right {
		if !slices.ContainsFunc(left, one.same) {
			c.Spans = append(c.Spans, Difference{Name: one.name, NextB: one.next, B: one.Takes, Only: "B"})
		}
	}
	if slices.ContainsFunc(left, func(k key) bool { return k.Package != "" }) {
		slices.SortStableFunc(c.Spans, func(a, b Difference) int { return cmp.Compare(b.size(), a.size()) })
	}
	return c
}

// size is by how much a span matters for the difference of the whole.
func (d Difference) size() float64 {
	switch d.Only {
	case "A":
		return d.A.Median
	case "B":
		return d.B.Median
	}
	return max(d.Delta.Median, -d.Delta.Median)
}

// key is a span with what makes it the same in another program.
type key struct {
	Timing
	name, next string
}

func (k key) same(other key) bool { return k.name == other.name }

func keyed(r Result) (keys []key) {
	for _, t := range r.Timings {
		switch {
		case t.Takes.N == 0:
		case t.Package != "":
			keys = append(keys, key{t, t.Package, ""})
		default:
			keys = append(keys, key{t, t.Name, t.Next})
		}
	}
	return keys
}

// rounds are the lengths of a span by the round in which they were measured; all of them are of one batch.
func rounds(r Result, t Timing) map[moment]float64 {
	values := map[moment]float64{}
	for _, sample := range r.Samples {
		from, ok := sample.time(t.Name)
		to, ok2 := sample.time(t.Next)
		if sample.Set == t.set && ok && ok2 {
			values[moment{round: sample.Round}] = float64(to - from)
		}
	}
	return values
}

// wholes are the runs without probes.
func wholes(r Result) map[moment]float64 {
	values := map[moment]float64{}
	for _, sample := range r.Samples {
		if sample.Set == Bare {
			values[moment{sample.Batch, sample.Round}] = float64(sample.Whole)
		}
	}
	return values
}

func (c Comparison) difference(d Difference, a, b map[moment]float64) Difference {
	var deltas []float64
	for round, before := range a {
		if after, ok := b[round]; ok {
			deltas = append(deltas, after-before)
		}
	}
	d.Delta = interval(deltas, c.Confidence)
	d.Resolution = c.A.Resolution()
	return d
}

// Spans are the lengths of the span that begins with a timing of the result, one for each run, in nanoseconds.
func (r Result) Spans(t Timing) []float64 {
	if t.Takes.N == 0 {
		return nil
	}
	byRound := rounds(r, t)
	values := make([]float64, 0, len(byRound))
	for _, at := range slices.SortedFunc(maps.Keys(byRound), func(a, b moment) int { return cmp.Compare(a.round, b.round) }) {
		values = append(values, byRound[at])
	}
	return values
}

// Sum is what all spans take together, in nanoseconds: the whole, unless runs are interrupted.
func (r Result) Sum() (ns float64) {
	for _, t := range r.Timings {
		ns += t.Takes.Median
	}
	return ns
}
