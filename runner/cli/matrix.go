package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/report"
)

func (s *session) matrixCommand() *cli.Command {
	return &cli.Command{
		Name:      "matrix",
		Usage:     "claim × release, with the value seen in each cell, from the recordings",
		ArgsUsage: "[LAB | CLAIM …]",
		Description: "Equal cells side by side are folded; each line but the first begins with the release that changed something.\n" +
			"With --from the cells are those of runs, each file what verify --format jsonl wrote: so the shards of a matrix are joined.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "post", Usage: "only claims taken from `POST`"},
			&cli.StringSliceFlag{Name: "go", Usage: "only these of the recorded releases, with commas", DefaultText: "all"},
			&cli.StringSliceFlag{Name: "from", Usage: "read JSON lines from `FILE` instead of the recordings; may be said several times"},
			&cli.StringFlag{Name: "format", Usage: "text, markdown or jsonl", Value: "text"},
		},
		Action: s.matrix,
	}
}

func (s *session) matrix(c *cli.Context) error {
	format := c.String("format")
	if !slices.Contains([]string{"text", "markdown", "jsonl"}, format) {
		return fmt.Errorf("%w: --format %s: use text, markdown or jsonl", errUsage, format)
	}
	data, err := s.data()
	if err != nil {
		return err
	}
	claims, err := lab.Select(data, c.Args().Slice(), c.String("post"))
	if err != nil {
		return err
	}
	var lines []report.Line
	if from := c.StringSlice("from"); len(from) > 0 {
		if lines, err = readLines(from); err != nil {
			return err
		}
		if c.Args().Present() || c.String("post") != "" {
			lines = slices.DeleteFunc(lines, func(l report.Line) bool {
				return !slices.ContainsFunc(claims, func(claim *lab.Claim) bool { return claim.ID == l.Claim })
			})
		}
	} else if lines, err = s.recordedLines(data, claims); err != nil {
		return err
	}
	if lines, err = only(lines, splitList(c.StringSlice("go"))); err != nil {
		return err
	}
	switch format {
	case "jsonl":
		return report.JSONLines(s.stdout, lines)
	case "markdown":
		return report.Markdown(s.stdout, lines, s.style(false))
	}
	return report.Matrix(s.stdout, lines, s.style(s.width > 0))
}

// readLines joins the JSON lines of several runs.
func readLines(files []string) (lines []report.Line, err error) {
	var shards []io.Reader
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w: --from %w", errUsage, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		shards = append(shards, f)
	}
	if lines, err = report.Read(shards...); err != nil {
		return nil, fmt.Errorf("--from %s: %w", strings.Join(files, ", "), err)
	}
	return lines, nil
}

// only keeps the lines of the releases that are named: go1.21.13, 1.21 (what there is of it), all.
func only(lines []report.Line, names []string) ([]report.Line, error) {
	if len(names) == 0 || slices.Contains(names, "all") {
		return lines, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		found := false
		for _, l := range lines {
			if isOf(l.Release, name) {
				found, wanted[l.Release] = true, true
			}
		}
		if !found {
			return nil, notRecorded(name)
		}
	}
	return slices.DeleteFunc(lines, func(l report.Line) bool { return !wanted[l.Release] }), nil
}

// isOf reports whether the release is the one that the user names, or a patch of the minor.
func isOf(release, name string) bool {
	name = "go" + strings.TrimPrefix(name, "go")
	return release == name || recording.Minor(release) == name
}

func notRecorded(name string) error {
	return fmt.Errorf("%w: nothing is recorded of %s; run it: rt0lab verify --go %s", errUsage, name, name)
}

func (s *session) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "what changed between two recorded releases, and why",
		ArgsUsage: "LAB|all OLD NEW",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "facts", Usage: "also the facts that no changed claim is about"}},
		Action:    s.diff,
	}
}

func (s *session) diff(c *cli.Context) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	if c.Args().Len() != 3 {
		return fmt.Errorf("%w: diff wants a lab, or all, and two releases: rt0lab diff 03 go1.20 go1.21", errUsage)
	}
	labs, err := labsOf(data, c.Args().First())
	if err != nil {
		return err
	}
	var claims []*lab.Claim
	for _, l := range labs {
		claims = append(claims, l.Claims...)
	}
	lines, err := s.recordedLines(data, claims)
	if err != nil {
		return err
	}
	var sides [2][]report.Line
	for i, name := range c.Args().Slice()[1:] {
		if sides[i], err = only(slices.Clone(lines), []string{name}); err != nil {
			return err
		}
		if releases := releasesIn(sides[i]); len(releases) > 1 {
			return fmt.Errorf("%w: diff compares two releases; %s is %s", errUsage, name, strings.Join(releases, ", "))
		}
	}
	style := s.style(s.width > 0)
	pairs := report.Changed(sides[0], sides[1], style)
	var facts []string
	if c.Bool("facts") {
		if facts, err = s.otherFacts(labs, sides, pairs); err != nil {
			return err
		}
	}
	return report.Diff(s.stdout, pairs, facts, style)
}

// otherFacts are the differences between recordings that no changed claim speaks of.
func (s *session) otherFacts(labs []*lab.Lab, sides [2][]report.Line, pairs []report.Pair) ([]string, error) {
	told := map[[3]string]bool{}
	for _, p := range pairs {
		for _, l := range []*report.Line{p.Old, p.New} {
			if l != nil {
				told[[3]string{l.Lab, l.Setup, l.Fact}] = true
			}
		}
	}
	var facts []string
	for _, l := range labs {
		book, err := s.book(l.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range platforms(s.loaded, l) {
			old, _ := book.At(sides[0][0].Release, p.GOOS, p.GOARCH)
			now, _ := book.At(sides[1][0].Release, p.GOOS, p.GOARCH)
			if old == nil || now == nil {
				continue
			}
			for _, d := range recording.Compare(old, now, s.loaded.Catalogue) {
				if !told[[3]string{l.ID, d.Setup, d.Fact}] {
					facts = append(facts, l.ID+" "+d.String())
				}
			}
		}
	}
	return facts, nil
}

func releasesIn(lines []report.Line) []string {
	var all []string
	for _, l := range lines {
		if !slices.Contains(all, l.Release) {
			all = append(all, l.Release)
		}
	}
	return all
}

// recordedLines are the claims on every release they are recorded for.
func (s *session) recordedLines(data *lab.Data, claims []*lab.Claim) ([]report.Line, error) {
	var lines []report.Line
	for _, release := range data.Releases {
		for _, c := range claims {
			l := labOf(data, c)
			book, err := s.book(l.ID)
			if err != nil {
				return nil, err
			}
			p := recording.PlatformOf(data.SetupOf(c))
			rec, exact := book.At(release, p.GOOS, p.GOARCH)
			if rec == nil || !exact {
				continue
			}
			v, ok := rec.Judge(c)
			if !ok {
				continue
			}
			line := s.line(data, l, c, v)
			line.Release, line.GOOS, line.GOARCH = rec.Release, p.GOOS, p.GOARCH
			line.Recorded = &v.Outcome
			lines = append(lines, line)
		}
	}
	return lines, nil
}
