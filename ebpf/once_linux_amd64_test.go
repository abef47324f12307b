package ebpf_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// The first passing of a probe with Once is told when the run has ended, the same in each run; other threads' and
// those of another run are not it, and it is no event.
func TestOnce(t *testing.T) {
	t.Parallel()
	ready(t)
	const source = `package main

import "runtime"

var n int

//go:noinline
func before() { n++ }

//go:noinline
func often() { n++ }

//go:noinline
func between() { n++ }

//go:noinline
func never() { n++ }

//go:noinline
func aside() { n++ }

//go:noinline
func end() { n++ }

func init() { runtime.LockOSThread() }

func main() {
	before()
	often()
	between()
	often()
	done := make(chan bool)
	go func() { aside(); often(); done <- true }()
	<-done
	end()
	if n < 0 {
		never()
	}
	println("behind")
}
`
	path := buildtest.Copy(t, buildtest.Program(t, source, lab.Setup{}))
	r, img := looked(t, path)
	choose := ebpf.NewChooser(img, nil)
	at := map[string]ebpf.Site{}
	for _, name := range []string{"before", "often", "between", "never", "aside", "end"} {
		site, err := choose.Beginning(addressOf(t, r, "main."+name))
		if err != nil {
			t.Fatal(err)
		}
		at[name] = site
	}
	const before, often, between, never, aside, asideFirst, end = 0, 1, 2, 3, 4, 5, 6
	for _, kills := range []bool{false, true} {
		tracer := opened(t, ebpf.Options{Path: path, Quiet: true, Probes: []ebpf.Probe{
			before: {Site: at["before"]}, often: {Site: at["often"], Once: true}, between: {Site: at["between"]}, never: {Site: at["never"], Once: true},
			aside: {Site: at["aside"], Once: true}, asideFirst: {Site: at["aside"], Once: true, FirstThread: true}, end: {Site: at["end"], Once: true, Last: kills},
		}})
		for range 3 {
			events, r := run(t, tracer, started(path))
			if order := passed(events); !slices.Equal(order, []int{before, between}) {
				t.Errorf("events of the probes %v", order)
			}
			times := map[int]time.Duration{}
			for _, e := range events {
				if e.Kind == ebpf.Passed {
					times[e.Probe] = e.Time
				}
			}
			if f := r.First; f[often] <= times[before] || f[often] >= times[between] || f[aside] <= times[between] || f[end] <= f[aside] {
				t.Errorf("events at %v, first at %v", times, f)
			}
			if list := slices.Sorted(maps.Keys(r.First)); !slices.Equal(list, []int{often, aside, end}) {
				t.Errorf("noted are %v", list)
			}
			if killed := r.Signal == "SIGKILL"; killed != kills {
				t.Errorf("it ended with %+v", r)
			}
		}
	}
}
