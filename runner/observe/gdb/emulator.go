package gdb

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// emulator runs programs for linux/arm64: qemu with a stub that a gdb which
// knows arm64 connects to. Its programs have no entry in /proc.
type emulator struct {
	qemu    string // path
	version string // "7.2.22"
	gdb     tool
}

func (e emulator) String() string { return e.gdb.String() + " and qemu-aarch64 " + e.version }

// installEmulator is how to get the two programs where packages are Debian's.
const installEmulator = "install both (apt install qemu-user-static gdb-multiarch)"

// emulates reports whether the build is one that the emulator runs.
func emulates(req observe.Request) bool { return req.GOOS == "linux" && req.GOARCH == "arm64" }

// Emulates reports whether programs for linux/arm64 can be run and looked at
// here. The error wraps observe.ErrMachine and says what is missing. What was
// found is kept, except when ctx ended first.
func (w *Witness) Emulates(ctx context.Context) error {
	_, err := w.emulator(ctx)
	return err
}

func (w *Witness) emulator(ctx context.Context) (emulator, error) {
	if err := w.Ready(ctx); err != nil {
		return emulator{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.emulated {
		return w.emu, w.emuErr
	}
	found, err := findEmulator(ctx, w.emulators, w.multiarch)
	if ctx.Err() != nil {
		return emulator{}, fmt.Errorf("look for qemu: %w", ctx.Err())
	}
	w.emulated, w.emu = true, found
	if err != nil {
		w.emuErr = fmt.Errorf("look for qemu: %w", err)
	}
	return w.emu, w.emuErr
}

// The programs that are looked for, the first that is there is taken. Some
// distributions have one gdb for all machines.
var (
	emulatorNames  = []string{"qemu-aarch64-static", "qemu-aarch64"}
	multiarchNames = []string{"gdb-multiarch", "gdb"}
)

func findEmulator(ctx context.Context, qemus, gdbs []string) (emulator, error) {
	var e emulator
	for _, name := range qemus {
		if path, err := exec.LookPath(name); err == nil {
			e.qemu = path
			break
		}
	}
	if e.qemu == "" {
		return e, fmt.Errorf("%w: no %s in PATH to run linux/arm64 programs; %s", observe.ErrMachine, strings.Join(qemus, " or "), installEmulator)
	}
	out, err := exec.CommandContext(ctx, e.qemu, "--version").Output()
	if m := qemuVersion.FindSubmatch(out); m != nil {
		e.version = string(m[1])
	} else {
		return e, fmt.Errorf("%w: %s does not answer like a qemu (%w); %s", observe.ErrMachine, e.qemu, errors.Join(errVersion, err), installEmulator)
	}
	why := fmt.Errorf("no %s in PATH", strings.Join(gdbs, " or "))
	for _, name := range gdbs {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if e.gdb, err = knowsARM64(ctx, path); err == nil {
			return e, nil
		}
		why = err
	}
	return e, fmt.Errorf("%w: no gdb for linux/arm64 programs: %w; %s", observe.ErrMachine, why, installEmulator)
}

var qemuVersion = regexp.MustCompile(`qemu-aarch64\S* version (\d+(?:\.\d+)+)`)
