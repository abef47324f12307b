//go:build linux && amd64

package static_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
	"github.com/rt0lab/rt0lab/runner/observe/static"
	"github.com/rt0lab/rt0lab/runner/place"
)

// agreed is a function in what Starlark and Python have in common. It uses the
// words that mean the same to both witnesses; STOP is the stop's text.
const agreed = `
ADDRS = ["runtime.g0", "runtime.m0.tls", "runtime.g0.stack.hi", "runtime.rt0_go", "runtime.check", "runtime.mstart", "runtime.newproc",
         "runtime.asmcgocall", "runtime.mstart0", "runtime.goexit", "runtime.nosuch", "main.main", "runtime.m0.tls[2]", "_rt0_amd64_linux",
         "runtime.settls", "runtime.mcall", "runtime.sched", "runtime.allp"]
HAS = ["runtime.g0", "runtime.check", "runtime.m", "runtime.heapAddrBits", "runtime.nosuch", "main.main", "runtime.waitReason", "int",
       "runtime.schedinit", "runtime.mheap_", "runtime._StackMin", "runtime.stackinit", "runtime.stackini"]
TYPES = ["runtime.g", "runtime.m", "runtime.p", "runtime.mutex", "runtime.schedt", "bool", "int", "uint", "uintptr", "string", "unsafe.Pointer",
         "*runtime.g", "[6]uintptr", "runtime.nosuch", "runtime.lockRank", "runtime.stack", "runtime.mheap", "runtime.heapArena"]
TEXTS = ["runtime.m0.g0", "runtime.allp", "runtime.m0.tls", "runtime.buildVersion", "runtime.iscgo", "runtime.g0.stack", "runtime.g0.param",
         "runtime.nosuch", "runtime.m0.curg", "runtime.allm", "runtime.work.full", "runtime.mheap_.arenas", "runtime.m0.mstartfn", "runtime.g0.m",
         "runtime.stackpool", "runtime.stackLarge"]
CONSTS = ["runtime.heapAddrBits", "runtime._StackMin", "runtime.stackMin", "runtime.nosuch", "runtime.g0", "runtime.pageSize", "runtime._PageShift",
          "runtime.maxUintptr", "runtime._NumStackOrders"]
FUNCS = ["runtime.rt0_go", "runtime.schedinit", "runtime.mstart", "runtime.goexit", "runtime.newproc", "runtime.nosuch", "main.main"]

def none(v):
    return "none" if v == None else v

def texts(code):
    return ["none"] if code == None else [text for _, text in code]

def words(seen):
    pc = Addr("runtime.mainPC")
    return {
        "agree.minor": Minor(),
        "agree.addrs": [none(Addr(a)) for a in ADDRS],
        "agree.has": [Has(h) for h in HAS],
        "agree.sizes": [none(Size(t)) for t in TYPES],
        "agree.offsets": [none(Offset(t, f)) for t, f in [("runtime.g", "stack.hi"), ("runtime.m", "tls"), ("runtime.m", "tls[1]"),
                                                         ("runtime.m", "nosuch"), ("runtime.nosuch", "x")]],
        "agree.types": [none(TypeOf(t)) for t in TEXTS],
        "agree.consts": [none(Const(c)) for c in CONSTS],
        "agree.rt0": texts(Disasm("runtime.rt0_go")),
        "agree.sched": texts(Disasm("runtime.schedinit")),
        "agree.main": texts(Disasm("main.main")),
        "agree.code": Code("runtime.rt0_go") + Code("runtime.schedinit") + [none(Code("runtime.nosuch"))],
        "agree.nosuch": texts(Disasm("runtime.nosuch")),
        "agree.calls": Calls("runtime.rt0_go") + Calls("runtime.schedinit") + [none(Calls("runtime.nosuch"))],
        "agree.symbols": [none(Symbol(a)) for a in [1, Addr("main.main"), Addr("main.main") + 3, Word(Addr("runtime.buildVersion") + 8)]],
        "agree.lines": [none(Line(Addr(f))) for f in FUNCS if Addr(f) != None],
        "agree.memory": [Word(Addr("runtime.rt0_go")), Dword(Addr("main.main")), Byte(Addr("main.main"))],
    }

stops = {"STOP": words}
`

var agreedFacts = map[string]fact.Type{
	"minor": fact.TypeInt, "addrs": fact.TypeList, "has": fact.TypeList, "sizes": fact.TypeList, "offsets": fact.TypeList, "types": fact.TypeList,
	"consts": fact.TypeList, "rt0": fact.TypeList, "sched": fact.TypeList, "main": fact.TypeList, "code": fact.TypeList, "nosuch": fact.TypeList,
	"calls": fact.TypeList, "symbols": fact.TypeList, "lines": fact.TypeList, "memory": fact.TypeList,
}

// TestAgree asks gdb, which shares no code with this witness, the same
// questions about the same binaries.
func TestAgree(t *testing.T) {
	t.Parallel()
	shim, err := os.ReadFile(filepath.FromSlash("../../../scripts/gdb/shim.py"))
	if err != nil {
		t.Fatal(err)
	}
	other := gdb.New("")
	if err := other.Ready(context.Background()); errors.Is(err, observe.ErrMachine) {
		t.Skip(err)
	}
	releases := []string{"local", "1.10", "1.16.15", "1.17", "1.27.4"}
	if testing.Short() {
		releases = releases[:1]
	}
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			binary := buildtest.Hello(t, release)
			req := request(t, binary, release, "")
			req.Lib = observe.Script{Path: "scripts/gdb/shim.py", Source: string(shim)}
			for name, typ := range agreedFacts {
				req.Specs["agree."+name] = fact.Spec{Name: "agree." + name, Type: typ, At: []string{"image", "entry"}}
			}
			req.Scripts = []observe.Script{{Subject: "agree", Path: "agree.star", Source: replaceStop(agreed, "image")}}
			got, err := static.Witness{}.Observe(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			req.Scripts = []observe.Script{{Subject: "agree", Path: "agree.py", Source: replaceStop(agreed, "entry")}}
			if req.Places, err = place.Cached(t.TempDir(), binary, release, []string{"entry"}); err != nil {
				t.Fatal(err)
			}
			req.Timeout = 30 * time.Second
			want, err := other.Observe(t.Context(), req)
			if errors.Is(err, observe.ErrMachine) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for name := range req.Specs {
				g, w := got.Facts[name], want.Facts[name]
				if !g.Value.IsValid() || !w.Value.IsValid() {
					t.Errorf("%s: static %+v, gdb %+v", name, g, w)
					continue
				}
				if g.Value.Equal(w.Value) {
					continue
				}
				if len(g.Value.List()) != len(w.Value.List()) {
					t.Errorf("%s: static %d elements %s, gdb %d elements %s", name, len(g.Value.List()), g.Value, len(w.Value.List()), w.Value)
					continue
				}
				for i, v := range g.Value.List() {
					if u := w.Value.List()[i]; !v.Equal(u) {
						t.Errorf("%s[%d]: static %s, gdb %s", name, i, v, u)
					}
				}
			}
		})
	}
}
