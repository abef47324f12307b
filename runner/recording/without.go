package recording

import (
	"maps"
	"slices"
)

// Without is the recording as it would be if the witnesses had not been
// asked, for a machine that lacks them. What nobody else saw is not in it.
func (r *Recording) Without(witnesses []string) *Recording {
	lean := *r
	lean.Setups = map[string]*Setup{}
	for name, s := range r.Setups {
		if s.Unsupported != "" {
			lean.Setups[name] = s
			continue
		}
		facts := map[string]Entry{}
		for f, e := range s.Facts {
			e.By = slices.DeleteFunc(slices.Clone(e.By), func(w string) bool { return slices.Contains(witnesses, w) })
			e.Unseen = maps.Clone(e.Unseen)
			for _, w := range witnesses {
				delete(e.Unseen, w)
			}
			if len(e.By) > 0 || len(e.Unseen) > 0 {
				facts[f] = e
			}
		}
		if len(facts) > 0 {
			lean.Setups[name] = &Setup{Digest: s.Digest, Facts: facts}
		}
	}
	return &lean
}
