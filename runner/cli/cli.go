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
		return delve.Child()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &session{stdout: stdout, stderr: stderr, embedded: data}
	app := newApp(s)
	err := app.RunContext(ctx, flagsFirst(app, args))
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

func newApp(s *session) *cli.App {
	return &cli.App{
		Name:                 "rt0lab",
		Usage:                "check by execution what is written about how a Go program starts",
		EnableBashCompletion: true,
		HideVersion:          true,
		Suggest:              true,
		Writer:               s.stdout,
		ErrWriter:            s.stderr,
		// Errors come back from RunContext; nothing inside may end the process.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return fmt.Errorf("%w: %w (see rt0lab help)", errUsage, err)
		},
		CommandNotFound: func(*cli.Context, string) {},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("%w: no command %q (see rt0lab help)", errUsage, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "read labs, fixtures and scripts from `DIR` instead of the built-in ones"},
			&cli.StringFlag{Name: "lang", Usage: "language of the messages: en or zh", EnvVars: []string{"RT0LAB_LANG"}, Value: "en"},
			&cli.StringFlag{Name: "cache", Usage: "keep built fixtures in `DIR`", EnvVars: []string{"RT0LAB_CACHE"}},
			&cli.BoolFlag{Name: "offline", Usage: "fetch nothing"},
			&cli.BoolFlag{Name: "verbose", Usage: "say on stderr what is run and how long it takes"},
			&cli.BoolFlag{Name: "no-color", Usage: "no colours (NO_COLOR does the same)"},
		},
		Before: s.open,
		Commands: []*cli.Command{
			s.listCommand(), s.labCommand(), s.verifyCommand(), s.showCommand(), s.matrixCommand(),
			s.recordCommand(), s.mutateCommand(), s.stopsCommand(), s.lintCommand(), s.doctorCommand(),
			s.cleanCommand(), s.versionCommand(), s.completionCommand(),
		},
	}
}
