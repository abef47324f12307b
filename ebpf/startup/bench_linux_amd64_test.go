package startup_test

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/perf/benchmath"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// more fills the milestones of the boot up to thirty functions that a start passes once.
var more = []startup.Milestone{
	{Name: "runtime.stkobjinit", By: "runtime.schedinit"}, {Name: "runtime.checkfds", By: "runtime.schedinit"}, {Name: "runtime.secure", By: "runtime.schedinit"},
	{Name: "runtime.(*mheap).init", By: "runtime.mallocinit"}, {Name: "runtime.mstartm0"}, {Name: "runtime.bgsweep"}, {Name: "runtime.bgscavenge"},
}

// Functions some of which are passed again and again, by every thread and by every goroutine that is made.
var often = []string{
	"runtime.rt0_go", "runtime.main", "runtime.check", "runtime.mallocinit", "runtime.args", "runtime.schedinit", "runtime.osinit", "runtime.newproc", "runtime.mstart", "runtime.gcenable",
	"runtime.mcommoninit", "runtime.modulesinit", "runtime.itabsinit", "runtime.goenvs", "runtime.gcinit", "runtime.procresize", "runtime.newproc1", "runtime.mstart1", "runtime.schedule", "runtime.sysmon",
	"runtime.bgsweep", "runtime.bgscavenge", "runtime.forcegchelper", "runtime.newm", "runtime.allocm", "runtime.minit", "runtime.mpreinit", "runtime.settls", "main.main",
	"runtime.cpuinit", "runtime.parsedebugvars", "runtime.stkobjinit", "runtime.mProfStackInit", "runtime.(*mheap).init", "runtime.(*mcache).refill", "runtime.startm", "runtime.clone",
}

// observer is one way to look at a start. It is there as long as the benchmark.
type observer struct {
	name string
	path string // the copy that is its own
	// tracer notes exec and exit of the run, and the passings if the probes are its own.
	tracer *ebpf.Tracer
}

// watching opens an observer of ours with a copy of its own, until the benchmark is over.
func watching(b *testing.B, name, binary string, probes []ebpf.Probe) observer {
	b.Helper()
	path := buildtest.Copy(b, binary)
	t, err := ebpf.Open(ebpf.Options{Path: path, Probes: probes, Quiet: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = t.Close() })
	return observer{name, path, t}
}

// BenchmarkObserver is what looking at a start costs it: exec to exit with 2, 10, 20 and 30 probes, as
// a ratio to runs without any, all interleaved in one go. "timer" has its probes where the timer puts those of its
// milestones, "untold" has the same but notes none of them: that is the kernel's part. The others look at the same
// functions, where they begin, and all of these a start passes once; "entry" is the timer's program there, at whatever
// instruction it is. The kernel's own clock at exec and exit is
// read for all of them by the same BPF program; dlv, which starts what it traces itself, has another (see tracing).
// "30 probes passed often" are functions that are not milestones: each passing costs.
func BenchmarkObserver(b *testing.B) {
	ready(b)
	binary := buildtest.Build(b, "local", lab.Setup{Gcflags: new(string)})
	bare := watching(b, "bare", binary, nil)
	milestones, busy := passedOnce(functions(b, binary, append(startup.Boot(), more...))), functions(b, binary, named(often))
	for _, bb := range []struct {
		name string
		list []function
		n    int
	}{{"2 probes", milestones, 2}, {"10 probes", milestones, 10}, {"20 probes", milestones, 20}, {"30 probes", milestones, 30}, {"30 probes passed often", busy, 30}} {
		b.Run(bb.name, func(b *testing.B) {
			names, sites, entries := probesOf(spread(b, bb.list, bb.n))
			untold := watching(b, "untold", binary, sites)
			untold.tracer = bare.tracer
			all := []observer{bare, watching(b, "timer", binary, sites), untold, watching(b, "entry", binary, entries)}
			for name, look := range map[string]func(*testing.B, string, []string, []ebpf.Probe) error{"bpftrace": bpftrace, "perf": perf} {
				o := observer{name, buildtest.Copy(b, binary), bare.tracer}
				if err := look(b, o.path, names, entries); err != nil {
					b.Logf("left out: %s: %v", name, err)
					continue
				}
				all = append(all, o)
			}
			peer, err := tracing(b, binary, names)
			if err != nil {
				b.Logf("left out: dlv trace --ebpf: %v", err)
			}
			measure(b, all, peer)
		})
	}
}

// BenchmarkAlone is BenchmarkObserver's 30 probes of the timer with nobody else looking, where it is steadiest: some
// thousand rounds (-benchtime 4000x) take seconds.
func BenchmarkAlone(b *testing.B) {
	ready(b)
	binary := buildtest.Build(b, "local", lab.Setup{Gcflags: new(string)})
	_, sites, _ := probesOf(spread(b, passedOnce(functions(b, binary, append(startup.Boot(), more...))), 30))
	measure(b, []observer{watching(b, "bare", binary, nil), watching(b, "timer", binary, sites)}, nil)
}

// BenchmarkLone is what probes on the way cost the way: exec to main.main with 20 probes, as a ratio to
// a lone one at main.main. That one is part of all of them.
func BenchmarkLone(b *testing.B) {
	ready(b)
	binary := buildtest.Build(b, "local", lab.Setup{Gcflags: new(string)})
	names, sites, entries := probesOf(spread(b, passedOnce(functions(b, binary, startup.Boot())), 20))
	end := slices.Index(names, "main.main")
	entries[end] = sites[end]
	sets := map[string][]ebpf.Probe{"lone": {sites[end]}, "timer": sites, "entry": entries}
	var all []observer
	for name, probes := range sets {
		all = append(all, watching(b, name, binary, probes))
	}
	ratios := map[string][]float64{}
	for warm := 5; b.Loop(); {
		took := map[string]float64{}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, o := range all {
			cmd := exec.Command(o.path)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			run, err := o.tracer.Run(b.Context(), cmd, func(ebpf.Event) bool { return true })
			if err != nil {
				b.Fatal(err)
			}
			for probe, at := range run.First {
				if sets[o.name][probe].Site == sites[end].Site {
					took[o.name] = float64(at)
				}
			}
		}
		if warm--; warm < 0 {
			for name, t := range took {
				ratios[name] = append(ratios[name], t/took["lone"])
			}
		}
	}
	delete(ratios, "lone")
	tell(b, ratios, "lone")
}

// BenchmarkShare is the part of a program's functions whose beginning has a cheap site.
func BenchmarkShare(b *testing.B) {
	for _, release := range []string{"1.10", "1.16.15", "1.20.14", "1.21.13", "local"} {
		b.Run(release, func(b *testing.B) {
			img, err := image.Open(buildtest.Build(b, release, lab.Setup{Gcflags: new(string)}))
			if err != nil {
				b.Fatal(err)
			}
			symbols, err := img.Symbols()
			if err != nil {
				b.Fatal(err)
			}
			all, cheap := 0, 0
			for b.Loop() {
				all, cheap = 0, 0
				choose := ebpf.NewChooser(img, nil)
				for _, s := range symbols {
					if !s.Func || s.Size == 0 {
						continue
					}
					all++
					if site, err := choose.Beginning(s.Addr); err == nil && site.Cheap {
						cheap++
					}
				}
			}
			b.ReportMetric(100*float64(cheap)/float64(all), "%cheap")
			b.ReportMetric(float64(all), "functions")
		})
	}
}

// measure runs every observer's copy once in each round, and the peer with a clock of its own in some of them.
func measure(b *testing.B, all []observer, peer *traced) {
	ratios := map[string][]float64{}
	for warm, round := 5, 0; b.Loop(); round++ {
		took := map[string]float64{}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, o := range all {
			cmd := exec.Command(o.path)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			var end time.Duration
			if _, err := o.tracer.Run(b.Context(), cmd, func(e ebpf.Event) bool { end = e.Time; return true }); err != nil {
				b.Fatal(err)
			}
			took[o.name] = float64(end)
		}
		if peer != nil && round%peerEvery == 0 {
			if err := peer.round(b); err != nil {
				b.Logf("left out: dlv trace --ebpf: %v", err)
				peer = nil
			}
		}
		if warm--; warm >= 0 {
			continue
		}
		for name, t := range took {
			ratios[name] = append(ratios[name], t/took["bare"])
		}
	}
	delete(ratios, "bare")
	if peer != nil {
		ratios["dlv"] = peer.ratios(b)
	}
	tell(b, ratios, "bare")
}

// tell reports medians of ratios with their intervals.
func tell(b *testing.B, ratios map[string][]float64, to string) {
	for name, r := range ratios {
		if len(r) == 0 {
			continue
		}
		sum := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(r), &benchmath.DefaultThresholds), 0.95)
		b.ReportMetric(sum.Center, name+"/"+to)
		b.Logf("%-8s %.3f [%.3f, %.3f] of %s, n = %d", name, sum.Center, sum.Lo, sum.Hi, to, len(r))
	}
}

// function is one that has code of its own and a cheap place.
type function struct {
	name        string
	site, entry ebpf.Probe // where the timer looks for it, and where it begins
	passed      int        // how often a start passes the beginning
}

// functions are those of the milestones that are one: the others are a place within, or inlined.
func functions(tb testing.TB, path string, milestones []startup.Milestone) (list []function) {
	tb.Helper()
	img, err := image.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	points, err := startup.Find(path, milestones)
	if err != nil {
		tb.Fatal(err)
	}
	choose := ebpf.NewChooser(img, nil)
	for _, p := range points {
		if p.Reason != "" || !p.Sites[0].Cheap {
			continue
		}
		for _, name := range append([]string{p.Name}, p.Stops...) {
			f, ok, err := img.Func(name)
			if err != nil || !ok {
				continue
			}
			entry, err := choose.Exact(f.Entry)
			if err != nil {
				tb.Fatal(err)
			}
			list = append(list, function{name: name, site: ebpf.Probe{Site: p.Sites[0], Once: true}, entry: ebpf.Probe{Site: entry, Once: true}})
			break
		}
	}
	o := ebpf.Options{Path: buildtest.Copy(tb, path)}
	for _, f := range list {
		o.Probes = append(o.Probes, ebpf.Probe{Site: f.entry.Site})
	}
	t, err := ebpf.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	defer t.Close()
	if _, err := t.Run(tb.Context(), exec.Command(o.Path), func(e ebpf.Event) bool {
		if e.Kind == ebpf.Passed {
			list[e.Probe].passed++
		}
		return true
	}); err != nil {
		tb.Fatal(err)
	}
	return list
}

func passedOnce(list []function) []function {
	return slices.DeleteFunc(list, func(f function) bool { return f.passed != 1 })
}

// named are functions, wherever they are called.
func named(functions []string) (milestones []startup.Milestone) {
	for _, name := range functions {
		milestones = append(milestones, startup.Milestone{Name: name})
	}
	return milestones
}

// spread takes n of the functions, main.main among them and the others evenly.
func spread(tb testing.TB, list []function, n int) (some []function) {
	tb.Helper()
	end := slices.IndexFunc(list, func(f function) bool { return f.name == "main.main" })
	if len(list) < n || end < 0 {
		tb.Fatalf("only %d functions, main.main is number %d", len(list), end)
	}
	others := slices.Delete(slices.Clone(list), end, end+1)
	for i := range n - 1 {
		some = append(some, others[i*len(others)/(n-1)])
	}
	return append(some, list[end])
}

// probesOf are the functions' names, the timer's places and the beginnings.
func probesOf(list []function) (names []string, sites, entries []ebpf.Probe) {
	for _, f := range list {
		names, sites, entries = append(names, f.name), append(sites, f.site), append(entries, f.entry)
	}
	return names, sites, entries
}
