package startup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
)

// subject is one program while it is measured.
type subject struct {
	Program
	options Options
	info    os.FileInfo // of the file, before anything was read
	copy    *ebpf.Copy  // what is measured, as it was then
	moved   error       // why it runs from memory; nil = at its own path
	points  []Point     // all that were placed
	order   []Point     // those that are passed on the way, in their order
	aside   []Point
	missing []Missing
	release string

	sets  []*set
	bare  *set
	trace *set                 // nil when the runtime is not asked
	told  map[string][]float64 // what it says of each package
	price *set                 // two probes with a call between them; nil when there is no such place
	paid  []float64            // by how much they are apart, in ns
	lost  int
	ends  map[string]int
	taken []Sample
}

// set is some milestones with probes in a copy of the program that is theirs alone.
type set struct {
	number int
	points []Point // of the spans, in their order, then the others
	spans  int     // how many of them belong to spans
	probes []int   // probe → index into points
	copy   *ebpf.Copy
	tracer *ebpf.Tracer
}

// prepare reads the program, copies it and learns in which order the milestones are passed.
func prepare(ctx context.Context, p Program, o Options) (s *subject, err error) {
	s = &subject{Program: p, options: o, ends: map[string]int{}, told: map[string][]float64{}}
	if s.info, err = os.Stat(p.Path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProgram, err)
	}
	img, err := open(p.Path)
	if err != nil {
		return nil, err
	}
	s.release = img.Release()
	milestones := o.Milestones
	if o.Inits {
		if milestones, err = Inits(p.Path); err != nil {
			return nil, err
		}
	}
	found, err := Find(p.Path, milestones)
	if err != nil {
		return nil, err
	}
	for _, at := range found {
		if at.Reason != "" {
			s.missing = append(s.missing, Missing{at.Milestone, at.Reason})
			continue
		}
		s.points = append(s.points, at)
	}
	if o.Until != "" && !slices.ContainsFunc(s.points, s.last) {
		for _, m := range s.missing {
			if m.Name == o.Until {
				return nil, fmt.Errorf("%w: stop %s at %s: %s", ErrMilestone, p.Path, o.Until, m.Reason)
			}
		}
		return nil, fmt.Errorf("%w: stop %s at %s: it is not among the milestones", ErrMilestone, p.Path, o.Until)
	}
	if len(s.points) == 0 {
		return nil, fmt.Errorf("%w: none of %d has a place in %s: %s", ErrMilestone, len(milestones), p.Path, s.missing[0].Reason)
	}
	if s.price, err = priceOf(p.Path); err != nil {
		return nil, err
	}
	if s.copy, err = ebpf.InMemory(p.Path); err != nil {
		return nil, err
	}
	if s.changed() {
		s.close()
		return nil, fmt.Errorf("%w: %s (measure when the build is over)", ErrChanged, p.Path)
	}
	if err := s.scout(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// last reports whether the runs end at a point.
func (s *subject) last(p Point) bool { return p.Name == s.options.Until }

// changed reports whether the file is another one than at first.
func (s *subject) changed() bool {
	now, err := os.Stat(s.Path)
	return err != nil || !os.SameFile(s.info, now) || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime())
}

func (s *subject) close() {
	for _, set := range s.sets {
		set.close()
	}
	for _, set := range []*set{s.bare, s.trace, s.price} {
		if set != nil {
			set.close()
		}
	}
	if s.copy != nil {
		s.copy.Close()
	}
}

// ringOfEnds has room for the exec and the ends of 26,000 threads that nobody has read yet: what is passed is
// not in the ring. A large program has dozens of sets, and the kernel's memory holds a ring for each.
const ringOfEnds = 1 << 20

// arm puts the probes of a set into a copy of their own.
func (s *subject) arm(set *set) (err error) {
	if set.copy, err = s.another(); err != nil {
		return err
	}
	o := ebpf.Options{Copy: set.copy, Quiet: true, Ring: ringOfEnds}
	for i, p := range set.points {
		for _, site := range p.Sites {
			// The runtime's are passed by the first thread, which later threads may do again.
			first := !p.Aside && isRuntime(p.Name)
			o.Probes = append(o.Probes, ebpf.Probe{Site: site, FirstThread: first, Once: true, Last: s.last(p)})
			set.probes = append(set.probes, i)
		}
	}
	if set.tracer, err = ebpf.Open(o); err != nil {
		set.close()
		return err
	}
	return nil
}

// another is one more copy: at the program's own path, or if this cannot be in memory.
func (s *subject) another() (*ebpf.Copy, error) {
	if s.moved == nil {
		c, err := ebpf.AtPath(s.copy.Name(), s.Path)
		if !errors.Is(err, ebpf.ErrPath) {
			return c, err
		}
		s.moved = err
	}
	return ebpf.InMemory(s.copy.Name())
}

// close takes the probes away; nobody has to wait for that, as the file is nobody else's.
func (s *set) close() {
	tracer, program := s.tracer, s.copy
	s.tracer, s.copy, s.probes = nil, nil, nil
	if tracer != nil {
		go func() { _ = tracer.Close() }()
	}
	if program != nil {
		program.Close()
	}
}

// run starts the program once with the probes of the set. Where it does not become the copy (the
// file at its path was replaced, or its user may not go there) it is started from memory.
func (s *subject) run(ctx context.Context, set *set) (Sample, error) {
	sample, err := s.start(ctx, set)
	var failed *os.PathError
	if err == nil || set.copy.Path() == set.copy.Name() || !errors.Is(err, ebpf.ErrOther) && !errors.As(err, &failed) {
		return sample, err
	}
	set.copy.Leave()
	sample, inMemory := s.start(ctx, set)
	if errors.As(inMemory, &failed) && errors.Is(err, os.ErrPermission) {
		return sample, fmt.Errorf("%w (a file system mounted with noexec forbids it, or a folder that its user may not enter)", err)
	}
	s.moved = err
	return sample, inMemory
}

func (s *subject) start(ctx context.Context, set *set) (Sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, errTimeout)
	defer cancel()
	cmd := &exec.Cmd{Path: set.copy.Path(), Args: append([]string{s.Path}, s.Args...), Env: s.environment(), Dir: s.Dir, SysProcAttr: apart(s.As)}
	if s.Output != nil {
		cmd.Stdout, cmd.Stderr = s.Output, s.Output
	}
	var words told
	if set.number == traced {
		cmd.Env, cmd.Stderr = withTrace(cmd.Env), &words
		cmd.WaitDelay = time.Second // a child of its own may keep stderr open
	}
	if s.Stdin != "" {
		in, err := os.Open(s.Stdin)
		if err != nil {
			return Sample{}, fmt.Errorf("standard input of %s: %w", s.Path, err)
		}
		defer in.Close()
		cmd.Stdin = in
	}
	sample := Sample{Set: set.number, At: map[string]time.Duration{}}
	ended, err := set.tracer.Run(ctx, cmd, func(e ebpf.Event) bool {
		if e.Kind == ebpf.Exit {
			sample.Whole = e.Time // the last thread's counts
		}
		return true
	})
	reached := false // the end, which is not always the program's own
	for probe, at := range ended.First {
		p := set.points[set.probes[probe]]
		if before, several := sample.At[p.Name]; !several || at < before {
			sample.At[p.Name] = at
		}
		if s.last(p) {
			sample.Whole, reached = sample.At[p.Name], true
		}
	}
	sample.End, sample.Stopped, sample.told = ended, reached && s.options.Until != "", words.Bytes()
	switch {
	case err != nil:
		return sample, err
	case reached:
	case errors.Is(context.Cause(ctx), errTimeout):
		return sample, fmt.Errorf("%w: %s runs on after %s; say where it is far enough (--until main.main), or --timeout", ErrEnd, s.Path, s.options.Timeout)
	case ctx.Err() != nil:
		return sample, context.Cause(ctx)
	case s.options.Until != "":
		return sample, fmt.Errorf("%w: %s ended (%s) before it passed %s", ErrEnd, s.Path, how(sample.End), s.options.Until)
	}
	return sample, nil
}

// errTimeout tells the timeout of one run from the end of the caller's context.
var errTimeout = errors.New("timeout of a run")

// how says how a run ended.
func how(r ebpf.Run) string {
	if r.Signal != "" {
		return r.Signal
	}
	return fmt.Sprintf("exit status %d", r.ExitCode)
}

// note counts how a run ended.
func (s *subject) note(sample Sample) {
	if sample.Stopped {
		s.ends["stopped at "+s.options.Until]++
		return
	}
	s.ends[how(sample.End)]++
}

// scout runs the program with all probes at once and learns which milestones are
// passed, and in which order. These runs warm everything up and are not counted.
func (s *subject) scout(ctx context.Context) error {
	all := &set{points: s.points}
	if err := s.arm(all); err != nil {
		return err
	}
	defer all.close()
	seen := map[string][]time.Duration{}
	for range max(1, s.options.Warm) {
		sample, err := s.run(ctx, all)
		if err != nil && !errors.Is(err, ebpf.ErrLost) {
			return err
		}
		for name, at := range sample.At {
			seen[name] = append(seen[name], at)
		}
	}
	for _, p := range s.points {
		switch {
		case len(seen[p.Name]) == 0:
			s.missing = append(s.missing, Missing{p.Milestone, "it was not passed"})
		case p.Aside:
			s.aside = append(s.aside, p)
		default:
			s.order = append(s.order, p)
		}
	}
	if len(s.order) == 0 {
		return fmt.Errorf("%w: none of %d in %s was passed", ErrMilestone, len(s.points), s.Path)
	}
	middle := func(p Point) time.Duration {
		at := slices.Sorted(slices.Values(seen[p.Name]))
		return at[len(at)/2]
	}
	slices.SortStableFunc(s.order, func(a, b Point) int { return int(middle(a) - middle(b)) })
	if i := slices.IndexFunc(s.order, s.last); i >= 0 {
		s.order = s.order[:i+1]
	}
	return nil
}
