// Package release turns what a user calls a release ("1.27", "go1.27.4",
// "local", a path) into a toolchain that can be run hermetically.
package release

import (
	"errors"

	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// ErrUnavailable is wrapped when a release cannot be had; the text says how to give a path instead.
var ErrUnavailable = errors.New("release cannot be had")

// ErrName is wrapped when a text is no name of a release.
var ErrName = errors.New("not a name of a release")

// Oldest is the minor of the oldest release that rt0lab knows.
const Oldest = 10

// Toolchain is one Go release on this machine.
type Toolchain struct {
	// Name is what the toolchain calls itself: "go1.26.8"; a development build
	// keeps its whole version text: "devel go1.28-abcdef …".
	Name string
	// GOROOT is its folder; Go its bin/go.
	GOROOT string
	Go     string
	// ReadOnly is set for a toolchain below GOMODCACHE (fetched as a module).
	ReadOnly bool
}

// Minor returns 26 for "go1.26.8", constraint.Newest for a development build
// that does not say it, and 0 for what is no release.
func Minor(name string) int { return constraint.Minor(name) }
