//go:build !unix

package gocmd

import (
	"os/exec"
	"time"
)

// ownGroup does nothing where there are no process groups: the command itself is killed when the
// context ends, and its children end when they find their pipes closed.
func ownGroup(*exec.Cmd) {}

func endGroup(*exec.Cmd, time.Duration) {}
