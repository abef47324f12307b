package cli

import (
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
	"github.com/rt0lab/rt0lab/runner/report"
)

// style is how reports look here, and how they learn what a line alone does
// not know: the sentence, the past, the author's reason.
func (s *session) style(tty bool) report.Style {
	style := report.Style{Lang: s.lang, Color: tty && s.color}
	if tty {
		style.Width = s.width
	}
	if s.loaded == nil {
		return style
	}
	claims := map[string]*lab.Claim{}
	for _, l := range s.loaded.Labs {
		for _, c := range l.Claims {
			claims[c.ID] = c
		}
	}
	history := recording.NewHistory(s.loaded, s.books)
	style.Says = func(l report.Line) string {
		if c := claims[l.Claim]; c != nil {
			return c.Says.In(s.lang)
		}
		return ""
	}
	style.Since = func(l report.Line) (string, bool) { return history.Since(l.Claim, l.Release, l.Outcome) }
	style.Why = func(l report.Line) string {
		// The author's reason is one for what is recorded.
		if c := claims[l.Claim]; c != nil && !l.Drift {
			return whyOn(c, l.Release).In(s.lang)
		}
		return ""
	}
	style.Varies = func(l report.Line) bool {
		return s.loaded.Catalogue[l.Fact].Compare != fact.CompareExact
	}
	return style
}

// whyOn is the reason of the newest change up to the release.
func whyOn(c *lab.Claim, release string) lab.Text {
	var why lab.Text
	newest := -1
	for _, ch := range c.Changes {
		at := constraint.Minor(ch.Since)
		if at <= constraint.Minor(release) && at > newest {
			why, newest = ch.Why, at
		}
	}
	return why
}
