//go:build linux && amd64

package delve_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/fact"
)

// BenchmarkObserve is one start of one setup with 30 stops and 60 facts, as a
// lab asks for. The goal is 150 ms on a warm, idle machine.
func BenchmarkObserve(b *testing.B) {
	w := ready(b)
	stops := []string{"exec", "entry", "runtime.rt0_go", "runtime.rt0_go: CPUID #1", "runtime.rt0_go: CPUID #2", "runtime.settls", "runtime.check",
		"runtime.args", "runtime.osinit", "runtime.schedinit", "runtime.mallocinit", "runtime.mcommoninit", "runtime.modulesinit",
		"runtime.typelinksinit", "runtime.itabsinit", "runtime.goargs", "runtime.goenvs", "runtime.parsedebugvars", "runtime.gcinit",
		"runtime.procresize", "runtime.newproc", "runtime.newproc1", "runtime.mstart0", "runtime.mstart1", "runtime.schedule",
		"runtime.main", "runtime.gcenable", "runtime.newosproc, any thread", "runtime.main_init", "main.main"}
	c := fact.Catalogue{}
	var source strings.Builder
	source.WriteString("stops = {\n")
	for i, stop := range stops {
		a, z := fmt.Sprintf("t.a%d", i), fmt.Sprintf("t.z%d", i)
		spec(c, a, fact.TypeAddress, stop)
		spec(c, z, fact.TypeAddress, stop)
		fmt.Fprintf(&source, "  %q: lambda seen: {%q: Reg(\"rsp\"), %q: Var(\"runtime.g0.stack.hi\")},\n", stop, a, z)
	}
	source.WriteString("}\n")
	src := source.String()
	req := request(b, program(b, "hello"), src, c)
	before := childrenCPU()
	for b.Loop() {
		o, err := w.Observe(context.Background(), req)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(o.Passed)), "stops")
	}
	// On a busy machine this says more than the time that passes.
	b.ReportMetric(float64((childrenCPU()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}

// childrenCPU is the processor time of all children that have ended.
func childrenCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
