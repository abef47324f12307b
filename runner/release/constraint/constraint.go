// Package constraint says whether a Go release lies in a range such as
// ">=1.21 <1.26". It knows nothing of toolchains, so that packages that only
// read data can check what stands in it.
package constraint

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// ErrSyntax is wrapped when a text is no constraint.
var ErrSyntax = errors.New("not a constraint")

// ErrRelease is wrapped when a text is not what a Go toolchain calls itself.
var ErrRelease = errors.New("not the name of a Go release")

// Newest is the minor of a development build that does not say which release
// it will become: newer than all others.
const Newest = math.MaxInt32

// Release is a Go release as far as constraints look at it. Betas and release
// candidates count as the release itself: their runtime is that release's.
type Release struct {
	Minor int // 21 for go1.21.13; Newest for "devel +0123abc …"
	Patch int
	// HasPatch is set when the text says a patch: 1.21.0, not 1.21.
	HasPatch bool
}

var (
	// A release: 1.21, go1.21.13, go1.22rc1, go1.28-devel_0123abc …, go1.21.13 X:experiment.
	releaseText = regexp.MustCompile(`^(?:go)?1\.(0|[1-9]\d{0,3})(?:\.(0|[1-9]\d{0,3})|(?:rc|beta)\d+)?(?:[-+ ].*)?$`)
	// A development build of 1.17 to 1.25 says its release second: "devel go1.22-0123abc …".
	develText = regexp.MustCompile(`^devel (go1\.\d+)(?:[-+ ].*)?$`)
)

// ParseRelease reads what a toolchain calls itself, with or without "go".
func ParseRelease(name string) (Release, error) {
	if m := develText.FindStringSubmatch(name); m != nil {
		name = m[1]
	} else if name == "devel" || strings.HasPrefix(name, "devel ") {
		return Release{Minor: Newest}, nil
	}
	m := releaseText.FindStringSubmatch(name)
	if m == nil {
		return Release{}, fmt.Errorf("%w: %q (say it like go1.26.8)", ErrRelease, name)
	}
	var r Release
	r.Minor, _ = strconv.Atoi(m[1])
	if m[2] != "" {
		r.Patch, _ = strconv.Atoi(m[2])
		r.HasPatch = true
	}
	return r, nil
}

// Constraint is a list of bounds, all of which a release must keep. The zero
// Constraint fits every release.
type Constraint struct {
	text   string
	bounds []bound
}

type bound struct {
	operator string
	release  Release
}

// operators in the order in which they are tried: the longer ones first.
var operators = []string{">=", "<=", ">", "<", "="}

// Parse reads bounds that are separated by spaces: ">=1.21 <1.26", "=1.17",
// "<=1.25.0". A bound without a patch is about the whole minor: 1.26.8 fits
// "<=1.26" and "=1.26" and does not fit ">1.26". The empty text fits every
// release. No space may stand between an operator and its release.
func Parse(text string) (Constraint, error) {
	c := Constraint{text: strings.Join(strings.Fields(text), " ")}
	for _, word := range strings.Fields(text) {
		b, err := parseBound(word)
		if err != nil {
			return Constraint{}, err
		}
		c.bounds = append(c.bounds, b)
	}
	return c, nil
}

func parseBound(word string) (bound, error) {
	for _, op := range operators {
		rest, ok := strings.CutPrefix(word, op)
		if !ok {
			continue
		}
		// What follows the patch (an experiment, a hash) means nothing in a bound.
		m := releaseText.FindStringSubmatch(rest)
		if m == nil || strings.ContainsAny(rest, "-+rb") {
			break
		}
		r, err := ParseRelease(rest)
		if err != nil {
			break
		}
		return bound{op, r}, nil
	}
	return bound{}, fmt.Errorf("%w: %q (say it like %q; operators are %s)",
		ErrSyntax, word, ">=1.21 <1.26", strings.Join(operators, " "))
}

// String returns the text of the constraint.
func (c Constraint) String() string { return c.text }

// Fits reports whether the release keeps every bound.
func (c Constraint) Fits(r Release) bool {
	for _, b := range c.bounds {
		if !b.fits(r) {
			return false
		}
	}
	return true
}

func (b bound) fits(r Release) bool {
	order := r.Minor - b.release.Minor
	if order == 0 && b.release.HasPatch {
		order = r.Patch - b.release.Patch
	}
	switch b.operator {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	}
	return order == 0
}

// Fits reports whether a release, as it calls itself, lies in the constraint.
func Fits(constraint, release string) (bool, error) {
	c, err := Parse(constraint)
	if err != nil {
		return false, err
	}
	r, err := ParseRelease(release)
	if err != nil {
		return false, err
	}
	return c.Fits(r), nil
}

// Minor returns the minor of a release (26 for "go1.26.8"), Newest for a
// development build that does not say it, and 0 for what is no release.
func Minor(release string) int {
	r, err := ParseRelease(release)
	if err != nil {
		return 0
	}
	return r.Minor
}
