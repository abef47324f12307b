//go:build !linux || !amd64

package step

import (
	"context"
	"fmt"
	"runtime"
)

func run(context.Context, Request) (*Walk, error) { return nil, ready() }

func ready() error {
	return fmt.Errorf("%w: boot traces are made on linux/amd64, this is %s/%s (replay works here)", ErrMachine, runtime.GOOS, runtime.GOARCH)
}
