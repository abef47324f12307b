package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/replay"
	"github.com/rt0lab/rt0lab/runner/replay/screen"
	"github.com/rt0lab/rt0lab/runner/trace"
)

const replayFormats = "text, jsonl or asciicast"

func (s *session) replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "look at what is recorded of a lab, instruction by instruction, forwards and backwards; no debugger needed",
		ArgsUsage: "LAB | FILE.trace",
		Description: "A POSITION is a number, a stop as the scripts spell it, a function (where it is first entered) or an address 0x…\n" +
			"WHAT is a register, a variable or field such as runtime.g0.stack.lo, or an address 0x… of a word of memory.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "go", Usage: "the `RELEASE` whose recording is shown: go1.27.4, 1.27", DefaultText: "the newest"},
			&cli.StringFlag{Name: "from", Usage: "list from `POSITION` on", DefaultText: "the first instruction"},
			&cli.StringFlag{Name: "to", Usage: "list to `POSITION`", DefaultText: "the end of the trace"},
			&cli.StringFlag{Name: "at", Usage: "show everything at `POSITION`: registers, source, instructions, calls"},
			&cli.StringFlag{Name: "written", Usage: "list the instructions that change `WHAT`"},
			&cli.StringFlag{Name: "syntax", Usage: "how instructions are spelled: go or intel", Value: string(replay.Go)},
			&cli.StringFlag{Name: "format", Usage: replayFormats, DefaultText: "text, or a walk on a terminal"},
			&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "write to `FILE` instead of standard output"},
		},
		Action: s.replay,
	}
}

func (s *session) replay(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return fmt.Errorf("%w: replay wants the number or name of one lab, or a file that rt0lab trace wrote; see rt0lab list", errUsage)
	}
	syntax := replay.Syntax(c.String("syntax"))
	if syntax != replay.Go && syntax != replay.Intel {
		return fmt.Errorf("%w: --syntax %s: use go or intel", errUsage, syntax)
	}
	file := c.String("o")
	if err := writable(file); err != nil {
		return err
	}
	tape, err := s.tapeOf(c.Args().First(), c.String("go"))
	if err != nil {
		return err
	}
	if in, ok := s.walks(c, tape); ok {
		walk := &screen.Screen{Tape: tape, Syntax: syntax, Color: s.color}
		return walk.Run(c.Context, in, s.terminal)
	}
	var out bytes.Buffer
	if err := s.writeReplay(c, &out, tape, syntax); err != nil {
		return err
	}
	if file != "" {
		return maybe.WriteFile(file, out.Bytes(), 0o666)
	}
	_, err = s.stdout.Write(out.Bytes())
	return err
}

// walks reports whether the replay is walked through on a terminal: there is one to write to and to
// read from, and nothing was asked for that is to be printed.
func (s *session) walks(c *cli.Context, tape *replay.Tape) (*os.File, bool) {
	for _, name := range []string{"from", "to", "at", "written", "format", "o"} {
		if c.IsSet(name) {
			return nil, false
		}
	}
	in, isFile := s.stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) || s.width == 0 || tape.Player == nil || os.Getenv("TERM") == "dumb" {
		return nil, false
	}
	return in, true
}

func (s *session) writeReplay(c *cli.Context, w io.Writer, tape *replay.Tape, syntax replay.Syntax) error {
	for _, name := range []string{"from", "to", "at", "written"} {
		if c.IsSet(name) && tape.Player == nil {
			return fmt.Errorf("%w: --%s wants a boot trace, and %s has none (those of %s have)", errUsage, name, tape.Lab, s.traced())
		}
	}
	var r replay.Range
	if tape.Player != nil {
		var err error
		if r, err = positions(c, tape); err != nil {
			return err
		}
	}
	switch format := cmp.Or(c.String("format"), "text"); format {
	case "text":
		switch {
		case c.IsSet("written"):
			to, err := tape.Target(c.String("written"))
			if err != nil {
				return fmt.Errorf("%w: --written: %w", errUsage, err)
			}
			return tape.Written(w, to, r, syntax)
		case c.IsSet("at"):
			return tape.State(w, r.From, syntax)
		}
		return tape.Text(w, r, syntax)
	case "jsonl":
		return tape.JSONL(w, r)
	case "asciicast":
		for _, name := range []string{"from", "to", "at", "written"} {
			if c.IsSet(name) {
				return fmt.Errorf("%w: a cast is the whole run: leave --%s out", errUsage, name)
			}
		}
		return tape.Cast(w)
	default:
		return fmt.Errorf("%w: --format %s: use %s", errUsage, format, replayFormats)
	}
}

// positions reads --from, --to and --at.
func positions(c *cli.Context, tape *replay.Tape) (replay.Range, error) {
	r := tape.All()
	for name, to := range map[string][]*int{"from": {&r.From}, "to": {&r.To}, "at": {&r.From, &r.To}} {
		if !c.IsSet(name) {
			continue
		}
		if name != "at" && c.IsSet("at") {
			return r, fmt.Errorf("%w: --at is one position: leave --%s out", errUsage, name)
		}
		at, err := tape.Position(c.String(name))
		if err != nil {
			return r, fmt.Errorf("%w: --%s: %w", errUsage, name, err)
		}
		for _, p := range to {
			*p = at
		}
	}
	if r.From > r.To {
		return r, fmt.Errorf("%w: --from is at %d, behind --to at %d", errUsage, r.From, r.To)
	}
	return r, nil
}

// traced names the labs that have a boot trace.
func (s *session) traced() string {
	data, err := s.data()
	if err != nil {
		return "none that can be read"
	}
	var names []string
	for _, l := range data.Labs {
		if l.Trace != nil {
			names = append(names, fmt.Sprintf("%02d", l.Number))
		}
	}
	if len(names) == 0 {
		return "no lab"
	}
	return strings.Join(names, ", ")
}

// tapeOf is that of a lab, or of a file that rt0lab trace wrote.
func (s *session) tapeOf(name, wanted string) (*replay.Tape, error) {
	if strings.HasSuffix(name, trace.Extension) {
		if wanted != "" {
			return nil, fmt.Errorf("%w: --go chooses among recordings; %s is one trace", errUsage, name)
		}
		t, err := trace.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return &replay.Tape{
			Lab: filepath.Base(name), Title: t.Fixture, Release: t.Release, GOOS: t.GOOS, GOARCH: t.GOARCH, Lang: s.lang, Player: trace.NewPlayer(t),
		}, nil
	}
	data, l, err := s.oneLab(name)
	if err != nil {
		return nil, err
	}
	return s.tape(data, l, wanted)
}

// tape puts together what is recorded of a lab on a release, or on the nearest one there is.
func (s *session) tape(data *lab.Data, l *lab.Lab, wanted string) (*replay.Tape, error) {
	book, err := s.book(l.ID)
	if err != nil {
		return nil, err
	}
	tape := &replay.Tape{Lab: l.ID, Title: l.Title.In(s.lang), Lang: s.lang, GOOS: "linux", GOARCH: "amd64"}
	var has []string
	if l.Trace != nil {
		if has, err = trace.Releases(s.files, l.Trace.Setup, tape.GOOS, tape.GOARCH); err != nil {
			return nil, err
		}
	} else {
		for _, r := range book.Recordings {
			if r.GOOS == tape.GOOS && r.GOARCH == tape.GOARCH {
				has = append(has, r.Release)
			}
		}
	}
	if tape.Release, err = s.choose(has, wanted); err != nil {
		return nil, fmt.Errorf("replay %s: %w", l.ID, err)
	}
	if l.Trace != nil {
		h := trace.Header{Setup: l.Trace.Setup, Release: tape.Release, GOOS: tape.GOOS, GOARCH: tape.GOARCH}
		t, err := trace.Read(s.files, h.Path())
		if err != nil {
			return nil, err
		}
		tape.Player = trace.NewPlayer(t)
	}
	rec, exact := book.At(tape.Release, tape.GOOS, tape.GOARCH)
	if rec != nil && exact {
		addFacts(tape, data, l, rec)
	}
	return tape, nil
}

// errNotRecorded is wrapped when there is nothing to replay.
var errNotRecorded = errors.New("nothing is recorded")

// choose finds the release to show and says so when it is another than the wanted one.
func (s *session) choose(has []string, wanted string) (string, error) {
	if len(has) == 0 {
		return "", fmt.Errorf("%w; write it with rt0lab --data DIR record", errNotRecorded)
	}
	slices.SortFunc(has, recording.CompareReleases)
	if wanted == "" {
		return has[len(has)-1], nil
	}
	name := wanted
	if !strings.HasPrefix(name, "go") {
		name = "go" + name
	}
	if slices.Contains(has, name) {
		return name, nil
	}
	near := ""
	for _, r := range has {
		if recording.Minor(r) == recording.Minor(name) {
			near = r
		}
	}
	if near == "" {
		return "", fmt.Errorf("%w: --go %s: nothing is recorded of it; there are %s", errUsage, wanted, strings.Join(has, ", "))
	}
	if recording.Minor(name) != name {
		fmt.Fprintf(s.stderr, "rt0lab: nothing is recorded of %s; this is %s\n", name, near)
	}
	return near, nil
}
