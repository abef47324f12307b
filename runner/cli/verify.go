package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/report"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func goFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "go", Usage: "releases: local, go1.27.4, 1.27 (its newest patch), all, or the path of a GOROOT; several with commas", DefaultText: "local"}
}

// jobsFlags say how setups are run; engine reads them.
func jobsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "jobs", Usage: "how many builds and observations run at once", DefaultText: "one per CPU"},
		&cli.DurationFlag{Name: "timeout", Usage: "the most one witness may take for one setup", Value: verify.DefaultTimeout},
	}
}

func releasesOf(c *cli.Context) []string {
	if names := splitList(c.StringSlice("go")); len(names) > 0 {
		return names
	}
	return []string{"local"}
}

func (s *session) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "judge claims on releases",
		ArgsUsage: "[LAB | CLAIM …]",
		Description: "Exit status: 0 as recorded, 1 drift, 2 broken, usage, bad data or a required witness missing.\n" +
			"Without arguments every claim of every lab is judged.",
		Flags: append(jobsFlags(), goFlag(),
			&cli.StringFlag{Name: "post", Usage: "only claims taken from `POST`, for example S3"},
			&cli.StringSliceFlag{Name: "witness", Usage: "ask only these: delve, gdb, static, ebpf"},
			&cli.StringSliceFlag{Name: "require", Usage: "exit with 2 when one of these cannot be asked on this machine"},
			&cli.StringFlag{Name: "overlay", Usage: "verify a patched runtime: a `FILE` as go build -overlay takes it"},
			&cli.StringFlag{Name: "format", Usage: "text or jsonl", Value: "text"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` instead of standard output"},
		),
		Action: s.verify,
	}
}

func (s *session) verify(c *cli.Context) error {
	format := cmp.Or(c.String("format"), "text") // lab has no such flag
	if format != "text" && format != "jsonl" {
		return fmt.Errorf("%w: --format %s: use text or jsonl", errUsage, format)
	}
	if err := writable(c.String("output")); err != nil {
		return err
	}
	data, err := s.data()
	if err != nil {
		return err
	}
	claims, err := lab.Select(data, c.Args().Slice(), c.String("post"))
	if err != nil {
		return err
	}
	e, err := s.engine(c)
	if err != nil {
		return err
	}
	witnesses, err := s.witnesses(c.Context, e, splitList(c.StringSlice("witness")), splitList(c.StringSlice("require")))
	if err != nil {
		return err
	}
	var overlay map[string][]byte
	if file := c.String("overlay"); file != "" {
		if overlay, err = build.UserOverlay(file); err != nil {
			return err
		}
	}
	var lines []report.Line
	failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
		res, err := e.Run(c.Context, verify.Ask{Claims: claims, Toolchain: tc, Witnesses: witnesses, Overlay: overlay})
		if err != nil {
			return err
		}
		more, err := s.lines(data, res)
		lines = append(lines, more...)
		return err
	})
	s.progressDone()
	if err != nil {
		return err
	}
	if failed && len(lines) == 0 {
		return errReported // no release could be had, as has been said
	}
	if len(lines) == 0 {
		return fmt.Errorf("%w: none of the %d chosen claims asks %s; rt0lab show CLAIM says which witness it asks",
			errUsage, len(claims), strings.Join(witnesses, " or "))
	}
	err = s.output(c.String("output"), func(w io.Writer, tty bool) error {
		if format == "jsonl" {
			return report.JSONLines(w, lines)
		}
		style := s.style(tty)
		style.Failed = failed
		style.Post = c.String("post")
		return report.Text(w, lines, style)
	})
	if err != nil {
		return err
	}
	return status(lines, failed)
}

// witnesses checks the names that the user gave; only is nil for all of them.
func (s *session) witnesses(ctx context.Context, e *verify.Engine, only, require []string) ([]string, error) {
	var names []string
	for _, w := range e.Witnesses {
		names = append(names, w.Name())
	}
	for _, name := range append(slices.Clone(only), require...) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%w: no witness %q; there are %s", errUsage, name, strings.Join(names, ", "))
		}
	}
	var errs []error
	for _, w := range e.Witnesses {
		if !slices.Contains(require, w.Name()) {
			continue
		}
		if err := w.Ready(ctx); err != nil {
			errs = append(errs, fmt.Errorf("required witness %s: %w", w.Name(), err))
		}
	}
	if len(only) == 0 {
		only = nil
	}
	return only, errors.Join(errs...)
}

// lines holds the cells of one release against the recordings.
func (s *session) lines(data *lab.Data, res *verify.Result) ([]report.Line, error) {
	var lines []report.Line
	for _, cell := range res.Cells {
		l := labOf(data, cell.Claim)
		line := s.line(data, l, cell.Claim, cell.Verdict)
		line.Release, line.GOOS, line.GOARCH = cell.Release, cell.GOOS, cell.GOARCH
		line.DurationMS = cell.Duration.Milliseconds()
		book, err := s.book(l.ID)
		if err != nil {
			return nil, err
		}
		recorded := book.Recorded(cell.Claim, cell.Release, cell.GOOS, cell.GOARCH)
		if recorded != nil {
			line.Recorded = &recorded.Outcome
			var why string
			line.Drift, why = judge.Drift(cell.Verdict, recorded, data.Catalogue[cell.Claim.Fact].Compare)
			if line.Drift {
				line.Reason = strings.TrimPrefix(line.Reason+"; "+why, "; ")
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// line is a verdict as a JSON line; release, platform and past are the caller's.
func (s *session) line(data *lab.Data, l *lab.Lab, c *lab.Claim, v judge.Verdict) report.Line {
	return report.Line{
		Schema: report.Schema, Lab: l.ID, Claim: c.ID, Setup: c.Setup,
		Outcome: v.Outcome, Fact: c.Fact, Unit: data.Catalogue[c.Fact].Unit,
		Want: v.Want, Saw: v.Saw, Unseen: v.Unseen, Reason: v.Reason,
	}
}

// labsOf are the labs of an argument LAB|all.
func labsOf(data *lab.Data, arg string) ([]*lab.Lab, error) {
	if arg == "all" {
		return data.Labs, nil
	}
	l, err := data.LabOf(arg)
	if err != nil {
		return nil, err
	}
	return []*lab.Lab{l}, nil
}

func labOf(data *lab.Data, c *lab.Claim) *lab.Lab {
	for _, l := range data.Labs {
		if l.File == c.File {
			return l
		}
	}
	return &lab.Lab{}
}

// output calls write for standard output, or for a file that is there whole or not at all.
func (s *session) output(file string, write func(w io.Writer, tty bool) error) error {
	if file == "" || file == "-" {
		return write(s.stdout, s.width > 0)
	}
	var buf bytes.Buffer
	if err := write(&buf, false); err != nil {
		return err
	}
	if err := maybe.WriteFile(file, buf.Bytes(), 0o666); err != nil {
		return fmt.Errorf("write %s: %w (may you write to its folder?)", file, err)
	}
	return nil
}

// status turns the exit status that the lines ask for into the end of the command.
func status(lines []report.Line, failed bool) error {
	switch is := report.Status(lines); {
	case failed || is == statusBroken:
		return errReported
	case is == statusDrift:
		return errDrift
	}
	return nil
}

// writable says what is wrong with a file for the report, before minutes of work; "" is standard output.
func writable(file string) error {
	if file == "" {
		return nil
	}
	if st, err := os.Stat(filepath.Dir(file)); err != nil || !st.IsDir() {
		return fmt.Errorf("%w: -o %s: there is no folder %s", errUsage, file, filepath.Dir(file))
	}
	if st, err := os.Stat(file); err == nil && st.IsDir() {
		return fmt.Errorf("%w: -o %s: it is a folder", errUsage, file)
	}
	return nil
}
