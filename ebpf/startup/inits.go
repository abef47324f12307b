package startup

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
	"github.com/rt0lab/rt0lab/runner/release"
)

// InitSet is how many spans one run measures when it is about init functions: a program may have hundreds.
const InitSet = 16

// Inits returns a milestone for each package that has something to do before
// main.main, and those between which all of that lies. The init functions
// of a package run one after the other, so the first one is where the package begins. One
// without a cheap instruction is a few lines of straight code, a probe in which
// takes longer than they do: then the package begins with the next one.
func Inits(path string) ([]Milestone, error) {
	img, err := open(path)
	if err != nil {
		return nil, err
	}
	packages, err := img.Packages()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrProgram, path, err)
	}
	// Up to 1.12 the init of a package begins with those of the packages it imports.
	nested := release.Minor(img.Release()) < 13
	milestones := []Milestone{
		{Name: "runtime.main", What: "the main goroutine runs"},
		{Name: "runtime.gcenable", What: "the collector's goroutines"},
		{Name: "inits", Stops: []string{"runtime.main: after CALL runtime.gcenable"}, What: "the first package is looked for"},
	}
	for _, pkg := range packages {
		var stops []string
		for i := -1; ; i++ {
			name := fmt.Sprintf("%s.init.%d", pkg, i)
			if i < 0 {
				name = pkg + ".init" // of the package's variables; not every package has it
			}
			f, ok, err := img.Func(name)
			if i >= 0 && (err != nil || !ok) {
				break
			}
			if ok && nested {
				name = behindImports(img, f, name)
			}
			if ok {
				stops = append(stops, name)
			}
		}
		if len(stops) > 0 {
			milestones = append(milestones, Milestone{Name: unescaped(pkg + ".init"), Stops: stops, Package: unescaped(pkg), What: "init functions"})
		}
	}
	return append(milestones, Milestone{Name: "main.main", What: "the program itself"}), nil
}

// behindImports is the stop in an init function behind its last call of another one's.
func behindImports(img *image.Image, f image.Func, name string) string {
	code, err := img.Bytes(f.Entry, int(f.End-f.Entry))
	if err != nil {
		return name
	}
	insts, err := insn.Decode(img.GOARCH, code, f.Entry, img.NameAt)
	if err != nil {
		return name
	}
	calls, stop := map[string]int{}, name
	for _, in := range insts {
		callee, isCall := strings.CutPrefix(in.Go, "CALL ")
		if !isCall || !strings.HasSuffix(callee, ".init") {
			continue
		}
		calls[callee]++
		stop = fmt.Sprintf("%s: after %s #%d", name, in.Go, calls[callee])
	}
	return stop
}

// unescaped is a name without what the linker writes for dots in the last element of a path.
func unescaped(name string) string {
	for from := 0; ; {
		i := strings.IndexByte(name[from:], '%')
		if i < 0 {
			return name
		}
		i += from
		from = i + 1
		if i+3 <= len(name) {
			if c, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
				name = name[:i] + string([]byte{byte(c)}) + name[i+3:]
			}
		}
	}
}

// traced is the set of the runs with GODEBUG=inittrace=1.
const traced = -2

// Tracing is how often the runtime is asked for its own account of init functions.
const mostTraced = 20

// traceLine is what the runtime writes for each package since 1.16:
// "init net/http @1.2 ms, 0.35 ms clock, 1024 bytes, 12 allocs".
var traceLine = regexp.MustCompile(`(?m)^init (\S+) @[0-9.]+ ms, ([0-9.]+) ms clock, `)

// readTrace adds what the runtime tells of its init functions, in nanoseconds by package.
func readTrace(told []byte, to map[string][]float64) {
	for _, m := range traceLine.FindAllSubmatch(told, -1) {
		if ms, err := strconv.ParseFloat(string(m[2]), 64); err == nil {
			pkg := unescaped(string(m[1]))
			to[pkg] = append(to[pkg], ms*1e6)
		}
	}
}

// withTrace is the environment that makes the runtime tell.
func withTrace(env []string) []string {
	env = slices.Clone(env)
	for i, v := range env {
		if strings.HasPrefix(v, "GODEBUG=") {
			env[i] = v + ",inittrace=1"
			return env
		}
	}
	return append(env, "GODEBUG=inittrace=1")
}

// told takes what a program writes to stderr; a program that writes without end is not kept.
type told struct{ bytes.Buffer }

const mostTold = 8 << 20

func (t *told) Write(p []byte) (int, error) {
	if t.Len() < mostTold {
		t.Buffer.Write(p)
	}
	return len(p), nil
}
