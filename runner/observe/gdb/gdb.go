// Package gdb is the witness that looks through gdb: one gdb process per
// observation, which runs scripts/gdb/shim.py (the words), walk.py,
// start.py and drive.py of this package, and the scripts.
//
// gdb exits 0 when a Python script raises, and its output is for people.
// Nothing is decided by either: what was seen is in a file of JSON lines, and
// a file without its last line means that gdb did not come to its end.
package gdb

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/room"
	"github.com/rt0lab/rt0lab/runner/place"
)

//go:embed walk.py
var walkSource []byte

//go:embed start.py
var startSource []byte

//go:embed drive.py
var driveSource []byte

// requestVariable tells drive.py where its request is. The fixture does not see it.
const requestVariable = "RT0LAB_GDB"

// mostPerFunction bounds one call of one function of a script.
const mostPerFunction = 5 * time.Second

// Witness looks through gdb. Make it with New; it may be used concurrently.
type Witness struct {
	command string

	// What runs and looks at programs for linux/arm64; see emulator.
	emulators, multiarch []string

	mu    sync.Mutex
	ready bool
	tool  tool
	err   error

	emulated bool
	emu      emulator
	emuErr   error
}

var _ observe.Witness = (*Witness)(nil)

// New returns a witness that runs the given gdb, a path or a name to find in
// PATH; "" means "gdb". Nothing is run before Ready or Observe.
func New(command string) *Witness {
	if command == "" {
		command = "gdb"
	}
	return &Witness{command: command, emulators: emulatorNames, multiarch: multiarchNames}
}

// Name is "gdb".
func (*Witness) Name() string { return "gdb" }

// request is what drive.py reads.
type request struct {
	Binary  string           `json:"binary"`
	Args    []string         `json:"args"`
	Env     []string         `json:"env"`
	Release string           `json:"release"`
	Report  string           `json:"report"`
	Seconds float64          `json:"seconds"` // the most one function may take
	Scripts []observe.Script `json:"scripts"`
	Places  []place.Place    `json:"places"`
	// Emulator runs the program and lets gdb connect through Socket; "" when gdb starts it itself.
	Emulator string `json:"emulator"`
	Socket   string `json:"socket"`
}

// Observe starts the setup once in a gdb of its own. When gdb or the fixture is
// cut short, the facts seen until then are returned and the others are broken.
func (w *Witness) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	begin := time.Now()
	if req.GOOS != "linux" || req.GOARCH != "amd64" && !emulates(req) {
		return observe.Observation{}, fmt.Errorf("observe with gdb: %w: built for %s/%s, and gdb runs linux/amd64 and, by qemu, linux/arm64 only", observe.ErrRelease, req.GOOS, req.GOARCH)
	}
	if err := w.Ready(ctx); err != nil {
		return observe.Observation{}, err
	}
	with, toolName := w.tool, w.tool.String()
	var qemu string
	if emulates(req) {
		e, err := w.emulator(ctx)
		if err != nil {
			return observe.Observation{}, err
		}
		with, toolName, qemu = e.gdb, e.String(), e.qemu
	}
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, req.Timeout, errDeadline)
		defer cancel()
	}
	s, err := w.start(ctx, req, with, qemu)
	if err != nil {
		return observe.Observation{}, err
	}
	if s.died() && ctx.Err() == nil {
		// gdb 13 loses a race of its own, now and then, when a program with several threads
		// ends. What it dies of without fail it dies of again.
		first := s
		if s, err = w.start(ctx, req, with, qemu); err != nil {
			return observe.Observation{}, err
		}
		s.walk.Warnings = append(s.walk.Warnings, first.walk.Interrupted+"; it was started a second time")
	}
	r, walk := s.report, s.walk
	walk.Tool = toolName
	walk.Warnings = append(with.warnings(), walk.Warnings...)
	if r.calling != nil && !r.ended {
		c := *r.calling
		c.Facts, c.Error = nil, fmt.Sprintf("%s did not come to its end at %s: %s", c.Subject, c.Stop, walk.Interrupted)
		walk.Served = append(walk.Served, c)
	}
	facts, warnings := observe.Collect(req, walk)
	return observe.Observation{
		Witness: w.Name(), Tool: walk.Tool, Facts: facts, Passed: walk.Passed, Warnings: warnings,
		Duration: time.Since(begin),
	}, nil
}

// attempt is one start of gdb.
type attempt struct {
	report
	killed bool // by the deadline or the caller
	shot   bool // by somebody else
}

// died reports whether gdb ended by itself before its walk did, and not in a call of a script.
func (s *attempt) died() bool { return !s.ended && !s.killed && !s.shot && s.calling == nil }

// start runs gdb once, in a room of its own. The error is the caller's end, or that gdb
// could not start the fixture; what else went wrong is in the walk.
func (w *Witness) start(ctx context.Context, req observe.Request, with tool, qemu string) (*attempt, error) {
	private, err := room.New("gdb")
	if err != nil {
		return nil, fmt.Errorf("observe with gdb: %w", err)
	}
	defer private.Remove()
	dir := private.Path
	if err := w.prepare(dir, req, qemu); err != nil {
		return nil, fmt.Errorf("observe with gdb: %w", err)
	}
	last, runErr := run(ctx, with.path, dir, req.Binary)
	s := &attempt{report: readReport(filepath.Join(dir, reportFile)), killed: ctx.Err() != nil}
	var exit *exec.ExitError
	if errors.As(runErr, &exit) {
		ws, ok := exit.Sys().(syscall.WaitStatus)
		s.shot = ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL
	}
	switch {
	case s.killed && !errors.Is(context.Cause(ctx), errDeadline):
		return nil, fmt.Errorf("observe with gdb: %w", context.Cause(ctx))
	case s.ended:
	case s.killed:
		s.walk.Interrupted = fmt.Sprintf("gdb was stopped after %s", req.Timeout)
	default:
		s.walk.Interrupted = "gdb ended before the walk did"
		if runErr != nil {
			s.walk.Interrupted += " (" + runErr.Error() + ")"
		}
		if last != "" {
			s.walk.Interrupted += "; its last words: " + last
		}
	}
	if s.walk.Interrupted != "" && s.pid == 0 {
		return nil, fmt.Errorf("observe with gdb: the fixture was not started: %s", s.walk.Interrupted)
	}
	return s, nil
}

// errDeadline tells the request's own deadline from an end of the caller's context.
var errDeadline = errors.New("deadline of the observation")

const (
	requestFile = "request.json"
	reportFile  = "report.jsonl"
	libFile     = "shim.py"
	walkFile    = "walk.py"
	startFile   = "start.py"
	driveFile   = "drive.py"
	socketFile  = "qemu"
)

// prepare writes what gdb reads into the private folder; qemu is "" when gdb starts the program itself.
func (w *Witness) prepare(room string, req observe.Request, qemu string) error {
	perFunction := mostPerFunction
	if t := req.Timeout / 3; t > 0 && t < perFunction {
		perFunction = t
	}
	out, err := requestFor(room, req, qemu)
	if err != nil {
		return err
	}
	out.Seconds = perFunction.Seconds()
	return layDown(room, out, map[string][]byte{libFile: []byte(req.Lib.Source), walkFile: walkSource, startFile: startSource, driveFile: driveSource})
}

// layDown writes what gdb reads into the private folder: the request as JSON, and the files.
func layDown(room string, request any, files map[string][]byte) error {
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	files[requestFile] = data
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(room, name), content, 0o600); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	return nil
}

// requestFor says what every start of a program in gdb has to know.
func requestFor(room string, req observe.Request, qemu string) (request, error) {
	out := request{
		Binary: req.Binary, Args: req.Args, Env: req.Env, Release: req.Release,
		Report: filepath.Join(room, reportFile), Seconds: mostPerFunction.Seconds(),
		Scripts: req.Scripts, Places: req.Places, Emulator: qemu,
	}
	if qemu != "" {
		out.Socket = filepath.Join(room, socketFile)
	}
	if out.Args == nil {
		out.Args = []string{}
	}
	if out.Env == nil {
		out.Env = []string{}
	}
	for _, s := range slices.Concat([]string{req.Binary}, out.Args, out.Env) {
		if strings.ContainsAny(s, "\n\x00") {
			return request{}, fmt.Errorf("%q: gdb cannot hand a line break or a zero byte to a program", s)
		}
	}
	return out, nil
}
