package replay

import (
	"regexp"
	"slices"
	"testing"
)

var verb = regexp.MustCompile(`%(?:\[\d\])?[a-z]`)

// TestMessages holds that both languages have every message, with the same verbs.
func TestMessages(t *testing.T) {
	t.Parallel()
	for m, text := range messages {
		if text.en == "" || text.zh == "" {
			t.Errorf("message %d lacks a language: %q %q", m, text.en, text.zh)
		}
		en, zh := verb.FindAllString(text.en, -1), verb.FindAllString(text.zh, -1)
		plain := func(list []string) []string {
			list = slices.Clone(list)
			for i := range list {
				list[i] = list[i][len(list[i])-1:]
			}
			slices.Sort(list)
			return list
		}
		if !slices.Equal(plain(en), plain(zh)) {
			t.Errorf("message %d: %q and %q have other verbs", m, text.en, text.zh)
		}
	}
}
