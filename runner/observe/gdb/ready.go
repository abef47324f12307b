package gdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// tool is the gdb that was found.
type tool struct {
	path         string
	major, minor int
}

func (t tool) String() string { return fmt.Sprintf("gdb %d.%d", t.major, t.minor) }

func (t tool) before(major, minor int) bool {
	return t.major < major || t.major == major && t.minor < minor
}

// warnings are said in every observation.
func (t tool) warnings() []string {
	if t.before(12, 1) {
		return []string{t.String() + " can crash when its terminal changes size; 12.1 or newer is better"}
	}
	return nil
}

// firstMajor is the oldest gdb that reads DWARF 5 (Go 1.25 and newer) and has
// all of the Python that shim.py needs.
const firstMajor = 10

// install is how to get a gdb on the usual systems.
const install = "install it (apt install gdb, dnf install gdb, apk add gdb, pacman -S gdb)"

// Ready reports whether gdb is there, new enough, has Python, and may trace. It
// runs gdb once; the answer is kept, except when ctx ended first.
func (w *Witness) Ready(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready {
		return w.err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look for gdb: %w", err)
	}
	found, err := w.probe(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("look for gdb: %w", ctx.Err())
	}
	w.ready, w.tool = true, found
	if err != nil {
		w.err = fmt.Errorf("look for gdb: %w", err)
	}
	return w.err
}

var errVersion = errors.New("no version in what gdb says")

var versionAtEnd = regexp.MustCompile(`(\d+)\.(\d+)\S*$`)

// parseVersion reads the first line gdb prints about itself; distributions put
// their own words, with numbers in them, before gdb's.
func parseVersion(text string) (major, minor int, err error) {
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "GNU gdb") {
			continue
		}
		fields := strings.Fields(l)
		m := versionAtEnd.FindStringSubmatch(fields[len(fields)-1])
		if m == nil {
			break
		}
		if major, err = strconv.Atoi(m[1]); err != nil {
			break
		}
		if minor, err = strconv.Atoi(m[2]); err != nil {
			break
		}
		return major, minor, nil
	}
	return 0, 0, fmt.Errorf("%w: %.200q", errVersion, text)
}

// assess says whether what gdb printed when it was probed is good enough.
func assess(t tool, text string, exit error) (tool, error) {
	var err error
	t.major, t.minor, err = parseVersion(text)
	if err != nil {
		if exit != nil {
			err = fmt.Errorf("%w (%w)", err, exit)
		}
		return t, fmt.Errorf("%w: %s does not answer like a gdb: %w; %s", observe.ErrMachine, t.path, err, install)
	}
	if t.before(firstMajor, 0) {
		return t, fmt.Errorf("%w: %s is %s, too old for the DWARF 5 of Go 1.25 and newer; gdb %d or newer is needed: %s from a newer distribution", observe.ErrMachine, t.path, t, firstMajor, install)
	}
	if !strings.Contains(text, pythonAnswer) {
		return t, fmt.Errorf("%w: %s (%s) was built without Python 3, in which the scripts are written; %s, not a minimal build (apt: gdb, not gdb-minimal)", observe.ErrMachine, t.path, t, install)
	}
	return t, nil
}

// pythonAnswer is what a gdb with Python 3 prints for pythonQuestion, and no error message can.
const (
	pythonQuestion = "python import sys; print('rt0lab' + str(6 * 7) if sys.version_info[0] >= 3 else '')"
	pythonAnswer   = "rt0lab42"
)
