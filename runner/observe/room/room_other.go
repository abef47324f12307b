//go:build !linux

package room

import "os"

func lock(string) *os.File { return nil }

// Sweep has nothing to do: no debugger is started on this system.
func Sweep() {}
