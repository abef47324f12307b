//go:build !(linux && amd64)

package delve

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/observe"
)

type witness struct{}

// New returns a witness that is never ready: it traces on linux/amd64 only.
func New(func() (exe string, args []string)) observe.Witness { return witness{} }

// Child never has anything to do on this system.
func Child(...string) int { return 1 }

func (witness) Name() string { return Name }

func (witness) Ready(context.Context) error {
	return fmt.Errorf("look with Delve: %w: %s/%s (it traces on linux/amd64; replay and the static witness work here)",
		observe.ErrMachine, runtime.GOOS, runtime.GOARCH)
}

func (w witness) Observe(ctx context.Context, _ observe.Request) (observe.Observation, error) {
	return observe.Observation{}, w.Ready(ctx)
}

func (w witness) Debug(ctx context.Context, _ debugger.Session) error { return w.Ready(ctx) }

// NewDebugger returns a Delve that is never ready.
func NewDebugger(func() (exe string, args []string)) debugger.Debugger { return witness{} }
