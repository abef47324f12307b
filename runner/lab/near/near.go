// Package near finds the known names that a mistyped one was probably meant to be.
package near

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/xrash/smetrics"
)

// Names returns at most limit of the known names that are nearest to word,
// nearest first: those that contain it, and those a few typing errors away.
func Names(word string, known []string, limit int) []string {
	if len(word) < 2 {
		return nil // anything is near to it
	}
	type hit struct {
		name     string
		distance int
	}
	var hits []hit
	low := strings.ToLower(word)
	for _, k := range known {
		d := smetrics.WagnerFischer(low, strings.ToLower(k), 1, 1, 1)
		if len(low) >= 3 && strings.Contains(strings.ToLower(k), low) {
			d = min(d, 1)
		}
		if d <= max(1, (len(low)+2)/3) {
			hits = append(hits, hit{k, d})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, h := range hits[:min(limit, len(hits))] {
		names = append(names, h.name)
	}
	return slices.Compact(names)
}

// Hint returns `; did you mean "a" or "b"?` for up to three near names, "" when there is none.
func Hint(word string, known []string) string {
	names := Names(word, known, 3)
	if len(names) == 0 {
		return ""
	}
	for i, n := range names {
		names[i] = strconv.Quote(n)
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}
