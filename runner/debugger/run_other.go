//go:build !linux

package debugger

import (
	"os/exec"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// Run is never called: no debugger is ready on this system.
func Run(*exec.Cmd, string) error { return observe.ErrMachine }
