package recording

import (
	"go/version"
	"strconv"
	"strings"
)

// CompareReleases orders releases, oldest first. What is not a released
// version ("devel go1.28-…") is newer than all that are.
func CompareReleases(a, b string) int {
	switch ka, kb := known(a), known(b); {
	case ka && kb:
		return version.Compare(released(a), released(b))
	case ka:
		return -1
	case kb:
		return 1
	}
	return strings.Compare(a, b)
}

// Minor returns the release without its patch: "go1.26" of "go1.26.8", and a
// development version as it is.
func Minor(release string) string {
	if !known(release) {
		return release
	}
	return version.Lang(released(release))
}

func known(release string) bool { return version.IsValid(released(release)) }

// released drops what a toolchain built with experiments adds to its name:
// "go1.26.8 X:nocoverageredesign".
func released(release string) string {
	name, _, _ := strings.Cut(release, " ")
	return name
}

// patch returns 8 for "go1.26.8", 0 for "go1.20" and -1 for a beta or
// candidate, which come before the first release of their minor.
func patch(release string) int {
	rest := strings.TrimPrefix(released(release), Minor(release))
	if rest == "" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimPrefix(rest, "."))
	if err != nil {
		return -1
	}
	return n
}
