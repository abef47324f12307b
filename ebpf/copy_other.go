//go:build !linux

package ebpf

// Copy exists on linux only.
type Copy struct{}

// InMemory fails as Ready does.
func InMemory(string) (*Copy, error) { return nil, Ready() }

// AtPath fails as Ready does.
func AtPath(string, string) (*Copy, error) { return nil, Ready() }

// Name is nothing.
func (*Copy) Name() string { return "" }

// Path is nothing.
func (*Copy) Path() string { return "" }

// Leave does nothing.
func (*Copy) Leave() {}

// Close does nothing.
func (*Copy) Close() error { return nil }
