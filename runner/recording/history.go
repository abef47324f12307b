package recording

import (
	"slices"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// History answers what the recordings of all labs say of a claim, release by
// release.
type History struct {
	claims map[string]place
}

// place is where a claim is recorded.
type place struct {
	claim    *lab.Claim
	book     *Book
	platform Platform
}

// NewHistory takes the books by the id of their lab; a lab without one has no past.
func NewHistory(data *lab.Data, books map[string]*Book) *History {
	h := &History{claims: map[string]place{}}
	for _, l := range data.Labs {
		book := books[l.ID]
		if book == nil {
			continue
		}
		for _, c := range l.Claims {
			h.claims[c.ID] = place{claim: c, book: book, platform: PlatformOf(data.SetupOf(c))}
		}
	}
	return h
}

// Outcome is the judgement over the recording of exactly this release, and
// the value the witnesses saw (invalid when nobody did); ok is false when
// nothing is recorded of the claim there.
func (h *History) Outcome(claimID, release string) (outcome string, value fact.Value, ok bool) {
	p, ok := h.claims[claimID]
	if !ok {
		return "", fact.Value{}, false
	}
	r, exact := p.book.At(release, p.platform.GOOS, p.platform.GOARCH)
	if !exact {
		return "", fact.Value{}, false
	}
	v, ok := r.Judge(p.claim)
	if !ok {
		return "", fact.Value{}, false
	}
	value, _ = v.Value()
	return string(v.Outcome), value, true
}

// Unrecorded are the witnesses of the claim that the recording of exactly this
// release has no word of; all of them when there is no such recording. Of a lab
// that nobody has begun to record there is nothing to miss.
func (h *History) Unrecorded(claimID, release string) []string {
	p, ok := h.claims[claimID]
	if !ok || len(p.book.Recordings) == 0 {
		return nil
	}
	r, exact := p.book.At(release, p.platform.GOOS, p.platform.GOARCH)
	if !exact {
		return p.claim.Witnesses
	}
	return r.Missing(p.claim)
}

// Since returns the first of the releases in a row, up to the one that stands
// for release, whose recordings give the claim this outcome; "" when that one
// gives another. always is set when no older recording says otherwise.
func (h *History) Since(claimID, release string, outcome judge.Outcome) (since string, always bool) {
	p, ok := h.claims[claimID]
	if !ok {
		return "", false
	}
	at, _ := p.book.At(release, p.platform.GOOS, p.platform.GOARCH)
	if at == nil {
		return "", false
	}
	for _, r := range slices.Backward(p.book.Recordings) {
		if r.GOOS != at.GOOS || r.GOARCH != at.GOARCH || CompareReleases(r.Release, at.Release) > 0 {
			continue
		}
		v, ok := r.Judge(p.claim)
		if !ok {
			continue // recorded before the claim was written
		}
		if v.Outcome != outcome {
			return since, false
		}
		since = r.Release
	}
	return since, since != ""
}
