//go:build !linux

package ebpf

import "os"

// Private fails as Ready does.
func Private(string) (*os.File, error) { return nil, Ready() }
