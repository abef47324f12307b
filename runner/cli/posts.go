package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
)

// posts lists the sources of the claims and, of each that has a transcript,
// the releases for which it can be true: those on which its claims hold.
func (s *session) posts(data *lab.Data) error {
	books := map[string]*recording.Book{}
	releases := slices.Clone(data.Releases)
	for _, l := range data.Labs {
		book, err := s.book(l.ID)
		if err != nil {
			return err
		}
		books[l.ID] = book
		for _, r := range book.Recordings { // a lab may be recorded on more than it must
			releases = append(releases, r.Release)
		}
	}
	slices.SortFunc(releases, recording.CompareReleases)
	releases = slices.Compact(releases)
	history := recording.NewHistory(data, books)
	for _, id := range slices.Sorted(maps.Keys(data.Posts)) {
		p := data.Posts[id]
		claims := 0
		for _, l := range data.Labs {
			for _, c := range l.Claims {
				if slices.ContainsFunc(c.Posts, func(src lab.Source) bool { return src.Post == id }) {
					claims++
				}
			}
		}
		title := p.Title
		if p.Site != "" {
			title += " (" + p.Site + ")"
		}
		fmt.Fprintf(s.stdout, "%s  %s, %s, %d claims\n", p.ID, title, p.System, claims)
		for _, part := range []struct {
			name   string
			claims []string
		}{{"transcript", p.Transcript}, {"text", p.Text}} {
			if len(part.claims) == 0 {
				continue
			}
			fits := fitting(part.claims, lab.Matches(part.claims, releases, func(claim, release string) (string, bool) {
				o, _, ok := history.Outcome(claim, release)
				return o, ok
			}))
			fmt.Fprintf(s.stdout, "    %-10s %s\n", part.name, fits)
		}
	}
	return nil
}

// fitting says on which releases all of the claims hold, or which come closest.
func fitting(claims []string, matches []lab.Match) string {
	best := lab.Best(matches)
	if len(best) == 0 {
		return "fits no recorded release at all"
	}
	var names []string
	for _, m := range best {
		names = append(names, m.Release)
	}
	if best[0].Holds == len(claims) {
		return fmt.Sprintf("can be true for %s: %s", span(names, matches), countHold(len(claims)))
	}
	return fmt.Sprintf("fits no recorded release; closest %s, where %d of %d hold, not %s",
		span(names, matches), best[0].Holds, len(claims), strings.Join(best[0].Refuted, ", "))
}

func countHold(n int) string {
	if n == 1 {
		return "its claim holds"
	}
	return fmt.Sprintf("all %d claims hold", n)
}

// span writes releases that follow one another among the matches as from–to.
func span(names []string, matches []lab.Match) string {
	at := func(name string) int {
		return slices.IndexFunc(matches, func(m lab.Match) bool { return m.Release == name })
	}
	var spans []string
	for i := 0; i < len(names); {
		j := i
		for j+1 < len(names) && at(names[j+1]) == at(names[j])+1 {
			j++
		}
		if j > i {
			spans = append(spans, names[i]+"–"+names[j])
		} else {
			spans = append(spans, names[i])
		}
		i = j + 1
	}
	return strings.Join(spans, ", ")
}
