// Package verify walks the way of the data for a set of claims and releases:
// build, place, observe, judge. It starts each setup once per witness, however
// many claims ask for it, and lets the witnesses of a setup run side by side.
//
// It knows no concrete witness and writes nothing; what it returns is what
// record, mutate and the reports are made of.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
)

// DefaultTimeout bounds one observation of one setup by one witness.
const DefaultTimeout = 30 * time.Second

// Builder builds setups; *build.Builder is one.
type Builder interface {
	Build(ctx context.Context, in build.Input) (build.Binary, error)
}

// Engine has everything the way needs. Its fields are set once, before the
// first Run; a Run may go on concurrently with others.
type Engine struct {
	Data    *lab.Data
	Scripts fs.FS // holds scripts/
	Builder Builder
	// Places resolves the stops of one binary.
	Places    func(bin build.Binary, stops []string) ([]place.Place, error)
	Witnesses []observe.Witness
	// Jobs is how many builds and observations run at once; 0 means one per CPU.
	Jobs    int
	Timeout time.Duration // 0 means DefaultTimeout
	// Progress is told what is going on, for a progress bar; nil is allowed.
	// It is called from several goroutines.
	Progress func(Event)

	once sync.Once
	sem  *semaphore.Weighted
}

// Event is a step of a Run that just ended.
type Event struct {
	Release string
	Setup   string
	What    string // "built", or the name of a witness
	Took    time.Duration
}

// Ask is what one Run is to find out.
type Ask struct {
	Claims    []*lab.Claim
	Toolchain release.Toolchain
	// Witnesses limits who is asked; nil means all that the claims name.
	Witnesses []string
	// Overlay is a patched runtime, see build.Input.
	Overlay map[string][]byte
	// BuildOnly asks nobody: the result has the binaries, or why there are none, and no cells.
	BuildOnly bool
}

// Cell is one claim judged on one release.
type Cell struct {
	Claim    *lab.Claim
	Setup    *lab.Setup
	Release  string
	GOOS     string
	GOARCH   string
	Verdict  judge.Verdict
	Duration time.Duration // of the observation that took longest; shared by all claims of the setup
}

// Start is one setup on one release: what was built and what each witness saw.
type Start struct {
	Setup    *lab.Setup
	Binary   build.Binary
	Beside   build.Binary // of Setup.Beside
	BuildErr error        // wraps build.ErrUnsupported, build.ErrNoCompiler, build.ErrCompile …
	// Observations and Errs are by witness; each asked witness is in one of them.
	Observations map[string]observe.Observation
	Errs         map[string]error
	// Scripts are the subjects that each witness has a script for.
	Scripts map[string][]string
}

// Result is what a Run found.
type Result struct {
	Release string
	Cells   []Cell
	Starts  map[string]*Start // by lab.Setup.Key
}

// Run judges the claims on one release. An error means that the run itself
// could not go on (ctx ended, scripts unreadable, a cache folder or an overlay
// that cannot be used); what is wrong with a single setup or witness is in the
// verdicts of its claims.
func (e *Engine) Run(ctx context.Context, ask Ask) (*Result, error) {
	e.once.Do(func() {
		jobs := e.Jobs
		if jobs <= 0 {
			jobs = runtime.NumCPU()
		}
		e.sem = semaphore.NewWeighted(int64(jobs))
	})
	plans, err := e.plan(ask)
	if err != nil {
		return nil, err
	}
	res := &Result{Release: ask.Toolchain.Name, Starts: map[string]*Start{}}
	g, gctx := errgroup.WithContext(ctx)
	for _, p := range plans {
		res.Starts[p.setup.Key()] = p.start
		g.Go(func() error { return e.walk(gctx, ask, p) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if ask.BuildOnly {
		return res, nil
	}
	for _, c := range ask.Claims {
		setup, err := e.setupOf(c)
		if err != nil {
			return nil, err
		}
		names := asked(c, ask.Witnesses)
		if len(names) == 0 && c.Unobservable.En == "" {
			continue
		}
		res.Cells = append(res.Cells, judgeCell(c, setup, names, res))
	}
	return res, nil
}

// plan is one setup with all that is to be seen in it.
type plan struct {
	setup     *lab.Setup
	subjects  []string
	witnesses []string
	start     *Start
}

func (e *Engine) plan(ask Ask) ([]*plan, error) {
	byKey := map[string]*plan{}
	for _, c := range ask.Claims {
		if c.Unobservable.En != "" {
			continue
		}
		setup, err := e.setupOf(c)
		if err != nil {
			return nil, err
		}
		p := byKey[setup.Key()]
		if p == nil {
			p = &plan{setup: setup, start: &Start{
				Setup:        setup,
				Observations: map[string]observe.Observation{},
				Errs:         map[string]error{},
				Scripts:      map[string][]string{},
			}}
			byKey[setup.Key()] = p
		}
		p.subjects = append(p.subjects, fact.Subject(c.Fact))
		p.witnesses = append(p.witnesses, asked(c, ask.Witnesses)...)
	}
	var plans []*plan
	for _, p := range byKey {
		p.subjects, p.witnesses = unique(p.subjects), unique(p.witnesses)
		if len(p.witnesses) > 0 {
			plans = append(plans, p)
		}
	}
	// Those with the most to look at first: they take longest.
	slices.SortFunc(plans, func(a, b *plan) int {
		return cmp.Or(cmp.Compare(len(b.subjects), len(a.subjects)), cmp.Compare(a.setup.Key(), b.setup.Key()))
	})
	return plans, nil
}

// setupOf is the setup of a claim; an unobservable claim may have none.
func (e *Engine) setupOf(c *lab.Claim) (*lab.Setup, error) {
	if s := e.Data.SetupOf(c); s != nil {
		return s, nil
	}
	if c.Unobservable.En != "" {
		return &lab.Setup{}, nil
	}
	return nil, fmt.Errorf("%s:%d: claim %s: no setup %q", c.File, c.Line, c.ID, c.Setup)
}

// walk builds one setup and asks its witnesses, all at the same time.
func (e *Engine) walk(ctx context.Context, ask Ask, p *plan) error {
	bin, err := e.build(ctx, ask, p.setup)
	if err == nil && p.setup.Beside != nil {
		p.start.Beside, err = e.build(ctx, ask, p.setup.Beside)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("verify %s on %s: %w", p.setup.Name, ask.Toolchain.Name, context.Cause(ctx))
	}
	if errors.Is(err, build.ErrCache) || errors.Is(err, build.ErrOverlay) {
		return err // the same for every setup: said once, and no property of a claim
	}
	if p.start.Binary, p.start.BuildErr = bin, err; err != nil || ask.BuildOnly {
		return nil
	}
	reqs, err := e.requests(ask, p, bin)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var g errgroup.Group
	for _, name := range p.witnesses {
		g.Go(func() error {
			obs, err := e.ask(ctx, p.setup, name, reqs[name])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.start.Errs[name] = err
			} else {
				p.start.Observations[name] = obs
			}
			return nil
		})
	}
	_ = g.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("verify %s on %s: %w", p.setup.Name, ask.Toolchain.Name, context.Cause(ctx))
	}
	return nil
}

func (e *Engine) build(ctx context.Context, ask Ask, setup *lab.Setup) (bin build.Binary, err error) {
	err = e.limited(ctx, func() (err error) {
		began := time.Now()
		bin, err = e.Builder.Build(ctx, build.Input{Setup: setup, Toolchain: ask.Toolchain, Overlay: ask.Overlay})
		e.tell(Event{Release: ask.Toolchain.Name, Setup: setup.Name, What: "built", Took: time.Since(began)})
		return err
	})
	return bin, err
}

// ask lets one witness look at a setup as often as the setup says. What starts
// no process sees the same each time and looks once.
func (e *Engine) ask(ctx context.Context, setup *lab.Setup, name string, req observe.Request) (obs observe.Observation, err error) {
	i := slices.IndexFunc(e.Witnesses, func(w observe.Witness) bool { return w.Name() == name })
	if i < 0 {
		return obs, fmt.Errorf("%w: this rt0lab has no witness %q", observe.ErrMachine, name)
	}
	w := e.Witnesses[i]
	if err := w.Ready(ctx); err != nil {
		return obs, err
	}
	runs := 1
	if !lab.ScriptsOf[name].Still {
		runs = max(setup.Runs, 1)
	}
	seen := make([]observe.Observation, runs)
	var g errgroup.Group // without a context: each run of ctx ends by itself
	for i := range seen {
		g.Go(func() error {
			return e.limited(ctx, func() (err error) {
				began := time.Now()
				seen[i], err = w.Observe(ctx, req)
				e.tell(Event{Release: req.Release, Setup: setup.Name, What: name, Took: time.Since(began)})
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return obs, err
	}
	return observe.Reduce(req.Specs, seen), nil
}

func (e *Engine) limited(ctx context.Context, do func() error) error {
	if err := e.sem.Acquire(ctx, 1); err != nil {
		return err
	}
	defer e.sem.Release(1)
	return do()
}

func (e *Engine) tell(ev Event) {
	if e.Progress != nil {
		e.Progress(ev)
	}
}

// judgeCell turns what the witnesses of a setup said of one fact into a verdict.
func judgeCell(c *lab.Claim, setup *lab.Setup, names []string, res *Result) Cell {
	goos, goarch := setup.System()
	cell := Cell{Claim: c, Setup: setup, Release: res.Release, GOOS: goos, GOARCH: goarch}
	seen := map[string]observe.Seen{}
	if start := res.Starts[setup.Key()]; start != nil {
		for _, name := range names {
			seen[name] = start.Seen(name, c.Fact)
			cell.Duration = max(cell.Duration, start.Observations[name].Duration)
		}
	}
	only := *c
	only.Witnesses = names
	cell.Verdict = judge.Claim(&only, seen)
	return cell
}

// Seen is what the witness said of the fact, be it only why it could not see it.
func (s *Start) Seen(witness, name string) observe.Seen {
	switch err := s.BuildErr; {
	case errors.Is(err, build.ErrUnsupported):
		return observe.NotSeen(observe.CauseRelease, "%v", err)
	case errors.Is(err, build.ErrNoCompiler), errors.Is(err, build.ErrNoTool):
		return observe.NotSeen(observe.CauseMachine, "%v", err)
	case err != nil:
		return observe.Broke("%v", err)
	}
	switch err := s.Errs[witness]; {
	case errors.Is(err, observe.ErrMachine):
		return observe.NotSeen(observe.CauseMachine, "%v", err)
	case errors.Is(err, observe.ErrRelease):
		return observe.NotSeen(observe.CauseRelease, "%v", err)
	case err != nil:
		return observe.Broke("%v", err)
	}
	if seen, ok := s.Observations[witness].Facts[name]; ok {
		return seen
	}
	if where, ok := lab.ScriptsOf[witness]; ok && !slices.Contains(s.Scripts[witness], fact.Subject(name)) {
		return observe.Broke("there is no script for %s: %s", witness, where.File(fact.Subject(name)))
	}
	return observe.Broke("%s was asked for %s and said nothing", witness, name)
}

// asked are the witnesses of the claim that the user wants to hear.
func asked(c *lab.Claim, only []string) []string {
	if only == nil {
		return c.Witnesses
	}
	var names []string
	for _, w := range c.Witnesses {
		if slices.Contains(only, w) {
			names = append(names, w)
		}
	}
	return names
}

func unique(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}
