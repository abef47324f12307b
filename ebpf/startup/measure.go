package startup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/ebpf"
)

// Rounds after which the precision is looked at, and how many there are at least.
const (
	checkEvery = 5
	leastRuns  = 10
)

// Measure measures the programs side by side: every round runs each set of
// each program, and each program without probes, once and in a shuffled order. The
// error wraps ErrProgram, ErrMilestone, ErrEnd, ErrChanged, ebpf.ErrRights, ebpf.ErrFeature or ctx's.
func Measure(ctx context.Context, programs []Program, o Options) ([]Result, error) {
	if err := ebpf.Ready(); err != nil {
		return nil, err
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	var subjects []*subject
	defer func() {
		for _, s := range subjects {
			s.close()
		}
	}()
	for _, p := range programs {
		s, err := prepare(ctx, p, o)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, s)
	}
	common(subjects)
	for _, s := range subjects {
		s.cut()
	}
	m := &measurement{options: o, subjects: subjects}
	for n, batch := range m.batches() {
		if err := m.batch(ctx, n, batch); err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(subjects))
	for i, s := range subjects {
		results[i] = s.result()
	}
	return results, nil
}

// withDefaults fills in what is not said.
func (o Options) withDefaults() (Options, error) {
	if o.Milestones == nil {
		o.Milestones = Boot()
	}
	if err := sound(o.Milestones); err != nil {
		return o, err
	}
	if o.Set < 0 || o.Runs < 0 || o.Most < 0 || o.Precision < 0 || o.Warm < 0 || o.Timeout < 0 || o.Memory < 0 {
		return o, errors.New("measure a start: a number below 0 means nothing")
	}
	if o.Inits {
		o.Set = cmp.Or(o.Set, InitSet)
	}
	o.Set = cmp.Or(o.Set, DefaultSet)
	o.Most = cmp.Or(o.Most, DefaultMost)
	o.Precision = cmp.Or(o.Precision, DefaultPrecision)
	o.Warm = cmp.Or(o.Warm, DefaultWarm)
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Runs > 0 {
		o.Most = o.Runs
	}
	return o, nil
}

// sound says what is wrong with a list of milestones.
func sound(milestones []Milestone) error {
	if len(milestones) == 0 {
		return fmt.Errorf("%w: the list of milestones is empty", ErrMilestone)
	}
	seen := map[string]bool{}
	for _, m := range milestones {
		if m.Name == "" || m.Name == begin || m.Name == end || seen[m.Name] {
			return fmt.Errorf("%w: the name %q is empty, one of the two ends, or there twice", ErrMilestone, m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}

// common leaves out what is not passed in all programs: a span that ends
// there has no counterpart. Packages are compared one by one.
func common(subjects []*subject) {
	for _, s := range subjects {
		for _, other := range subjects {
			s.order = slices.DeleteFunc(s.order, func(p Point) bool {
				has := p.Package != "" || slices.ContainsFunc(other.order, func(q Point) bool { return q.Name == p.Name })
				if !has {
					s.missing = append(s.missing, Missing{p.Milestone, "left out: " + cmp.Or(other.Name, other.Path) + " does not pass it"})
				}
				return !has
			})
		}
	}
}

func isRuntime(name string) bool { return strings.HasPrefix(name, "runtime.") }

// cut makes the sets: spans that follow one another, and so share a milestone
// with the next set. What is aside goes along in turn.
func (s *subject) cut() {
	size := s.options.Set
	var ends []Point // the probe that ends the runs is in every set
	if s.options.Until != "" {
		ends = s.order[len(s.order)-1:]
	}
	for from := 0; from == 0 || from < len(s.order)-1; from += size {
		to := min(from+size, len(s.order)-1)
		next := &set{number: len(s.sets), points: append([]Point{}, s.order[from:to+1]...)}
		next.spans = len(next.points)
		if len(ends) > 0 && to < len(s.order)-1 {
			next.points = append(next.points, ends...)
		}
		s.sets = append(s.sets, next)
	}
	for i, p := range s.aside {
		to := s.sets[i%len(s.sets)]
		to.points = append(to.points, p)
	}
	s.bare = &set{number: Bare, points: ends}
	if s.options.Inits {
		s.trace = &set{number: traced, points: ends}
	}
	if s.price != nil {
		s.price.points = append(s.price.points, ends...)
	}
}

// measurement is one call of Measure.
type measurement struct {
	options  Options
	subjects []*subject
	done     int
}

// job is one run that is to be made.
type job struct {
	of  *subject
	set *set
}

// batches are the sets whose copies fit into the memory together; each has the bare ones as well.
func (m *measurement) batches() [][]job {
	var bare []job
	var size int64
	for _, s := range m.subjects {
		bare = append(bare, job{s, s.bare})
		size += 2 * s.info.Size()
		for _, other := range []*set{s.trace, s.price} {
			if other != nil {
				bare = append(bare, job{s, other})
				size += s.info.Size()
			}
		}
	}
	var all [][]job
	batch, used := []job(nil), size
	for number := 0; ; number++ {
		// What is compared stays together if it can.
		var next []job
		var more int64
		for _, s := range m.subjects {
			if number < len(s.sets) {
				next = append(next, job{s, s.sets[number]})
				more += s.info.Size()
			}
		}
		if next == nil {
			return append(all, append(batch, bare...))
		}
		if used += more; used > m.options.Memory && batch != nil {
			all = append(all, append(batch, bare...))
			batch, used = nil, size+more
		}
		batch = append(batch, next...)
	}
}

// batch runs one batch until it is precise enough.
func (m *measurement) batch(ctx context.Context, n int, jobs []job) error {
	defer func() {
		for _, j := range jobs {
			j.set.close()
		}
	}()
	// Every tracer's program runs at each exec, and those attached later run within the
	// first span: what is compared is attached one right after the other.
	slices.SortStableFunc(jobs, func(a, b job) int { return cmp.Compare(a.set.number, b.set.number) })
	for _, j := range jobs {
		if err := j.of.arm(j.set); err != nil {
			return err
		}
		// The first run of a copy brings its pages in.
		if _, err := j.of.run(ctx, j.set); err != nil && !errors.Is(err, ebpf.ErrLost) {
			return err
		}
	}
	order := append([]job(nil), jobs...)
	for round := range m.options.Most {
		rand.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		for _, j := range order {
			if j.set.number == traced && round >= mostTraced {
				continue
			}
			sample, err := j.of.run(ctx, j.set)
			sample.Batch, sample.Round = n, round
			if errors.Is(err, ebpf.ErrLost) {
				j.of.lost++
				continue
			}
			if err != nil {
				return err
			}
			j.of.note(sample)
			switch j.set.number {
			case traced:
				readTrace(sample.told, j.of.told)
			case priced:
				j.of.pay(sample)
			default:
				j.of.taken = append(j.of.taken, sample)
			}
			m.done++
			if m.options.Progress != nil {
				m.options.Progress(m.done, m.options.Most*len(jobs))
			}
		}
		if made := round + 1; m.options.Runs == 0 && made >= leastRuns && made%checkEvery == 0 && m.precise(jobs) {
			break
		}
	}
	return nil
}

// precise reports whether every interval of the batch is narrow enough.
func (m *measurement) precise(jobs []job) bool {
	for _, s := range m.subjects {
		if !s.precise(jobs) {
			return false
		}
	}
	return true
}
