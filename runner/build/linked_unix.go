//go:build unix

package build

import (
	"io/fs"
	"syscall"
)

// isLinked reports whether the file has another name somewhere: removing it frees nothing.
func isLinked(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink > 1
}
