package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/lint"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/report"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func (s *session) listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "the labs, their claims and mutants counted",
		Flags: []cli.Flag{workFlag(), recordedFlag(), oneGoFlag(), &cli.BoolFlag{Name: "posts", Usage: "the posts instead, and for which releases their transcripts can be true"}},
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			data, err := s.data()
			if err != nil {
				return err
			}
			if c.Bool("posts") {
				return s.posts(data)
			}
			return s.list(c, data, s.work(c))
		},
	}
}

func (s *session) labCommand() *cli.Command {
	return &cli.Command{
		Name:      "lab",
		Usage:     "a lesson and a live run of its claims",
		ArgsUsage: "LAB",
		Flags:     append(jobsFlags(), goFlag(), workFlag()),
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return fmt.Errorf("%w: lab wants the number or name of one lab; see rt0lab list", errUsage)
			}
			id, err := s.labFolder(c.Args().First())
			if err != nil {
				return err
			}
			text, err := s.lesson(id)
			if err != nil {
				return err
			}
			// First of all: the data takes ten times as long to read as there is to wait.
			if _, err := io.WriteString(s.stdout, text+"\n---\n\n"); err != nil {
				return fmt.Errorf("print the lesson: %w", err)
			}
			data, err := s.data()
			if err != nil {
				return err
			}
			l, err := data.LabOf(id)
			if err != nil {
				return err
			}
			err = s.verify(c)
			if err := s.tasks(l, s.work(c)); err != nil {
				return err
			}
			return err
		},
	}
}

func (s *session) glossaryCommand() *cli.Command {
	return &cli.Command{
		Name: "glossary", Usage: "the words of the lessons, in both languages", ArgsUsage: "[WORD …]",
		Action: func(c *cli.Context) error {
			data, err := s.data()
			if err != nil {
				return err
			}
			var known []string
			found := map[string]bool{}
			for _, t := range data.Glossary {
				known = append(known, t.Word.En, t.Word.Zh)
				asked := !c.Args().Present()
				for _, arg := range c.Args().Slice() {
					if strings.Contains(strings.ToLower(t.Word.En), strings.ToLower(arg)) || strings.Contains(t.Word.Zh, arg) {
						asked, found[arg] = true, true
					}
				}
				if asked {
					fmt.Fprintf(s.stdout, "%s · %s\n    %s\n", t.Word.En, t.Word.Zh, t.Means.In(s.lang))
				}
			}
			for _, arg := range c.Args().Slice() {
				if !found[arg] {
					return fmt.Errorf("%w: the glossary has no word %q%s", errUsage, arg, near.Hint(arg, known))
				}
			}
			return nil
		},
	}
}

// list writes a line per lab, with how many of its exercises are done.
func (s *session) list(c *cli.Context, data *lab.Data, work *course.Work) error {
	p, err := work.Progress()
	if err != nil {
		return err
	}
	here, w := s.possible(c, data, s.noRuns(c)), course.In(s.lang)
	wide := 0
	for _, l := range data.Labs {
		wide = max(wide, uniseg.StringWidth(l.Title.In(s.lang)))
	}
	for _, l := range data.Labs {
		not := 0
		for _, e := range l.Exercises {
			if !here(e) && p.Exercises[e.ID].Passed == "" {
				not++
			}
		}
		rest := ""
		if not > 0 {
			rest = "   " + w.Say(course.MsgNotHereCount, not)
		}
		row := w.Say(course.MsgLabRow, len(l.Claims), len(l.Mutants), p.Count(l.Exercises), len(l.Exercises))
		fmt.Fprintf(s.stdout, "%02d  %s %s   %s%s\n", l.Number, report.Pad(l.Title.In(s.lang), wide), row, l.ID, rest)
	}
	return nil
}

// labFolder is the id of the lab that a text names, found without reading the labs.
func (s *session) labFolder(arg string) (string, error) {
	entries, err := fs.ReadDir(s.files, "labs")
	if err != nil {
		return "", fmt.Errorf("read the labs: %w", err)
	}
	folders := &lab.Data{}
	for _, e := range entries {
		if n, err := strconv.Atoi(strings.SplitN(e.Name(), "-", 2)[0]); err == nil && e.IsDir() {
			folders.Labs = append(folders.Labs, &lab.Lab{ID: e.Name(), Number: n})
		}
	}
	l, err := folders.LabOf(arg)
	if err != nil {
		return "", err
	}
	return l.ID, nil
}

// lesson is the text of a lab in the chosen language, English where there is no other.
func (s *session) lesson(id string) (string, error) {
	if s.lang == "zh" {
		text, err := fs.ReadFile(s.files, "labs/"+id+"/README.zh-CN.md")
		if err == nil {
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read the lesson: %w", err)
		}
	}
	text, err := fs.ReadFile(s.files, "labs/"+id+"/README.md")
	if err != nil {
		return "", fmt.Errorf("read the lesson: %w", err)
	}
	return string(text), nil
}

func (s *session) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "a claim: sentence, sources, history, why, scripts, how to see it by hand",
		ArgsUsage: "CLAIM",
		Action: func(c *cli.Context) error {
			data, err := s.data()
			if err != nil {
				return err
			}
			if !c.Args().Present() {
				return fmt.Errorf("%w: show wants a claim; see rt0lab matrix", errUsage)
			}
			claims, err := lab.Select(data, c.Args().Slice(), "")
			if err != nil {
				return err
			}
			for i, claim := range claims {
				if i > 0 {
					fmt.Fprintln(s.stdout)
				}
				if err := s.show(data, claim); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (s *session) show(data *lab.Data, c *lab.Claim) error {
	fmt.Fprintf(s.stdout, "%s (%s:%d)\n  %s\n", c.ID, c.File, c.Line, c.Says.In(s.lang))
	for _, src := range c.Posts {
		p := data.Posts[src.Post]
		about := "about " + p.Release
		if p.Site != "" {
			about = p.Site + ", " + about
		}
		fmt.Fprintf(s.stdout, "  said by %s %s (%s), at %s\n", p.ID, p.Title, about, src.At)
	}
	if c.Unobservable.En != "" {
		fmt.Fprintf(s.stdout, "  nobody can see it: %s\n", c.Unobservable.In(s.lang))
		return nil
	}
	spec := data.Catalogue[c.Fact]
	what := spec.En
	if s.lang == "zh" {
		what = spec.Zh
	}
	fmt.Fprintf(s.stdout, "  fact %s (%s): %s\n", c.Fact, strings.TrimSpace(string(spec.Type)+" "+spec.Unit), what)
	fmt.Fprintf(s.stdout, "  seen at %s\n", strings.Join(spec.At, " · "))
	lines, err := s.recordedLines(data, []*lab.Claim{c})
	if err != nil {
		return err
	}
	if err := report.Matrix(s.stdout, lines, s.style(false)); err != nil {
		return err
	}
	for _, ch := range c.Changes {
		fmt.Fprintf(s.stdout, "  since %s: %s\n", ch.Since, ch.Why.In(s.lang))
	}
	for _, l := range data.Labs {
		for _, m := range l.Mutants {
			if slices.Contains(m.Refutes, c.ID) {
				fmt.Fprintf(s.stdout, "  refuted by the mutant %s: %s\n", m.ID, m.Says.In(s.lang))
			}
		}
	}
	if c.NoMutant.En != "" {
		fmt.Fprintf(s.stdout, "  no mutant: %s\n", c.NoMutant.In(s.lang))
	}
	for _, w := range c.Witnesses {
		_, scripts, err := verify.ReadScripts(s.files, w, verify.SubjectsOf([]*lab.Claim{c}))
		if err != nil {
			return err
		}
		for _, script := range scripts {
			fmt.Fprintf(s.stdout, "  %s: %s\n", w, script.Path)
		}
	}
	fmt.Fprint(s.stdout, s.lookAround(data, c), s.byHand(c, data.SetupOf(c)))
	return nil
}

// self is how a person calls this program with the same data.
func (s *session) self() string {
	self := "rt0lab"
	if s.dir != "" {
		self += " --data " + s.dir
	}
	for _, f := range s.files[1:] {
		self += " --with " + f.dir
	}
	return self
}

// lookAround is the command that opens a debugger where the fact is seen, on a release that has the
// place; "" when none can.
func (s *session) lookAround(data *lab.Data, c *lab.Claim) string {
	at := slices.IndexFunc(data.Catalogue[c.Fact].At, func(stop string) bool { return stop != place.Image && stop != place.Exit })
	setup := data.SetupOf(c)
	if goos, goarch := setup.System(); at < 0 || goos != "linux" || goarch != "amd64" {
		return ""
	}
	var with string
	switch {
	case slices.Contains(c.Witnesses, delve.Name):
	case slices.Contains(c.Witnesses, "gdb"):
		with = " --with gdb"
	default:
		return ""
	}
	l := labOf(data, c)
	if c.Setup != l.Claims[0].Setup {
		with = " --setup " + c.Setup + with
	}
	return fmt.Sprintf("  with a debugger, there: %s debug %02d --at '%s'%s\n", s.self(), l.Number, data.Catalogue[c.Fact].At[at], with)
}

// byHand says how a person sees the fact with a debugger of their own; every
// line of it is run by a test. The setup's environment is left to the person.
func (s *session) byHand(c *lab.Claim, setup *lab.Setup) string {
	subject := verify.SubjectsOf([]*lab.Claim{c})[0]
	stops := s.self() + fmt.Sprintf(" stops %s --setup %s --format", subject, c.Setup)
	args, legend := slices.Clone(setup.Args), "BINARY stands in the first line of places.*"
	for i, arg := range args {
		if arg == lab.BesideArg {
			args[i], legend = "BESIDE", "BINARY and BESIDE stand in the first lines of places.*"
		}
	}
	var b strings.Builder
	if slices.Contains(c.Witnesses, "delve") {
		program := "BINARY"
		if len(args) > 0 {
			program = strings.Join(append([]string{program, "--"}, args...), " ")
		}
		fmt.Fprintf(&b, "    %s starlark > places.star\n", stops)
		fmt.Fprintf(&b, "    dlv exec --check-go-version=false %s\n", program)
		scripts := lab.ScriptsOf["delve"]
		for _, file := range []string{"places.star", scripts.Library, scripts.File(subject)} {
			fmt.Fprintf(&b, "    (dlv) source %s\n", file)
		}
	}
	if slices.Contains(c.Witnesses, "gdb") {
		program := "BINARY"
		if len(args) > 0 {
			program = strings.Join(append([]string{"--args", program}, args...), " ")
		}
		fmt.Fprintf(&b, "    %s python > places.py\n", stops)
		scripts := lab.ScriptsOf["gdb"]
		debugger := "gdb"
		if _, goarch := setup.System(); goarch == "arm64" {
			fmt.Fprintf(&b, "    qemu-aarch64-static -g stub %s &\n", strings.Join(append([]string{"BINARY"}, args...), " "))
			debugger, program = `gdb-multiarch -ex "target remote stub"`, "BINARY"
		}
		fmt.Fprintf(&b, "    %s -x places.py -x %s -x %s %s\n", debugger, scripts.Library, scripts.File(subject), program)
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("  by hand, in the folder that holds scripts/ (%s):\n%s", legend, b.String())
}

func (s *session) lintCommand() *cli.Command {
	return &cli.Command{
		Name:  "lint",
		Usage: "check labs, claims, scripts and recordings against every rule there is",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "rules", Usage: "print the rules"}},
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			if c.Bool("rules") {
				for _, r := range lint.Rules() {
					fmt.Fprintf(s.stdout, "%-20s %s\n", r.ID, r.Says)
				}
				return nil
			}
			findings, err := s.lint()
			if err != nil {
				return err
			}
			for _, f := range findings {
				fmt.Fprintln(s.stdout, f)
			}
			if len(findings) > 0 {
				fmt.Fprintf(s.stdout, "%d findings\n", len(findings))
				return errReported
			}
			return nil
		},
	}
}

// lint holds the data, or the folders of --with and nothing else, against every
// rule; what cannot even be read is a finding, too, and then there are no
// recordings to hold it against.
func (s *session) lint() ([]lint.Finding, error) {
	var o lint.Options
	data, err := s.data()
	if err == nil {
		books := map[string]*recording.Book{}
		for _, l := range data.Labs {
			if books[l.ID], err = s.book(l.ID); err != nil {
				return nil, err
			}
		}
		o.History = recording.NewHistory(data, books)
	}
	if len(s.files) == 1 {
		return lint.Lint(s.files[0].files, o), nil
	}
	if o.Base, err = lab.Load(s.files[0].files); err != nil {
		return nil, fmt.Errorf("the data that %s is added to is not right; lint it first:\n%w", s.files[1].dir, err)
	}
	var findings []lint.Finding
	for i, f := range s.files[1:] {
		if i > 0 { // what the folders before it have, this one may use; errors were said with them
			own, _ := lab.Load(s.files[i].files)
			o.Base, _ = lab.Merge(o.Base, own)
		}
		for _, found := range lint.Lint(f.files, o) {
			found.File = filepath.Join(f.dir, found.File)
			findings = append(findings, found)
		}
	}
	return findings, nil
}
