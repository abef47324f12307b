package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// The engine is tested with witnesses that count and say what they are told
// to: what real ones see is tested with them, and all together by testdata/script.

const labYAML = `schema: 1
title: {en: T, zh: 题}
setups:
  plain: {fixture: one}
  same: {fixture: one}
  other: {fixture: two}
claims:
  - {id: a-one, says: {en: s, zh: 说}, posts: [], fact: t.x, expect: {equals: 1}}
  - {id: a-two, says: {en: s, zh: 说}, posts: [], fact: t.y, expect: {equals: 1}}
  - {id: a-same, says: {en: s, zh: 说}, posts: [], fact: t.x, setup: same, expect: {equals: 1}}
  - {id: a-other, says: {en: s, zh: 说}, posts: [], fact: t.x, setup: other, witnesses: [delve], expect: {equals: 1}}
  - {id: a-third, says: {en: s, zh: 说}, posts: [], fact: u.z, witnesses: [gdb], expect: {equals: 1}}
  - {id: a-never, says: {en: s, zh: 说}, posts: [], unobservable: {en: no, zh: 不}}
`

func files() fstest.MapFS {
	fsys := fstest.MapFS{"labs/01-t/lab.yaml": {Data: []byte(labYAML)}}
	for _, subject := range []string{"t", "u"} {
		facts := "  t.x: {type: int, at: [main.main, image], en: x, zh: x}\n  t.y: {type: int, at: main.init, en: y, zh: y}\n"
		if subject == "u" {
			facts = "  u.z: {type: int, at: main.z, en: z, zh: z}\n"
		}
		fsys["scripts/"+subject+".yaml"] = &fstest.MapFile{Data: []byte("schema: 1\nsubject: " + subject + "\nfacts:\n" + facts)}
		fsys["scripts/starlark/"+subject+".star"] = &fstest.MapFile{Data: []byte("# " + subject)}
	}
	fsys["scripts/starlark/lib.star"] = &fstest.MapFile{Data: []byte("# lib")}
	fsys["scripts/gdb/shim.py"] = &fstest.MapFile{Data: []byte("# shim")}
	fsys["scripts/gdb/t.py"] = &fstest.MapFile{Data: []byte("# t")}
	return fsys
}

// witness says 1 to every fact of its scripts.
type witness struct {
	name  string
	ready error
	err   error
	wait  chan struct{} // nil, or Observe waits for it or for ctx

	mu   sync.Mutex
	seen []observe.Request
}

func (w *witness) Name() string                { return w.name }
func (w *witness) Ready(context.Context) error { return w.ready }
func (w *witness) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	w.mu.Lock()
	w.seen = append(w.seen, req)
	w.mu.Unlock()
	if w.wait != nil {
		select {
		case <-w.wait:
		case <-ctx.Done():
			return observe.Observation{}, ctx.Err()
		}
	}
	o := observe.Observation{Witness: w.name, Facts: map[string]observe.Seen{}}
	for name := range req.Specs {
		for _, s := range req.Scripts {
			if s.Subject == fact.Subject(name) {
				o.Facts[name] = observe.SeenValue(fact.IntOf(1))
			}
		}
	}
	return o, w.err
}

type builder struct {
	err   error
	count atomic.Int32
}

func (b *builder) Build(_ context.Context, in build.Input) (build.Binary, error) {
	b.count.Add(1)
	if b.err != nil {
		return build.Binary{}, fmt.Errorf("build %s: %w", in.Setup.Fixture, b.err)
	}
	return build.Binary{Path: "/" + in.Setup.Fixture, GOOS: "linux", GOARCH: "amd64", Release: in.Toolchain.Name}, nil
}

// engine has all of the above; stops collects what was asked of Places.
func engine(t *testing.T, b *builder, witnesses ...*witness) (*verify.Engine, *[][]string) {
	t.Helper()
	data, err := lab.Load(files())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked [][]string
	e := &verify.Engine{
		Data: data, Scripts: files(), Builder: b,
		Places: func(_ build.Binary, stops []string) ([]place.Place, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, stops)
			return nil, nil
		},
	}
	for _, w := range witnesses {
		e.Witnesses = append(e.Witnesses, w)
	}
	return e, &asked
}

func all(e *verify.Engine) verify.Ask {
	return verify.Ask{Claims: e.Data.Labs[0].Claims, Toolchain: release.Toolchain{Name: "go1.26.8"}}
}

// TestRunStartsOnce: setups of the same content are one start, however many
// claims and subjects ask for it, and every witness gets the same places.
func TestRunStartsOnce(t *testing.T) {
	t.Parallel()
	delve, gdb, b := &witness{name: "delve"}, &witness{name: "gdb"}, &builder{}
	e, stops := engine(t, b, delve, gdb)
	res, err := e.Run(context.Background(), all(e))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.count.Load(); got != 2 {
		t.Errorf("%d builds, want 2: one per fixture", got)
	}
	if len(delve.seen) != 2 || len(gdb.seen) != 1 {
		t.Errorf("delve was asked %d times, want 2; gdb %d times, want 1", len(delve.seen), len(gdb.seen))
	}
	for _, list := range *stops {
		text := strings.Join(list, " ")
		if strings.Contains(text, place.Image) {
			t.Errorf("a debugger is sent to the image: %v", list)
		}
		if text != "main.init main.main" && text != "main.init main.main main.z" {
			t.Errorf("stops %v", list)
		}
	}
	want := map[string]judge.Outcome{
		"a-one": judge.Holds, "a-two": judge.Holds, "a-same": judge.Holds, "a-other": judge.Holds,
		"a-third": judge.Broken, // gdb has no script for u
		"a-never": judge.Untested,
	}
	for _, c := range res.Cells {
		if c.Verdict.Outcome != want[c.Claim.ID] {
			t.Errorf("%s: %s (%s), want %s", c.Claim.ID, c.Verdict.Outcome, c.Verdict.Reason, want[c.Claim.ID])
		}
		if c.Claim.ID == "a-third" && !strings.Contains(c.Verdict.Reason, "there is no script for gdb: scripts/gdb/u.py") {
			t.Errorf("a-third: %s", c.Verdict.Reason)
		}
	}
	if len(res.Cells) != len(want) {
		t.Errorf("%d cells, want %d", len(res.Cells), len(want))
	}
}

// TestRunSeveralTimes: a setup with runs is started that often by each witness
// that starts it, looked at once by one that does not, and built once.
func TestRunSeveralTimes(t *testing.T) {
	t.Parallel()
	gdb, static, b := &witness{name: "gdb"}, &witness{name: "static"}, &builder{}
	e, _ := engine(t, b, gdb, static)
	e.Data.Labs[0].Setups["plain"].Runs = 4
	ask := all(e)
	ask.Claims = ask.Claims[:1]
	ask.Claims[0].Witnesses = []string{"gdb", "static"}
	if _, err := e.Run(context.Background(), ask); err != nil {
		t.Fatal(err)
	}
	if len(gdb.seen) != 4 || len(static.seen) != 1 || b.count.Load() != 1 {
		t.Errorf("gdb looked %d times, want 4; static %d times, want 1; %d builds, want 1", len(gdb.seen), len(static.seen), b.count.Load())
	}
}

// TestRunOnly: claims that none of the chosen witnesses is asked for are left
// out, and a witness that is not chosen is not run.
func TestRunOnly(t *testing.T) {
	t.Parallel()
	delve, gdb := &witness{name: "delve"}, &witness{name: "gdb"}
	e, _ := engine(t, &builder{}, delve, gdb)
	ask := all(e)
	ask.Witnesses = []string{"gdb"}
	res, err := e.Run(context.Background(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(delve.seen) != 0 {
		t.Error("delve was asked")
	}
	for _, c := range res.Cells {
		if c.Claim.ID == "a-other" {
			t.Error("a-other is delve's alone")
		}
	}
}

func TestRunBuildOnly(t *testing.T) {
	t.Parallel()
	delve, gdb := &witness{name: "delve"}, &witness{name: "gdb"}
	e, _ := engine(t, &builder{}, delve, gdb)
	ask := all(e)
	ask.BuildOnly = true
	res, err := e.Run(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Cells) > 0 || len(delve.seen) > 0 || len(gdb.seen) > 0 {
		t.Errorf("%d claims judged, delve asked %d times, gdb %d; want nobody asked", len(res.Cells), len(delve.seen), len(gdb.seen))
	}
	for key, start := range res.Starts {
		if start.Binary.Path == "" || start.BuildErr != nil {
			t.Errorf("%s: no binary: %v", key, start.BuildErr)
		}
	}
	if len(res.Starts) != 2 {
		t.Errorf("%d setups were built, want 2", len(res.Starts))
	}
}

// TestRunReasons: each way in which nothing is seen has its own outcome.
func TestRunReasons(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, test := range []struct {
		name         string
		build        error
		ready, err   error
		want         judge.Outcome
		cause        observe.Cause
		wantRunError error
	}{
		{name: "all well", want: judge.Holds},
		{name: "no toolchain for it", build: build.ErrUnsupported, want: judge.Untested, cause: observe.CauseRelease},
		{name: "no C compiler", build: build.ErrNoCompiler, want: judge.Untested, cause: observe.CauseMachine},
		{name: "no tool for this machine", build: build.ErrNoTool, want: judge.Untested, cause: observe.CauseMachine},
		{name: "does not compile", build: build.ErrCompile, want: judge.Broken},
		{name: "no cache", build: build.ErrCache, wantRunError: build.ErrCache},
		{name: "bad overlay", build: build.ErrOverlay, wantRunError: build.ErrOverlay},
		{name: "not ready", ready: observe.ErrMachine, want: judge.Untested, cause: observe.CauseMachine},
		{name: "other system", err: observe.ErrRelease, want: judge.Untested, cause: observe.CauseRelease},
		{name: "breaks", err: boom, want: judge.Broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, _ := engine(t, &builder{err: test.build}, &witness{name: "delve", ready: test.ready, err: test.err}, &witness{name: "gdb", ready: test.ready, err: test.err})
			res, err := e.Run(context.Background(), all(e))
			if !errors.Is(err, test.wantRunError) {
				t.Fatalf("error %v, want %v", err, test.wantRunError)
			}
			if err != nil {
				return
			}
			c := res.Cells[0]
			if c.Verdict.Outcome != test.want {
				t.Errorf("%s (%s), want %s", c.Verdict.Outcome, c.Verdict.Reason, test.want)
			}
			for name, u := range c.Verdict.Unseen {
				if u.Cause != test.cause {
					t.Errorf("%s: cause %q, want %q", name, u.Cause, test.cause)
				}
			}
			if test.want == judge.Untested && len(c.Verdict.Unseen) != 2 {
				t.Errorf("unseen by %d, want 2", len(c.Verdict.Unseen))
			}
		})
	}
}

// TestRunBeside: a setup that is compared with another is asked with both programs at hand.
func TestRunBeside(t *testing.T) {
	t.Parallel()
	b, delve := &builder{}, &witness{name: "delve"}
	e, _ := engine(t, b, delve)
	other := e.Data.Labs[0].Setups["other"]
	other.Beside = &lab.Setup{Fixture: "three"}
	other.Args = []string{"x", lab.BesideArg, "$besides"}
	ask := all(e)
	ask.Witnesses = []string{"delve"}
	if _, err := e.Run(context.Background(), ask); err != nil {
		t.Fatal(err)
	}
	if b.count.Load() != 3 {
		t.Errorf("%d builds, want those of plain, other and what is beside it", b.count.Load())
	}
	for _, req := range delve.seen {
		if want := map[string]string{"/one": "", "/two": "/three"}[req.Binary]; req.Beside != want {
			t.Errorf("%s is asked about beside %q, want %q", req.Binary, req.Beside, want)
		}
		if want := map[string]string{"/one": "", "/two": "x /three $besides"}[req.Binary]; strings.Join(req.Args, " ") != want {
			t.Errorf("%s is started with %q, want %q", req.Binary, req.Args, want)
		}
	}
}

// TestRunUnknownWitness: a claim may name a witness this program does not have.
func TestRunUnknownWitness(t *testing.T) {
	t.Parallel()
	e, _ := engine(t, &builder{}, &witness{name: "delve"})
	res, err := e.Run(context.Background(), all(e))
	if err != nil {
		t.Fatal(err)
	}
	c := res.Cells[0]
	if c.Verdict.Outcome != judge.Holds || c.Verdict.Unseen["gdb"].Cause != observe.CauseMachine {
		t.Errorf("%s, gdb %+v", c.Verdict.Outcome, c.Verdict.Unseen["gdb"])
	}
}

// TestRunCancelled: Run comes back when ctx ends, with nothing running any more.
func TestRunCancelled(t *testing.T) {
	t.Parallel()
	delve := &witness{name: "delve", wait: make(chan struct{})}
	e, _ := engine(t, &builder{}, delve, &witness{name: "gdb", wait: make(chan struct{})})
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	e.Progress = func(ev verify.Event) {
		if ev.What == "built" {
			cancel(why)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := e.Run(ctx, all(e))
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run does not come back")
	}
}

// TestRunJobs: no more than Jobs builds and observations run at once.
func TestRunJobs(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	e, _ := engine(t, &builder{}, &witness{name: "delve"}, &witness{name: "gdb"})
	e.Jobs = 1
	for i, w := range e.Witnesses {
		e.Witnesses[i] = counted{w, &now, &most}
	}
	if _, err := e.Run(context.Background(), all(e)); err != nil {
		t.Fatal(err)
	}
	if most.Load() != 1 {
		t.Errorf("%d at once, want 1", most.Load())
	}
}

type counted struct {
	observe.Witness
	now, most *atomic.Int32
}

func (c counted) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	return c.Witness.Observe(ctx, req)
}
