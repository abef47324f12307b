package debugger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// TestMessages holds that everything is said in both languages, with the same verbs.
func TestMessages(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[a-z]`)
	for m := range messageCount {
		en, zh := Text("en", m), Text("zh", m)
		if en == "" || zh == "" || !slices.Equal(verbs.FindAllString(en, -1), verbs.FindAllString(zh, -1)) {
			t.Errorf("message %d: %q and %q", m, en, zh)
		}
	}
	if Text("fr", msgHere) != Text("en", msgHere) {
		t.Error("another language is not English")
	}
}

// stubborn is a debugger that does not come to a stop, but to the first instruction.
type stubborn struct {
	notReady error
	began    []Session
	files    string // what was laid down, when it was asked for
}

func (*stubborn) Name() string                  { return "stubborn" }
func (d *stubborn) Ready(context.Context) error { return d.notReady }
func (d *stubborn) Debug(_ context.Context, s Session) error {
	d.began = append(d.began, s)
	for _, src := range s.Sources {
		text, _ := os.ReadFile(filepath.Join(src.To, "main.go"))
		d.files += string(text)
	}
	if s.Place().Exec {
		return nil
	}
	return fmt.Errorf("%w: it fell asleep", ErrNotReached)
}

var places = []place.Place{
	{Stop: "exec", State: place.Placed, Exec: true, Hit: 1},
	{Stop: "a", State: place.Placed, Addrs: []uint64{1}, Hit: 1},
	{Stop: "a .. b", State: place.Placed, Addrs: []uint64{1}, To: []uint64{2}, Hit: 1},
	{Stop: "gone", State: place.Absent, Reason: "it is gone"},
}

// TestStart shows a program that does not come to the stop from its first instruction, and says why.
func TestStart(t *testing.T) {
	t.Parallel()
	d := &stubborn{}
	s := Session{
		Request: observe.Request{Places: places}, At: "a", Title: "title", Lang: "en",
		Files: fstest.MapFS{"main.go": {Data: []byte("package main")}}, FilesAt: "/nowhere",
	}
	if err := Start(t.Context(), d, s); err != nil {
		t.Fatal(err)
	}
	if len(d.began) != 2 || d.began[0].At != "a" || d.began[1].At != "exec" || d.files != "package mainpackage main" {
		t.Fatalf("began %+v with %q", d.began, d.files)
	}
	banner := d.began[1].Banner("things")
	for _, want := range []string{"title\n", "first instruction after exec", "a: the stop was not reached: it fell asleep", "try     things"} {
		if !strings.Contains(banner, want) {
			t.Errorf("no %q in %q", want, banner)
		}
	}
	if _, err := os.Stat(d.began[0].Sources[0].To); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the sources are still there: %v", err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for at, why := range map[string]string{"gone": "it is gone", "elsewhere": "none of the session's places"} {
		d := &stubborn{}
		err := Start(t.Context(), d, Session{Request: observe.Request{Places: places}, At: at})
		if !errors.Is(err, ErrNotReached) || !strings.Contains(err.Error(), why) || len(d.began) > 0 {
			t.Errorf("%s: %v", at, err)
		}
	}
	d := &stubborn{notReady: observe.ErrMachine}
	if err := Start(t.Context(), d, Session{Request: observe.Request{Places: places}, At: "a"}); !errors.Is(err, observe.ErrMachine) || len(d.began) > 0 {
		t.Errorf("not ready: %v", err)
	}
}

// TestWay leaves out what is nowhere and ranges, but for the begin of the one that is asked for.
func TestWay(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{"a": "exec a", "a .. b": "exec a a .. b"} {
		s := Session{Request: observe.Request{Places: places}, At: at}
		var got []string
		for _, p := range s.Way() {
			got = append(got, p.Stop)
			if len(p.To) > 0 {
				t.Errorf("%s: %s is stepped", at, p.Stop)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", at, got, want)
		}
	}
	if len(places[2].To) == 0 {
		t.Error("the places were changed")
	}
}
