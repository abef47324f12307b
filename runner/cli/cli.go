// Package cli is the command line. It is the only package that knows concrete
// witnesses; it wires them to the engine and turns results into text, JSON
// lines, recordings and an exit status.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
)

// The exit statuses of every command.
const (
	statusRecorded = 0 // as recorded
	statusDrift    = 1 // an outcome or value is not what the recordings say
	statusBroken   = 2 // broken, usage, bad data, a required witness is missing, interrupted
)

// errDrift ends a command whose report already said what drifted.
var errDrift = errors.New("drift")

// errReported ends a command with statusBroken whose report already said why.
var errReported = errors.New("broken")

// errUsage is wrapped by everything that is wrong with the command line itself.
var errUsage = errors.New("usage")

// Run is the whole program: args[0] is its name, data holds labs, fixtures and
// scripts. It returns the exit status and never calls os.Exit.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer, data fs.FS) int {
	if len(args) > 1 && args[1] == delveChild {
		return delve.Child(args[2:]...)
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup stays nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop) // the second ^C ends the process at once
	out := &sink{to: stdout}
	s := &session{stdin: stdin, stdout: out, terminal: stdout, stderr: stderr, embedded: data}
	app := newApp(s)
	if len(args) == 2 && args[1] == "--version" {
		args = []string{args[0], "version"}
	}
	args, err := flagsFirst(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if out.err != nil && ctx.Err() == nil {
		fmt.Fprintf(stderr, "rt0lab: write the answer: %v\n", out.err)
		return statusBroken
	}
	switch {
	case err == nil:
		return statusRecorded
	case errors.Is(err, errDrift):
		return statusDrift
	case errors.Is(err, errReported):
		return statusBroken
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "rt0lab: interrupted; nothing was left behind")
		return statusBroken
	}
	fmt.Fprintf(stderr, "rt0lab: %v\n", err)
	return statusBroken
}

// sink keeps the first error of what is written, so that an answer that got
// lost (a full disk) is not taken for one.
type sink struct {
	to  io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

func newApp(s *session) *cli.App {
	usage := func(_ *cli.Context, err error, _ bool) error {
		return fmt.Errorf("%w: %w (see rt0lab help)", errUsage, err)
	}
	app := &cli.App{
		Name:                 "rt0lab",
		Usage:                "check by execution what is written about how a Go program starts",
		EnableBashCompletion: true,
		HideVersion:          true,
		Writer:               s.stdout,
		ErrWriter:            s.stderr,
		// Errors come back from RunContext; nothing inside may end the process.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				var known []string
				for _, cmd := range c.App.Commands {
					known = append(known, cmd.Name)
				}
				name := c.Args().First()
				return fmt.Errorf("%w: no command %q%s (see rt0lab help)", errUsage, name, near.Hint(name, known))
			}
			return cli.ShowAppHelp(c)
		},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "read labs, fixtures and scripts from `DIR` instead of the built-in ones"},
			&cli.StringSliceFlag{Name: "with", Usage: "add the claims, scripts and fixtures of one's own folder `DIR`; may be said several times"},
			&cli.BoolFlag{Name: "trust", Usage: "run the scripts of the folders of --with without asking, now and later"},
			&cli.StringFlag{Name: "lang", Usage: "language of the messages: en or zh", EnvVars: []string{"RT0LAB_LANG"}, Value: "en"},
			&cli.StringFlag{Name: "cache", Usage: "keep built fixtures in `DIR`", EnvVars: []string{build.EnvCache}},
			&cli.BoolFlag{Name: "offline", Usage: "fetch nothing"},
			&cli.BoolFlag{Name: "verbose", Usage: "say on stderr what is run and how long it takes"},
			&cli.BoolFlag{Name: "no-color", Usage: "no colours (NO_COLOR does the same)"},
		},
		Before: s.open,
		Commands: []*cli.Command{
			s.listCommand(), s.labCommand(), s.checkCommand(), s.hintCommand(), s.solutionCommand(), s.resetCommand(), s.nextCommand(), s.watchCommand(), s.glossaryCommand(),
			s.verifyCommand(), s.showCommand(), s.matrixCommand(), s.diffCommand(),
			s.recordCommand(), s.traceCommand(), s.replayCommand(), s.mutateCommand(), s.timeCommand(), s.debugCommand(), s.stopsCommand(), s.lintCommand(), s.proveCommand(), s.doctorCommand(),
			s.newCommand(), s.cleanCommand(), s.versionCommand(), s.completionCommand(),
		},
	}
	for _, cmd := range app.Commands {
		cmd.OnUsageError = usage // the library asks the command's own only
	}
	return app
}
