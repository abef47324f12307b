package judge

import (
	"fmt"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Recorded is the judgement over a recording.
type Recorded struct {
	Outcome Outcome
	Value   fact.Value // invalid when no witness saw one
	// Release of the recording, which may be older than the one judged now; for messages.
	Release string
}

// RecordedOf returns the verdict over the recording of a release as Drift wants it.
func RecordedOf(v Verdict, release string) *Recorded {
	value, _ := v.Value()
	return &Recorded{Outcome: v.Outcome, Value: value, Release: release}
}

// Drift reports whether somebody must look: the outcome is another than the
// recorded one, or both have a value, the catalogue says that it can be
// compared, and it is another. Why says it in words. What is untested because
// of this machine never drifts, nor does anything nobody has recorded (nil).
func Drift(now Verdict, recorded *Recorded, compare fact.Comparison) (drift bool, why string) {
	if recorded == nil || now.Outcome == Untested && now.Cause == observe.CauseMachine {
		return false, ""
	}
	was := recorded.Release
	if was == "" {
		was = "the recording"
	}
	value, seen := now.Value()
	if now.Outcome != recorded.Outcome {
		why = fmt.Sprintf("%s: %s%s, now %s", was, recorded.Outcome, with(recorded.Value), now.Outcome)
		if seen {
			why += with(value)
		}
		return true, why
	}
	varies := compare == fact.CompareHost || compare == fact.CompareRun
	if varies || !seen || !recorded.Value.IsValid() || value.Equal(recorded.Value) {
		return false, ""
	}
	return true, fmt.Sprintf("%s: %s, now %s", was, Write(recorded.Value), Write(value))
}

func with(v fact.Value) string {
	if !v.IsValid() {
		return ""
	}
	return " (" + Write(v) + ")"
}
