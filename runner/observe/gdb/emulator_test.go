//go:build linux && amd64

package gdb

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/observe"
)

func TestNoEmulator(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("true"); err != nil {
		t.Skipf("%v (apt install coreutils)", err)
	}
	for _, tt := range []struct {
		name        string
		qemus, gdbs []string
		missing     string
	}{
		{"no qemu", []string{"no-such-qemu"}, multiarchNames, "no no-such-qemu in PATH"},
		{"no qemu, but a program of its name", []string{"true"}, multiarchNames, "does not answer like a qemu"},
		{"no gdb", emulatorNames, []string{"no-such-gdb"}, "no no-such-gdb in PATH"},
		{"no gdb, but a program of its name", emulatorNames, []string{"true"}, "does not answer like a gdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := findEmulator(t.Context(), emulatorNames, multiarchNames); err != nil && tt.qemus[0] == emulatorNames[0] {
				t.Skip(err)
			}
			_, err := findEmulator(t.Context(), tt.qemus, tt.gdbs)
			if !errors.Is(err, observe.ErrMachine) || !strings.Contains(err.Error(), tt.missing) || !strings.Contains(err.Error(), "apt install qemu-user-static gdb-multiarch") {
				t.Errorf("%v, want ErrMachine, %q and how to install", err, tt.missing)
			}
		})
	}
}

// What was asked for under a context that has ended is asked again.
func TestEmulatesAfterCancel(t *testing.T) {
	t.Parallel()
	w := New("")
	if err := w.Ready(t.Context()); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Emulates(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it cancelled", err)
	}
	if err := w.Emulates(t.Context()); errors.Is(err, context.Canceled) {
		t.Errorf("%v is kept", err)
	}
}
