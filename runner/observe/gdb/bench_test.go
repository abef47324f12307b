//go:build linux && amd64

package gdb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// BenchmarkObserve is one setup as a lab asks for it: thirty stops, sixty facts.
func BenchmarkObserve(b *testing.B) {
	w, req := witness(b), benchReq(b)
	for b.Loop() {
		got, err := w.Observe(b.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(got.Passed)), "stops")
	}
}

func benchReq(b testing.TB) observe.Request {
	b.Helper()
	binary := buildtest.Hello(b, "local")
	stops := strings.Fields("exec entry _rt0_amd64 runtime.rt0_go runtime.settls runtime.check runtime.args runtime.sysargs runtime.osinit " +
		"runtime.schedinit runtime.stackinit runtime.mallocinit runtime.mcommoninit runtime.modulesinit runtime.typelinksinit runtime.itabsinit " +
		"runtime.goargs runtime.goenvs runtime.parsedebugvars runtime.gcinit runtime.procresize runtime.newproc runtime.newproc1 runtime.mstart " +
		"runtime.mstart0 runtime.mstart1 runtime.schedule runtime.execute runtime.main runtime.gcenable main.main")
	var table table
	for i, s := range stops {
		table.source += fmt.Sprintf("def f%d(seen): return {'b.sp%d': Reg('rsp'), 'b.lo%d': Var('runtime.g0.stack.lo')}\n", i, i, i)
		table.specs = append(table.specs, at(fmt.Sprintf("b.sp%d", i), s), spec(fmt.Sprintf("b.lo%d", i), fact.TypeAddress, s))
	}
	table.source += "stops = {"
	for i, s := range stops {
		table.source += fmt.Sprintf("%q: f%d, ", s, i)
	}
	table.source += "}\n"
	return request(b, binary, table)
}
