package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/recording"
)

// sortLines orders lines by release, platform and lab. Within a lab claims
// keep the order in which they first appear, whatever the release.
func sortLines(lines []Line) {
	rank := map[[2]string]int{}
	for _, l := range lines {
		if id := [2]string{l.Lab, l.Claim}; rank[id] == 0 {
			rank[id] = len(rank) + 1
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(
			recording.CompareReleases(a.Release, b.Release),
			cmp.Compare(a.GOOS, b.GOOS),
			cmp.Compare(a.GOARCH, b.GOARCH),
			cmp.Compare(a.Lab, b.Lab),
			cmp.Compare(rank[[2]string{a.Lab, a.Claim}], rank[[2]string{b.Lab, b.Claim}]),
		)
	})
}

// releases are those of the lines, oldest first.
func releases(lines []Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Release)
	}
	slices.SortFunc(all, recording.CompareReleases)
	return slices.Compact(all)
}

// labels are short names of releases: "1.21" where only one release of the
// minor is there, "1.21.13" where there are several.
func labels(releases []string) map[string]string {
	patches := map[string]int{}
	for _, r := range releases {
		patches[recording.Minor(r)]++
	}
	const most = 18 // "devel go1.28-abcde…"
	of := map[string]string{}
	for _, r := range releases {
		name := r
		if minor := recording.Minor(r); patches[minor] == 1 {
			name = minor
		}
		of[r] = short(clean(strings.TrimPrefix(name, "go")), most)
	}
	return of
}
