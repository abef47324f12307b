//go:build linux && amd64

package delve_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/place"
)

// Arguments that make this test binary something else than a test.
const (
	childArg  = "__delve"  // the Delve half of the witness
	deniedArg = "__denied" // the same, where ptrace(2) is forbidden as in a container
	parentArg = "__parent" // observes the binary it is given, for ever
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(delve.Child())
	}
	if len(os.Args) > 1 && os.Args[1] == deniedArg {
		if err := denyPtrace(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(delve.Child())
	}
	if len(os.Args) > 2 && os.Args[1] == parentArg {
		_, err := delve.New(self).Observe(context.Background(), observe.Request{
			Binary: os.Args[2], Places: []place.Place{{Stop: "exec", State: place.Placed, Exec: true}, {Stop: "never", State: place.Placed, Hit: 1, Addrs: nil}},
		})
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(buildtest.Run(m))
}

// denyPtrace lets ptrace(2) fail with EPERM in this process and its children.
func denyPtrace() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_PTRACE, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return fmt.Errorf("forbid ptrace: %w", e)
	}
	return nil
}

func self() (string, []string) {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return exe, []string{childArg}
}

// sources are the programs of these tests; hello is the fixture.
var sources = map[string]string{
	"exits":   "import \"os\"\nfunc main() { os.Exit(3) }",
	"crashes": "var p *int\nfunc main() { *p = 1 }",
	"hangs":   "import \"time\"\nfunc main() { Never(); for { time.Sleep(time.Hour) } }\n//go:noinline\nfunc Never() {}",
	"spins":   "func main() { for { } }",
	"prints":  "import \"os\"\nfunc main() { b := make([]byte, 1<<20); for i := range b { b[i] = \"\\x1b[31m\\a\\n\"[i%7] }; for i := 0; i < 8; i++ { os.Stdout.Write(b); os.Stderr.Write(b) }; Done() }\n//go:noinline\nfunc Done() {}",
	"threads": `import ("runtime"; "sync")
func main() {
	var wg sync.WaitGroup
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func() { runtime.LockOSThread(); One(); Two(); wg.Done() }()
	}
	wg.Wait()
	Twice(); Twice()
}
//go:noinline
func One() { n++ }
//go:noinline
func Two() { n++ }
//go:noinline
func Twice() { n++ }
var n int`,
}

// program builds hello, or one of the sources, with this machine's Go.
func program(tb testing.TB, name string) string {
	tb.Helper()
	if name == "hello" {
		return buildtest.Hello(tb, "local")
	}
	return buildtest.Program(tb, "package main\n"+sources[name], lab.Setup{})
}

// request asks for all stops of a script, of which the facts are in specs.
func request(tb testing.TB, binary, source string, specs fact.Catalogue) observe.Request {
	tb.Helper()
	lib, err := os.ReadFile("../../../scripts/starlark/lib.star")
	if err != nil {
		tb.Fatal(err)
	}
	r, err := place.Open(binary)
	if err != nil {
		tb.Fatal(err)
	}
	var stops []string
	seen := map[string]bool{}
	for _, s := range specs {
		for _, stop := range s.At {
			if !seen[stop] {
				seen[stop] = true
				stops = append(stops, stop)
			}
		}
	}
	places, err := r.Places(stops)
	if err != nil {
		tb.Fatal(err)
	}
	return observe.Request{
		Binary: binary, Env: []string{"HOME=/", "LANG=C"}, Release: runtime.Version(), GOOS: "linux", GOARCH: "amd64",
		Lib:     observe.Script{Path: "lib.star", Source: string(lib)},
		Scripts: []observe.Script{{Subject: "t", Path: "t.star", Source: source}},
		Places:  places, Specs: specs, Timeout: time.Minute,
	}
}

// spec describes a fact t.NAME.
func spec(specs fact.Catalogue, name string, t fact.Type, at ...string) {
	specs[name] = fact.Spec{Name: name, Type: t, At: at}
}

// say writes a Seen in one line.
func say(s observe.Seen) string {
	switch {
	case s.Broken != "":
		return "broken: " + s.Broken
	case s.Unseen != nil:
		return "unseen: " + s.Unseen.Reason
	}
	return s.Value.String()
}

// ready skips a test on a machine that does not allow tracing.
func ready(tb testing.TB) observe.Witness {
	tb.Helper()
	w := delve.New(self)
	if err := w.Ready(context.Background()); err != nil {
		tb.Skip(err)
	}
	return w
}

func look(tb testing.TB, req observe.Request) observe.Observation {
	tb.Helper()
	o, err := ready(tb).Observe(context.Background(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}
