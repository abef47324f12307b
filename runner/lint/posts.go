package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// posts holds the release that a post is said to be about against the claims
// of its transcript: it must be one on which most of them hold.
func (l *linter) posts() {
	cited := map[string][]lab.Source{}
	for _, x := range l.all.Labs {
		for _, c := range x.Claims {
			cited[c.ID] = c.Posts
		}
	}
	const file = "labs/posts.yaml"
	for _, id := range slices.Sorted(maps.Keys(l.own.Posts)) {
		p := l.own.Posts[id]
		for _, claim := range slices.Concat(p.Transcript, p.Text) {
			if posts, there := cited[claim]; there && !slices.ContainsFunc(posts, func(s lab.Source) bool { return s.Post == id }) {
				l.add(rulePost, file, p.Line, "post %q: the claim %q does not name it among its posts", id, claim)
			}
		}
		if l.History == nil || len(p.Transcript) == 0 {
			continue
		}
		about, err := constraint.ParseRelease(p.Release)
		if err != nil {
			continue // reported while it was read
		}
		best := lab.Best(lab.Matches(p.Transcript, l.all.Releases, func(claim, release string) (string, bool) {
			o, _, ok := l.History.Outcome(claim, release)
			return o, ok
		}))
		var names []string
		fits := false
		for _, m := range best {
			names = append(names, m.Release)
			r, err := constraint.ParseRelease(m.Release)
			fits = fits || err == nil && r.Minor == about.Minor
		}
		if !fits {
			l.add(rulePost, file, p.Lines.Of("release"), "post %q is said to be about %s, but its transcript fits %s best", id, p.Release, strings.Join(names, ", "))
		}
	}
}
