package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/ebpf/startup/show"
	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

// timings are how results can be written; only the text has a language.
var timings = map[string]func(io.Writer, []startup.Result, show.Words) error{
	"text": textTimes, "jsonl": jsonlTimes, "benchstat": forTools(show.Benchstat), "chrome": forTools(show.Chrome), "svg": forTools(show.SVG),
}

func forTools(write func(io.Writer, []startup.Result) error) func(io.Writer, []startup.Result, show.Words) error {
	return func(w io.Writer, results []startup.Result, _ show.Words) error { return write(w, results) }
}

const timeFormats = "text, jsonl, benchstat (a line a run), chrome (for a trace viewer) or svg"

func (s *session) timeCommand() *cli.Command {
	return &cli.Command{
		Name:      "time",
		Usage:     "where the start of a program spends its time: a fixture, or with -- any Go binary",
		ArgsUsage: "[-- BINARY [ARG …]]",
		// What stands behind -- is a program, whatever its name.
		HideHelpCommand: true,
		Description: "The program is run again and again, as the user who called sudo if there is one, with few probes at a time,\n" +
			"and bare in between. What it writes is thrown away unless --program-output says otherwise. It is a copy that runs, so that\n" +
			"no other process meets the probes: at the program's own path, which takes root or CAP_SYS_ADMIN, or else in memory, where it\n" +
			"does not find what lies beside it; the report says so. Exit status: 0 measured, 2 everything else.",
		Flags: []cli.Flag{
			goFlag(),
			&cli.StringFlag{Name: "fixture", Usage: "the fixture to measure", Value: "hello"},
			&cli.StringFlag{Name: "against", Usage: "measure `BINARY` as well, with the same arguments, and compare"},
			&cli.StringFlag{Name: "until", Usage: "kill the program when it passes `MILESTONE`, for example main.main: for what runs for ever", DefaultText: "its exit"},
			&cli.StringSliceFlag{Name: "milestone", Usage: "look at these functions or stops instead of the boot", DefaultText: "the way to main.main"},
			&cli.BoolFlag{Name: "inits", Usage: "look at the init functions of all packages, beside what GODEBUG=inittrace=1 says"},
			&cli.IntFlag{Name: "runs", Usage: "how often each set of milestones is run", DefaultText: "as often as --precision takes"},
			&cli.IntFlag{Name: "max", Usage: "the most runs of each set when --runs is not said", Value: startup.DefaultMost},
			&cli.Float64Flag{Name: "precision", Usage: "wanted half-width of the intervals, in percent of the whole", Value: 100 * startup.DefaultPrecision},
			&cli.IntFlag{Name: "set", Usage: "how many spans are measured in one run", DefaultText: fmt.Sprintf("%d, with --inits %d", startup.DefaultSet, startup.InitSet)},
			&cli.DurationFlag{Name: "timeout", Usage: "the most one run may take", Value: startup.DefaultTimeout},
			&cli.StringFlag{Name: "stdin", Usage: "a `FILE` that each run reads from its beginning", DefaultText: "/dev/null"},
			&cli.StringFlag{Name: "program-output", Usage: "append what the program writes to `FILE`", DefaultText: "/dev/null"},
			&cli.StringFlag{Name: "format", Usage: timeFormats, Value: "text"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the report to `FILE` instead of standard output"},
		},
		Action: s.time,
	}
}

func (s *session) time(c *cli.Context) error {
	write := timings[c.String("format")]
	if write == nil {
		return fmt.Errorf("%w: --format %s: use %s", errUsage, c.String("format"), timeFormats)
	}
	if err := writable(c.String("output")); err != nil {
		return err
	}
	o, err := timeOptions(c)
	if err != nil {
		return err
	}
	if err := ebpf.Ready(); err != nil {
		return err
	}
	programs, err := s.toTime(c)
	if err != nil {
		return err
	}
	bar := s.newTicker()
	if bar != nil {
		o.Progress = func(done, most int) { bar.tell(fmt.Sprintf("%d of at most %d runs", done, most)) }
	}
	results, err := startup.Measure(c.Context, programs, o)
	if bar != nil {
		bar.done()
	}
	if err != nil {
		return err
	}
	return s.output(c.String("output"), func(w io.Writer, _ bool) error { return write(w, results, show.In(s.lang)) })
}

// textTimes writes one result, or each later one beside the first.
func textTimes(w io.Writer, results []startup.Result, words show.Words) error {
	if len(results) == 1 {
		return words.Text(w, results[0])
	}
	for i, r := range results[1:] {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := words.CompareText(w, startup.Compare(results[0], r)); err != nil {
			return err
		}
	}
	return nil
}

// jsonlTimes writes all results, and how the later ones differ from the first.
func jsonlTimes(w io.Writer, results []startup.Result, _ show.Words) error {
	for i, r := range results {
		if err := show.JSONL(w, r); err != nil {
			return err
		}
		if i > 0 {
			if err := show.CompareJSONL(w, startup.Compare(results[0], r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeOptions reads the flags that say how to measure.
func timeOptions(c *cli.Context) (startup.Options, error) {
	o := startup.Options{
		Until: c.String("until"), Runs: c.Int("runs"), Most: c.Int("max"), Set: c.Int("set"),
		Precision: c.Float64("precision") / 100, Timeout: c.Duration("timeout"),
	}
	for _, name := range []string{"runs", "max", "set"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			return o, fmt.Errorf("%w: --%s %d: give a number above 0", errUsage, name, c.Int(name))
		}
	}
	if !(o.Precision > 0) || o.Timeout <= 0 {
		return o, fmt.Errorf("%w: --precision and --timeout want more than 0", errUsage)
	}
	if o.Inits = c.Bool("inits"); o.Inits {
		if c.IsSet("milestone") {
			return o, fmt.Errorf("%w: --inits has milestones of its own: leave --milestone out", errUsage)
		}
		return o, nil
	}
	if c.IsSet("milestone") {
		names := splitList(c.StringSlice("milestone"))
		if len(names) == 0 {
			return o, fmt.Errorf("%w: --milestone: the list of milestones is empty", errUsage)
		}
		o.Milestones = []startup.Milestone{}
		for _, name := range names {
			o.Milestones = append(o.Milestones, startup.Milestone{Name: name})
		}
	} else {
		o.Milestones = startup.Boot()
	}
	if o.Until != "" && !slices.ContainsFunc(o.Milestones, func(m startup.Milestone) bool { return m.Name == o.Until }) {
		o.Milestones = append(o.Milestones, startup.Milestone{Name: o.Until})
	}
	return o, nil
}

// toTime are the programs of the command line: a binary, or the fixture built by each release.
func (s *session) toTime(c *cli.Context) ([]startup.Program, error) {
	program := startup.Program{As: startup.Invoker(), Stdin: c.String("stdin")}
	if name := c.String("program-output"); name != "" {
		out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return nil, fmt.Errorf("%w: --program-output: %w", errUsage, err)
		}
		context.AfterFunc(c.Context, func() { out.Close() })
		program.Output = out
	}
	if c.Args().Present() {
		if c.IsSet("go") || c.IsSet("fixture") {
			return nil, fmt.Errorf("%w: --go and --fixture are about fixtures; a binary is what it is", errUsage)
		}
		names := c.Args().Slice()[:1]
		if before := c.String("against"); before != "" {
			names = []string{before, names[0]}
		}
		var programs []startup.Program
		for _, name := range names {
			path, err := lookPath(name)
			if err != nil {
				return nil, err
			}
			program.Name, program.Path, program.Args = name, path, c.Args().Tail()
			programs = append(programs, program)
		}
		return programs, nil
	}
	if c.IsSet("against") {
		return nil, fmt.Errorf("%w: --against wants another binary behind --, to compare with", errUsage)
	}
	builder, err := s.builder()
	if err != nil {
		return nil, err
	}
	// As anybody builds it: optimised.
	setup := &lab.Setup{Name: "time", Fixture: c.String("fixture"), Gcflags: new(string)}
	var programs []startup.Program
	failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
		bin, err := builder.Build(c.Context, build.Input{Setup: setup, Toolchain: tc})
		if err != nil {
			return err
		}
		p := program
		p.Name, p.Path, p.Env = setup.Fixture+" "+tc.Name, bin.Path, []string{}
		programs = append(programs, p)
		return nil
	})
	if err == nil && failed {
		err = errReported
	}
	return programs, err
}

// lookPath finds a binary as a shell does.
func lookPath(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return filepath.Abs(name)
	}
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	return "", fmt.Errorf("%w: %s is not in PATH; write ./%s for the one in this folder", startup.ErrProgram, name, name)
}
