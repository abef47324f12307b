//go:build !linux

package gdb

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/observe"
)

func (*Witness) probe(context.Context) (tool, error) {
	return tool{}, fmt.Errorf("%w: the gdb witness runs on linux/amd64 only, this is %s/%s", observe.ErrMachine, runtime.GOOS, runtime.GOARCH)
}

// run is never called: Ready says no.
func run(context.Context, string, string, string) (string, error) {
	return "", observe.ErrMachine
}

func knowsARM64(context.Context, string) (tool, error) { return tool{}, observe.ErrMachine }

// talk is never called either.
func talk(context.Context, string, string, debugger.Session) error { return observe.ErrMachine }
