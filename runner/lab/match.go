package lab

import "slices"

// Match is how far claims are true together on one release.
type Match struct {
	Release string
	Holds   int
	Refuted []string // the claims that do not hold there
}

// Matches holds claims against each of the releases; outcome is what is
// recorded of a claim on a release. A release on which nothing is recorded of
// some claim is left out.
func Matches(claims, releases []string, outcome func(claim, release string) (string, bool)) []Match {
	var matches []Match
	for _, release := range releases {
		m, known := Match{Release: release}, true
		for _, claim := range claims {
			switch o, ok := outcome(claim, release); {
			case !ok:
				known = false
			case o == "holds":
				m.Holds++
			default:
				m.Refuted = append(m.Refuted, claim)
			}
		}
		if known && len(claims) > 0 {
			matches = append(matches, m)
		}
	}
	return matches
}

// Best are the matches with the most claims that hold; none when no claim holds anywhere.
func Best(matches []Match) []Match {
	most := 1
	for _, m := range matches {
		most = max(most, m.Holds)
	}
	return slices.DeleteFunc(slices.Clone(matches), func(m Match) bool { return m.Holds < most })
}
