package delve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/room"
)

var _ debugger.Debugger = (*witness)(nil)

// sitting is what the child is told: a session, and a private folder.
type sitting struct {
	Session debugger.Session `json:"session"`
	Folder  string           `json:"folder"`
	Color   bool             `json:"color"`
}

// outcome is what the child says when there was no prompt.
type outcome struct {
	// NotReached says why the program did not come to the stop.
	NotReached string `json:"not_reached,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Debug drops a person into Delve's own terminal, which runs with Delve and the
// program below it in a child process, as observations do.
func (w *witness) Debug(ctx context.Context, s debugger.Session) error {
	if err := debuggable(s.Request); err != nil {
		return err
	}
	private, err := room.New("debug")
	if err != nil {
		return err
	}
	defer private.Remove()
	orders, hold, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start Delve: %w", err)
	}
	defer hold.Close()
	answers, far, err := os.Pipe()
	if err != nil {
		orders.Close()
		return fmt.Errorf("start Delve: %w", err)
	}
	defer answers.Close()

	exe, args := w.self()
	cmd := exec.CommandContext(ctx, exe, append(args, debugArg)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	cmd.ExtraFiles = []*os.File{orders, far} // orderFD, answerFD
	cmd.Cancel = func() error { return hold.Close() }
	cmd.WaitDelay = grace
	told := make(chan outcome, 1)
	go func() {
		_ = json.NewEncoder(hold).Encode(sitting{Session: s, Folder: private.Path, Color: os.Getenv("NO_COLOR") == ""})
	}()
	go func() {
		var o outcome
		_ = json.NewDecoder(answers).Decode(&o) // nothing is said when all is well
		told <- o
	}()
	runErr := debugger.Run(cmd, s.Binary)
	orders.Close()
	far.Close()
	var o outcome
	select {
	case o = <-told:
	case <-time.After(grace): // somebody below holds the pipe
	}
	switch {
	case o.NotReached != "":
		return fmt.Errorf("%w: %s", debugger.ErrNotReached, o.NotReached)
	case o.Error != "":
		return fmt.Errorf("debug with Delve: %s", o.Error)
	case ctx.Err() != nil:
		return fmt.Errorf("debug with Delve: %w", context.Cause(ctx))
	case runErr != nil && !errors.Is(runErr, exec.ErrWaitDelay) && !errors.Is(runErr, io.ErrClosedPipe):
		return fmt.Errorf("debug with Delve: it came to a bad end: %w", runErr)
	}
	return nil
}

// notReached tells the end of a walk before its stop.
func notReached(walk observe.Walk) string {
	switch n := len(walk.Warnings); {
	case walk.Interrupted != "":
		return walk.Interrupted
	case n > 0:
		return walk.Warnings[n-1]
	}
	return "the program ended before it"
}

// NewDebugger returns the Delve that a person is dropped into; self is New's.
func NewDebugger(self func() (exe string, args []string)) debugger.Debugger {
	return New(self).(*witness)
}
