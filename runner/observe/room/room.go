// Package room makes private folders for debuggers. Its name says whose a room is: a process
// that was killed cannot remove it, and a later one does.
package room

import (
	"fmt"
	"os"
)

// Room is a private folder. Its owner removes it.
type Room struct {
	Path string
	lock *os.File
}

// New makes a room for something of that kind: a word of lower-case letters.
func New(kind string) (*Room, error) {
	path, err := os.MkdirTemp("", fmt.Sprintf("rt0lab-%s-%d-", kind, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make a private folder: %w", err)
	}
	return &Room{Path: path, lock: lock(path)}, nil
}

// Remove removes the room with all that is in it.
func (r *Room) Remove() {
	_ = os.RemoveAll(r.Path)
	if r.lock != nil {
		_ = r.lock.Close()
	}
}
