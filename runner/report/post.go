package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/recording"
)

// answer tells the author of a post, release by release, what has become of its
// sentences: how many hold, which no longer do and since when, which never did.
func (t *texter) answer(lines []Line) {
	for _, release := range releases(lines) {
		holds, all := 0, 0
		gone := map[string][]string{} // by the release since which they are refuted; "" when they never held
		for _, l := range lines {
			if l.Release != release {
				continue
			}
			all++
			switch l.Outcome {
			case judge.Holds:
				holds++
			case judge.Refuted:
				since := ""
				if t.Since != nil {
					if r, always := t.Since(l); !always {
						since = r
					}
				}
				gone[since] = append(gone[since], clean(l.Claim))
			}
		}
		t.line("")
		t.hang("", "", t.t(msgPost, clean(t.Post), clean(release), holds, all))
		never := gone[""]
		delete(gone, "")
		for _, since := range slices.SortedFunc(maps.Keys(gone), recording.CompareReleases) {
			t.hang("  ", "    ", t.t(msgGone, clean(since), strings.Join(gone[since], ", ")))
		}
		if len(never) > 0 {
			t.hang("  ", "    ", t.t(msgNever, strings.Join(never, ", ")))
		}
	}
}
