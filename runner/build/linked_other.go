//go:build !unix

package build

import "io/fs"

func isLinked(fs.FileInfo) bool { return false }
