package startup_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/perf/benchmath"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// Functions that a start passes once, as it does a milestone, though not on every release with code of their own.
// Not among them are those without a cheap instruction in their first block, such as runtime.asminit, which is a
// RET: such a one costs thirty times as much. BenchmarkShare says how many they are.
var once = []string{
	"runtime.rt0_go", "runtime.main", "runtime.check", "runtime.mallocinit", "runtime.args", "runtime.schedinit", "runtime.osinit", "runtime.alginit", "runtime.gcenable", "main.main",
	"runtime.modulesinit", "runtime.typelinksinit", "runtime.itabsinit", "runtime.goargs", "runtime.gcinit", "runtime.procresize", "runtime.sysmon", "runtime.bgsweep", "runtime.bgscavenge", "runtime.forcegchelper",
	"runtime.randinit", "runtime.initsig", "runtime.sysargs", "runtime.sysauxv", "runtime.settls", "runtime.(*mheap).init", "runtime.(*pageAlloc).init", "runtime.stkobjinit", "runtime.checkfds", "runtime.getHugePageSize",
	"runtime.parsedebugvars", "runtime.goenvs_unix", "runtime.(*mheap).grow", "runtime.unlockOSThread", "runtime.init.5", "runtime.init.6", "runtime.(*gcControllerState).init", "runtime.vdsoFindVersion", "runtime.vdsoInitFromSysinfoEhdr",
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

// BenchmarkObserver is what looking at a start costs it: exec to exit with 2, 10, 20 and 30 probes, as
// a ratio to runs without any, all interleaved in one go. "untold" has the probes of "cheap" but notes
// none of them: that is the kernel's part. The kernel's own clock at exec and exit is
// read for all of them by the same BPF program; dlv, which starts what it traces itself, has another (see tracing).
func BenchmarkObserver(b *testing.B) {
	ready(b)
	binary := buildtest.Build(b, "local", lab.Setup{Gcflags: new(string)})
	bare, err := ebpf.Open(ebpf.Options{Quiet: true})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	for _, bb := range []struct {
		name string
		list []string
		n    int
	}{{"2 probes", once, 2}, {"10 probes", once, 10}, {"20 probes", once, 20}, {"30 probes", once, 30}, {"30 probes passed often", often, 30}} {
		b.Run(bb.name, func(b *testing.B) {
			names := bodies(b, binary, bb.list, bb.n)
			sites, entries := probesOf(b, binary, names)
			all := []observer{{"bare", buildtest.Copy(b, binary), bare}}
			for name, probes := range map[string][]ebpf.Probe{"cheap": sites, "untold": sites, "entry": entries} {
				path := buildtest.Copy(b, binary)
				t, err := ebpf.Open(ebpf.Options{Path: path, Probes: probes, Quiet: true})
				if err != nil {
					b.Fatal(err)
				}
				defer t.Close()
				o := observer{name, path, t}
				switch name {
				case "cheap":
					b.Log(passings(b, t, o.path, names, probes))
				case "untold":
					o.tracer = bare
				}
				all = append(all, o)
			}
			for name, look := range map[string]func(*testing.B, string, []string, []ebpf.Probe) error{"bpftrace": bpftrace, "perf": perf} {
				o := observer{name, buildtest.Copy(b, binary), bare}
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

// passings says how often probes are passed in one run, and which of them are single-stepped.
func passings(b *testing.B, t *ebpf.Tracer, path string, names []string, probes []ebpf.Probe) string {
	b.Helper()
	hits, slow := 0, map[string]int{}
	if _, err := t.Run(b.Context(), exec.Command(path), func(e ebpf.Event) bool {
		if e.Kind == ebpf.Passed {
			hits++
			if !probes[e.Probe].Site.Cheap {
				slow[names[e.Probe]]++
			}
		}
		return true
	}); err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("%d probes are passed %d times; single-stepped are %v", len(probes), hits, slow)
}

// BenchmarkLone is what probes on the way cost the way: exec to main.main with 20 probes, as a ratio to
// a lone one at main.main. That one is part of all of them.
func BenchmarkLone(b *testing.B) {
	ready(b)
	binary := buildtest.Build(b, "local", lab.Setup{Gcflags: new(string)})
	names := bodies(b, binary, once, 20)
	sites, entries := probesOf(b, binary, names)
	end := slices.Index(names, "main.main")
	entries[end] = sites[end]
	sets := map[string][]ebpf.Probe{"lone": {sites[end]}, "cheap": sites, "entry": entries}
	tracers, paths, order := map[string]*ebpf.Tracer{}, map[string]string{}, []string{}
	for name, probes := range sets {
		paths[name] = buildtest.Copy(b, binary)
		t, err := ebpf.Open(ebpf.Options{Path: paths[name], Probes: probes, Quiet: true})
		if err != nil {
			b.Fatal(err)
		}
		defer t.Close()
		tracers[name], order = t, append(order, name)
	}
	ratios := map[string][]float64{}
	for warm := 5; b.Loop(); {
		took := map[string]float64{}
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, name := range order {
			cmd := exec.Command(paths[name])
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if _, err := tracers[name].Run(b.Context(), cmd, func(e ebpf.Event) bool {
				if e.Kind == ebpf.Passed && sets[name][e.Probe].Site.Addr == sites[end].Site.Addr {
					took[name] = float64(e.Time)
				}
				return true
			}); err != nil {
				b.Fatal(err)
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

// bodies are n of the functions that have code of their own and a cheap site.
func bodies(tb testing.TB, path string, list []string, n int) (names []string) {
	tb.Helper()
	img, err := image.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	choose := ebpf.NewChooser(img, nil)
	for _, name := range list {
		f, ok, err := img.Func(name)
		if err != nil || !ok || len(names) == n {
			continue
		}
		if site, err := choose.Beginning(f.Entry); err == nil && site.Cheap {
			names = append(names, name)
		}
	}
	if len(names) < n {
		tb.Fatalf("only %d functions have code of their own in %s", len(names), path)
	}
	return names
}

// probesOf are the probes where package ebpf puts them, and those at the functions' first instructions.
func probesOf(tb testing.TB, path string, names []string) (sites, entries []ebpf.Probe) {
	tb.Helper()
	img, err := image.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	choose := ebpf.NewChooser(img, nil)
	for _, name := range names {
		f, ok, err := img.Func(name)
		if err != nil || !ok {
			tb.Fatalf("%s: %v", name, err)
		}
		cheap, err := choose.Beginning(f.Entry)
		if err != nil {
			tb.Fatal(err)
		}
		exact, err := choose.Exact(f.Entry)
		if err != nil {
			tb.Fatal(err)
		}
		sites, entries = append(sites, ebpf.Probe{Site: cheap}), append(entries, ebpf.Probe{Site: exact})
	}
	return sites, entries
}

// bpftrace counts the entries of functions, until the benchmark is over.
func bpftrace(b *testing.B, path string, names []string, _ []ebpf.Probe) error {
	if _, err := exec.LookPath("bpftrace"); err != nil {
		return fmt.Errorf("%w (apt install bpftrace)", err)
	}
	var script strings.Builder
	for i, name := range names {
		if i > 0 {
			script.WriteString(",\n")
		}
		fmt.Fprintf(&script, "uprobe:%s:%q", path, name)
	}
	cmd := exec.Command("bpftrace", "-e", "BEGIN { printf(\"ready\\n\"); }\n"+script.String()+" { @[probe] = nsecs; }")
	return beside(b, cmd, "ready")
}

// perf records the entries of functions, system-wide, until the benchmark is over.
func perf(b *testing.B, path string, _ []string, probes []ebpf.Probe) error {
	if _, err := exec.LookPath("perf"); err != nil {
		return fmt.Errorf("%w (apt install linux-perf)", err)
	}
	const list = "/sys/kernel/tracing/uprobe_events"
	file, err := os.OpenFile(list, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("%w (mount -t tracefs nodev /sys/kernel/tracing)", err)
	}
	defer file.Close()
	group := fmt.Sprintf("rt0lab_%d_%d", os.Getpid(), len(probes))
	for i, p := range probes {
		if _, err := fmt.Fprintf(file, "p:%s/at%d %s:%#x\n", group, i, path, p.Site.Offset); err != nil {
			return err
		}
		b.Cleanup(func() {
			if file, err := os.OpenFile(list, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				fmt.Fprintf(file, "-:%s/at%d\n", group, i)
				file.Close()
			}
		})
	}
	// It acknowledges on a pipe that it records.
	dir := b.TempDir()
	for _, name := range []string{"control", "ack"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("perf", "record", "-q", "-a", "-D", "-1", "-e", group+":*", "-o", filepath.Join(dir, "data"), "--control", "fifo:"+filepath.Join(dir, "control")+","+filepath.Join(dir, "ack"))
	if err := beside(b, cmd, ""); err != nil {
		return err
	}
	control, err := os.OpenFile(filepath.Join(dir, "control"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	ack, err := os.OpenFile(filepath.Join(dir, "ack"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer ack.Close()
	if _, err := io.WriteString(control, "enable\n"); err != nil {
		return err
	}
	if err := ack.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	_, err = bufio.NewReader(ack).ReadString('\n')
	return err
}

// beside starts a tool that runs until the benchmark is over; it is there once it has written a line.
func beside(b *testing.B, cmd *exec.Cmd, line string) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var wrong strings.Builder
	cmd.Stderr = &wrong
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	slow := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer slow.Stop()
	for scan := bufio.NewScanner(out); line != ""; {
		if !scan.Scan() {
			return fmt.Errorf("%s ended: %s", cmd.Path, wrong.String())
		}
		if scan.Text() == line {
			break
		}
	}
	return nil
}
