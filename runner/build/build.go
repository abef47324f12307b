// Package build turns a setup and a toolchain into a binary, cached by the
// content of everything that goes into it. Every toolchain is run hermetically:
// nothing of the user's Go settings reaches it.
package build

import (
	"errors"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

// ErrCompile is wrapped when the toolchain refuses the fixture: the outcome is broken, the
// text holds the compiler's words.
var ErrCompile = errors.New("fixture does not build")

// ErrNoCompiler is wrapped when the setup needs a C compiler and there is none: untested, cause machine.
var ErrNoCompiler = errors.New("no C compiler")

// ErrUnsupported is wrapped when the release cannot build this setup at all (Setup.Go, a
// GOOS/GOARCH pair or a GOEXPERIMENT it does not know): untested, cause release.
var ErrUnsupported = errors.New("release cannot build this setup")

// Input is everything a build depends on.
type Input struct {
	Setup     *lab.Setup
	Toolchain release.Toolchain
	// Overlay replaces files: absolute path below Toolchain.GOROOT/src → new content.
	// Works on every release: with -overlay since 1.16, in a copied GOROOT before.
	Overlay map[string][]byte
}

// Binary is a built fixture.
type Binary struct {
	Path   string // absolute; the file is never changed once it is there
	Digest string // of all inputs, hex; names the cache entry
	GOOS   string
	GOARCH string
	// GOROOT is where the runtime's sources are that went into the binary.
	GOROOT  string
	Release string // Toolchain.Name
}
