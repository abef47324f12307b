package gdb

import (
	"fmt"
	"os"
)

// room is a private folder of one gdb. Its name has the process it belongs to:
// who is killed cannot remove it, and a later one does.
type room struct {
	path string
	lock *os.File
}

func newRoom() (*room, error) {
	path, err := os.MkdirTemp("", fmt.Sprintf("rt0lab-gdb-%d-", os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make a private folder: %w", err)
	}
	return &room{path: path, lock: lock(path)}, nil
}

func (r *room) remove() {
	_ = os.RemoveAll(r.path)
	if r.lock != nil {
		_ = r.lock.Close()
	}
}
