package delve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// Limits of what a child may send.
const (
	maxAnswer = 64 << 20 // bytes
	maxStderr = 16 << 10 // bytes, the last ones
)

// grace is how long a child that was told to stop may take to kill its
// fixture, before both are killed from here.
const grace = 2 * time.Second

type witness struct {
	self func() (exe string, args []string)

	probe func() error // asks once
}

// New returns the witness. self says how this program is started so that it
// calls Child: its path and its arguments.
func New(self func() (exe string, args []string)) observe.Witness {
	w := &witness{self: self}
	w.probe = sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := w.ask(ctx, order{Probe: true})
		return err
	})
	return w
}

func (w *witness) Name() string { return Name }

func (w *witness) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.probe()
}

func (w *witness) Observe(ctx context.Context, req observe.Request) (observe.Observation, error) {
	start := time.Now()
	if err := debuggable(req); err != nil {
		return observe.Observation{}, err
	}
	o := order{Request: req}
	o.Request.Specs = nil // the child does not judge
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, req.Timeout)
		defer cancel()
	}
	if deadline, ok := ctx.Deadline(); ok {
		// The child ends first, so that it can still say what it has seen.
		o.Deadline = deadline.Add(-min(time.Until(deadline)/5, 2*time.Second))
	}
	a, err := w.ask(ctx, o)
	if err != nil {
		return observe.Observation{}, err
	}
	facts, warnings := observe.Collect(req, a.Walk)
	return observe.Observation{
		Witness:  Name,
		Tool:     a.Walk.Tool,
		Facts:    facts,
		Passed:   a.Walk.Passed,
		Warnings: warnings,
		Duration: time.Since(start),
	}, nil
}

// ask starts a child, gives it one order and returns its answer. When ask
// returns there is no process of the child's session left.
func (w *witness) ask(ctx context.Context, o order) (answer, error) {
	exe, args := w.self()
	cmd := exec.Command(exe, args...)
	// The fixture's environment comes with the order; Delve must see none of ours.
	cmd.Env = []string{}
	// Its own session: no terminal, and a mark by which all its processes are found.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stderr := &tail{most: maxStderr}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return answer{}, fmt.Errorf("start Delve: %w", err)
	}
	result, far, err := os.Pipe()
	if err != nil {
		return answer{}, fmt.Errorf("start Delve: %w", err)
	}
	defer result.Close()
	cmd.ExtraFiles = []*os.File{far} // resultFD
	err = cmd.Start()
	far.Close()
	if err != nil {
		return answer{}, fmt.Errorf("start Delve in a process of its own (%s): %w", exe, err)
	}

	var stopped error // set before done is closed
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-finished:
			return
		case <-ctx.Done():
			stopped = ctx.Err()
		}
		stdin.Close() // the child kills its fixture and ends
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-finished:
		case <-t.C:
			_ = cmd.Process.Kill()
		}
	}()

	var a answer
	writeErr := json.NewEncoder(stdin).Encode(o)
	body, readErr := io.ReadAll(io.LimitReader(result, maxAnswer))
	if len(body) == maxAnswer {
		readErr = fmt.Errorf("more than %d bytes", maxAnswer)
		_ = cmd.Process.Kill()
	}
	waitErr := cmd.Wait()
	close(finished)
	<-done
	stdin.Close()

	parseErr := json.Unmarshal(body, &a)
	if waitErr != nil || parseErr != nil || stopped != nil {
		endSession(cmd.Process.Pid)
	}
	switch {
	// What was seen when the time was over counts. Who has gone wants nothing, though the child may have answered when its fixture was killed.
	case errors.Is(stopped, context.Canceled), stopped != nil && parseErr != nil:
		return answer{}, fmt.Errorf("look with Delve: %w", stopped)
	case parseErr != nil:
		return answer{}, fmt.Errorf("look with Delve: no answer (%w)%s", errors.Join(writeErr, readErr, waitErr, parseErr), stderr)
	case a.Error == "":
		return a, nil
	case a.Machine:
		return answer{}, fmt.Errorf("look with Delve: %w: %s", observe.ErrMachine, a.Error)
	}
	return answer{}, fmt.Errorf("look with Delve: %s%s", a.Error, stderr)
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	most int
	text []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - t.most; over > 0 {
		t.text, t.cut = append([]byte{}, t.text[over:]...), true
	}
	return len(p), nil
}

// String is the text as the end of a message, "" when there is none.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return ""
	}
	if t.cut {
		text = "… " + text
	}
	return "\nDelve said: " + text
}
