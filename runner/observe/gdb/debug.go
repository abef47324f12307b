package gdb

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/room"
	"github.com/rt0lab/rt0lab/runner/place"
)

//go:embed session.py
var sessionSource []byte

const sessionFile = "session.py"

var _ debugger.Debugger = (*Witness)(nil)

// sitting is what session.py reads.
type sitting struct {
	request
	At       string               `json:"at"`
	Way      []place.Place        `json:"way"`
	Patience float64              `json:"patience"` // seconds to come to At
	Sources  []debugger.Source    `json:"sources"`
	Banner   string               `json:"banner"`
	Help     map[string]string    `json:"help"`
	Says     map[string]string    `json:"says"`
	Facts    map[string][2]string `json:"facts"` // type and unit
}

// outcome is what session.py writes when there was no prompt.
type outcome struct {
	NotReached string `json:"not_reached"`
	Error      string `json:"error"`
}

// Debug drops a person into gdb. What is built for linux/arm64 runs in qemu.
func (w *Witness) Debug(ctx context.Context, s debugger.Session) error {
	if s.GOOS != "linux" || s.GOARCH != "amd64" && !emulates(s.Request) {
		return fmt.Errorf("debug with gdb: %w: built for %s/%s, and gdb runs linux/amd64 and, by qemu, linux/arm64 only", observe.ErrRelease, s.GOOS, s.GOARCH)
	}
	if err := w.Ready(ctx); err != nil {
		return err
	}
	with, qemu := w.tool, ""
	if emulates(s.Request) {
		e, err := w.emulator(ctx)
		if err != nil {
			return err
		}
		with, qemu = e.gdb, e.qemu
	}
	private, err := room.New("gdb")
	if err != nil {
		return fmt.Errorf("debug with gdb: %w", err)
	}
	defer private.Remove()
	s.Notes = append(s.Notes, with.warnings()...)
	if err := lay(private.Path, s, qemu); err != nil {
		return fmt.Errorf("debug with gdb: %w", err)
	}
	runErr := talk(ctx, with.path, private.Path, s)
	var o outcome
	data, err := os.ReadFile(filepath.Join(private.Path, reportFile))
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	switch {
	case o.NotReached != "":
		return fmt.Errorf("%w: %s", debugger.ErrNotReached, o.NotReached)
	case o.Error != "":
		return fmt.Errorf("debug with gdb: %s", o.Error)
	case ctx.Err() != nil:
		return fmt.Errorf("debug with gdb: %w", context.Cause(ctx))
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("debug with gdb: read what it says: %w", err)
	case runErr != nil:
		return fmt.Errorf("debug with gdb: it came to a bad end: %w", runErr)
	}
	return nil
}

// lay writes what gdb reads into the private folder.
func lay(dir string, s debugger.Session, qemu string) error {
	req, err := requestFor(dir, s.Request, qemu)
	if err != nil {
		return err
	}
	out := sitting{
		request: req, At: s.At, Way: s.Way(), Patience: s.Patience.Seconds(), Sources: s.Sources,
		Banner: s.Banner("info registers · stepi · x/5i $pc · bt · break *ADDRESS · continue"),
		Help:   s.Help(), Says: s.Says(), Facts: map[string][2]string{},
	}
	for name, spec := range s.Specs {
		out.Facts[name] = [2]string{string(spec.Type), spec.Unit}
	}
	if out.Sources == nil {
		out.Sources = []debugger.Source{}
	}
	for _, src := range out.Sources {
		if strings.ContainsAny(src.From+src.To, "\"\n") {
			return fmt.Errorf("the sources in %s: gdb takes no quotes in a path", src.To)
		}
	}
	return layDown(dir, out, map[string][]byte{libFile: []byte(s.Lib.Source), walkFile: walkSource, startFile: startSource, sessionFile: sessionSource})
}
