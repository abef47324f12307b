// Package debugger drops a person into a real debugger at a stop: a session is a
// binary, the places and scripts that go with it, and where its sources are.
// The debuggers themselves are the witnesses that can also be talked to (delve,
// gdb); this package has what both share: what a session is, the words of its
// prompt in both languages, and a child that has the terminal.
package debugger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/room"
	"github.com/rt0lab/rt0lab/runner/place"
)

// Patience is how long a program may take to come to the stop when a session does not say it.
const Patience = 10 * time.Second

// Session is one start of a program in front of a person.
type Session struct {
	// Request has the binary, its argv and environment, the library of words, the
	// scripts and the places. Those that are passed before At is reached are served
	// on the way, so that the functions of the scripts have what they saw there.
	// Its Timeout is not used.
	observe.Request
	// At is the stop to begin at: the text of one of the places.
	At string `json:"at"`
	// Patience bounds the way to At: a program that hangs on it is shown from its
	// first instruction instead. 0 means the constant.
	Patience time.Duration `json:"patience"`
	// Title is the first line a person sees: lab, release, setup.
	Title string `json:"title"`
	// Notes are lines below it: why it does not begin where it was asked to.
	Notes []string `json:"notes,omitempty"`
	// Lang is "en" or "zh".
	Lang string `json:"lang"`
	// Sources are folders that lie elsewhere than the binary says.
	Sources []Source `json:"sources,omitempty"`
	// Files are sources of the program that lie nowhere: they are laid down in a
	// private folder while the session lasts. FilesAt is where the binary says they are.
	Files   fs.FS  `json:"-"`
	FilesAt string `json:"-"`

	// The debugger's own. A terminal, or anything else: commands are then read
	// from Stdin until its end.
	Stdin          io.Reader `json:"-"`
	Stdout, Stderr io.Writer `json:"-"`
}

// Source is a folder of sources: as the binary says, and where it is.
type Source struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Place is that of At.
func (s *Session) Place() place.Place {
	for _, p := range s.Places {
		if p.Stop == s.At {
			return p
		}
	}
	return place.Place{Stop: s.At, State: place.Unplaced, Reason: "it is none of the session's places"}
}

// Debugger is a debugger that a person can be dropped into.
type Debugger interface {
	Name() string
	// Ready reports whether it can be used on this machine; the error wraps
	// observe.ErrMachine and says what is missing.
	Ready(ctx context.Context) error
	// Debug starts the program, lets it run to the stop and hands the terminal over.
	// It returns when the session has ended; neither debugger nor program is
	// alive then. The error wraps ErrNotReached when there was no session because
	// the program did not come to the stop.
	Debug(ctx context.Context, s Session) error
}

// ErrNotReached is wrapped by Debug when the program ended, crashed or hung before the stop.
var ErrNotReached = errors.New("the stop was not reached")

// Start is a whole session. A program that does not come to the stop is shown
// from its first instruction: it may be what is to be found out.
func Start(ctx context.Context, d Debugger, s Session) error {
	if err := d.Ready(ctx); err != nil {
		return err
	}
	s.Patience = cmp.Or(s.Patience, Patience)
	if p := s.Place(); p.State != place.Placed {
		return fmt.Errorf("debug at %s: %w: %s", s.At, ErrNotReached, p.Reason)
	}
	room.Sweep()
	if s.Files != nil {
		dir, remove, err := layDown(s.Files)
		if err != nil {
			return err
		}
		defer remove()
		s.Sources = append([]Source{{From: s.FilesAt, To: dir}}, s.Sources...)
	}
	err := d.Debug(ctx, s)
	if !errors.Is(err, ErrNotReached) || s.Place().Exec {
		return err
	}
	s.Notes = append(s.Notes, fmt.Sprintf(Text(s.Lang, msgInstead), s.At, err))
	s.At = first.Stop
	s.Places = append([]place.Place{first}, s.Places...)
	return d.Debug(ctx, s)
}

var first = place.Place{Stop: "exec", State: place.Placed, Exec: true, Hit: 1}

// Way are the places that matter on the way to At, without ranges, which would have
// to be stepped through: At is where such a one begins.
func (s *Session) Way() []place.Place {
	var way []place.Place
	for _, p := range s.Places {
		switch {
		case p.State != place.Placed:
		case p.Stop == s.At:
			p.To = nil
			way = append(way, p)
		case len(p.To) == 0:
			way = append(way, p)
		}
	}
	return way
}
