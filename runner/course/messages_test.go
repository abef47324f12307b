package course

import (
	"regexp"
	"slices"
	"testing"
)

// Both languages say every message, with the same verbs in the same order.
func TestMessages(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[0-9]*[a-z]`)
	for i, m := range messages {
		if m.en == "" || m.zh == "" {
			t.Errorf("message %d: %q, %q", i, m.en, m.zh)
		}
		if en, zh := verbs.FindAllString(m.en, -1), verbs.FindAllString(m.zh, -1); !slices.Equal(en, zh) {
			t.Errorf("%q has the verbs %q, %q has %q", m.en, en, m.zh, zh)
		}
	}
}
