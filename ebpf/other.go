//go:build !(linux && amd64)

package ebpf

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
)

// Tracer exists on linux/amd64 only.
type Tracer struct{}

// Ready says that this is not linux/amd64.
func Ready() error {
	return fmt.Errorf("%w: probes work on linux/amd64, this is %s/%s", ErrFeature, runtime.GOOS, runtime.GOARCH)
}

// Open fails as Ready does.
func Open(Options) (*Tracer, error) { return nil, Ready() }

// Run fails as Ready does.
func (*Tracer) Run(context.Context, *exec.Cmd, func(Event) bool) (Run, error) { return Run{}, Ready() }

// Close does nothing.
func (*Tracer) Close() error { return nil }
