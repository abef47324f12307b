package startup

import (
	"slices"
	"time"

	"golang.org/x/perf/benchmath"
)

// interval is the median of values with an interval that assumes no distribution.
func interval(values []float64, confidence float64) Interval {
	i := Interval{N: len(values)}
	if i.N == 0 {
		return i
	}
	sum := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), confidence)
	i.Median, i.Low, i.High = sum.Center, sum.Lo, sum.Hi
	if len(sum.Warnings) == 0 {
		i.Confidence = sum.Confidence
	}
	return i
}

// half is half the width of the interval.
func (i Interval) half() float64 { return (i.High - i.Low) / 2 }

// span is what lies between two milestones that follow one another.
type span struct {
	set      int
	from, to string // exec and exit are names here, too
}

// spans are all of them, in their order.
func (s *subject) spans() []span {
	var all []span
	last := begin
	for _, set := range s.sets {
		for i, p := range set.points[:set.spans] {
			if i == 0 && p.Name == last {
				continue // it ended the set before
			}
			all = append(all, span{set.number, last, p.Name})
			last = p.Name
		}
	}
	if s.options.Until == "" {
		all = append(all, span{s.sets[len(s.sets)-1].number, last, end})
	}
	return all
}

// time is when the sample passed a milestone or an end.
func (sample Sample) time(name string) (time.Duration, bool) {
	switch name {
	case begin:
		return 0, true
	case end:
		return sample.Whole, true
	}
	at, ok := sample.At[name]
	return at, ok
}

// takes are the lengths of a span in its samples.
func (s *subject) takes(sp span) (values []float64) {
	for _, sample := range s.taken {
		from, ok := sample.time(sp.from)
		to, ok2 := sample.time(sp.to)
		if sample.Set == sp.set && ok && ok2 {
			values = append(values, float64(to-from))
		}
	}
	return values
}

// passed are the times of a milestone, from all sets it is in.
func (s *subject) passed(name string) (values []float64) {
	for _, sample := range s.taken {
		if at, ok := sample.time(name); ok && sample.Set != Bare {
			values = append(values, float64(at))
		}
	}
	return values
}

func (s *subject) whole(bare bool) (values []float64) {
	for _, sample := range s.taken {
		if (sample.Set == Bare) == bare {
			values = append(values, float64(sample.Whole))
		}
	}
	return values
}

// moment is one round of one batch.
type moment struct{ batch, round int }

// observer are the ratios of the runs with probes to the bare one of the same round.
func (s *subject) observer() (ratios []float64) {
	type round struct {
		bare []float64
		with []float64
	}
	rounds := map[moment]*round{}
	for _, sample := range s.taken {
		at := moment{sample.Batch, sample.Round}
		r := rounds[at]
		if r == nil {
			r = &round{}
			rounds[at] = r
		}
		if sample.Set == Bare {
			r.bare = append(r.bare, float64(sample.Whole))
		} else {
			r.with = append(r.with, float64(sample.Whole))
		}
	}
	for _, r := range rounds {
		if len(r.bare) > 0 && len(r.with) > 0 {
			ratios = append(ratios, middle(r.with)/middle(r.bare))
		}
	}
	return ratios
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// precise reports whether the spans of the sets among the jobs, and the whole, are known well enough.
func (s *subject) precise(jobs []job) bool {
	whole := interval(s.whole(false), Confidence)
	wanted := s.options.Precision * whole.Median
	if whole.half() > wanted {
		return false
	}
	for _, sp := range s.spans() {
		if slices.ContainsFunc(jobs, func(j job) bool { return j.of == s && j.set.number == sp.set }) && interval(s.takes(sp), Confidence).half() > wanted {
			return false
		}
	}
	return true
}

// result is what was found.
func (s *subject) result() Result {
	r := Result{
		Program: s.Program, Release: s.release, Until: end, Missing: s.missing,
		Whole: interval(s.whole(false), Confidence), Bare: interval(s.whole(true), Confidence),
		Observer: interval(s.observer(), Confidence), Probe: interval(s.paid, Confidence),
		Lost: s.lost, Ends: s.ends, Changed: s.changed(), Samples: s.taken,
	}
	if s.moved != nil {
		r.Moved = s.moved.Error()
	}
	if s.options.Until != "" {
		r.Until = s.options.Until
	}
	for _, sample := range s.taken {
		r.Rounds = max(r.Rounds, sample.Round+1)
	}
	for _, sp := range s.spans() {
		t := Timing{Point: Point{Milestone: Milestone{Name: begin, What: "the kernel has loaded the file"}}, Next: sp.to, set: sp.set, Takes: interval(s.takes(sp), Confidence)}
		if sp.from != begin {
			t.Point = s.point(sp.from)
			t.At = interval(s.passed(sp.from), Confidence)
			t.Trace = interval(s.told[t.Package], Confidence)
		}
		r.Timings = append(r.Timings, t)
	}
	for _, p := range s.aside {
		at := interval(s.passed(p.Name), Confidence)
		before := slices.IndexFunc(r.Timings, func(t Timing) bool { return t.At.Median > at.Median })
		if before < 0 {
			before = len(r.Timings)
		}
		r.Timings = slices.Insert(r.Timings, before, Timing{Point: p, At: at})
	}
	return r
}

func (s *subject) point(name string) Point {
	for _, p := range s.order {
		if p.Name == name {
			return p
		}
	}
	return Point{}
}
