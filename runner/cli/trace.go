package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/trace"
	"github.com/rt0lab/rt0lab/runner/trace/step"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// stepper is the name of what makes boot traces, for messages.
const stepper = "the stepper of boot traces"

func (s *session) traceCommand() *cli.Command {
	return &cli.Command{
		Name:      "trace",
		Usage:     "make the boot trace of a lab here and now, further than the recorded one if you like; rt0lab replay FILE shows it",
		ArgsUsage: "LAB",
		Flags: []cli.Flag{
			goFlag(),
			&cli.StringFlag{Name: "to", Usage: "end at the first instruction of `FUNCTION`, for example main.main", DefaultText: "what the lab says"},
			&cli.DurationFlag{Name: "timeout", Usage: "the most it may take", Value: step.DefaultTimeout},
			&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "write to `FILE`, whose name ends with " + trace.Extension, Required: true},
		},
		Action: s.trace,
	}
}

func (s *session) trace(c *cli.Context) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	if c.Args().Len() != 1 {
		return fmt.Errorf("%w: trace wants the number or name of one lab; see rt0lab list", errUsage)
	}
	l, err := data.LabOf(c.Args().First())
	if err != nil {
		return err
	}
	file, releases := c.String("o"), releasesOf(c)
	switch {
	case l.Trace == nil:
		return fmt.Errorf("%w: %s has no boot trace (those of %s have)", errUsage, l.ID, s.traced())
	case !strings.HasSuffix(file, trace.Extension):
		return fmt.Errorf("%w: -o %s: give a name that ends with %s", errUsage, file, trace.Extension)
	case len(releases) != 1 || releases[0] == "all":
		return fmt.Errorf("%w: --go: a trace is of one release", errUsage)
	case c.Duration("timeout") <= 0:
		return fmt.Errorf("%w: --timeout %s: give a time such as 30s", errUsage, c.Duration("timeout"))
	}
	if err := writable(file); err != nil {
		return err
	}
	builder, err := s.builder()
	if err != nil {
		return err
	}
	ctx := c.Context
	failed, err := s.toolchains(ctx, releases, func(tc release.Toolchain) error {
		t, err := s.makeTrace(ctx, builder, l.Setups[l.Trace.Setup], cmp.Or(c.String("to"), l.Trace.To), tc, c.Duration("timeout"))
		if err != nil {
			return err
		}
		packed, err := t.Encode()
		if err != nil {
			return err
		}
		if err := maybe.WriteFile(file, packed, 0o666); err != nil {
			return fmt.Errorf("write boot trace: %w", err)
		}
		fmt.Fprintf(s.stdout, "%s: %d instructions to %s, %d kB\n", file, len(t.Steps), t.To, (len(packed)+999)/1000)
		return nil
	})
	if err == nil && failed {
		err = errReported
	}
	return err
}

// recordTraces makes the boot traces of the labs on one release, each once, and
// writes them or compares them with what is recorded.
func (s *session) recordTraces(ctx context.Context, builder verify.Builder, labs []*lab.Lab, tc release.Toolchain, check bool) (changed bool, err error) {
	done := map[string]bool{}
	for _, l := range labs {
		if l.Trace == nil || done[l.Trace.Setup] {
			continue
		}
		done[l.Trace.Setup] = true
		t, err := s.makeTrace(ctx, builder, l.Setups[l.Trace.Setup], l.Trace.To, tc, 0)
		switch {
		case errors.Is(err, build.ErrUnsupported):
			continue
		case check && errors.Is(err, step.ErrMachine):
			s.tellOnce(stepper, err)
			continue
		case err != nil:
			return changed, err
		}
		if !check {
			path, err := t.Write(s.files.of(l.File).dir)
			if err != nil {
				return changed, err
			}
			fmt.Fprintln(s.stdout, path)
			continue
		}
		old, err := trace.Read(s.files, t.Path())
		if errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(s.stdout, "%s: no boot trace is recorded; write it with rt0lab --data DIR record\n", t.Path())
			changed = true
			continue
		}
		if err != nil {
			return changed, err
		}
		for _, d := range trace.Compare(old, t) {
			fmt.Fprintf(s.stdout, "%s: %s\n", t.Path(), d)
			changed = true
		}
	}
	return changed, nil
}

// makeTrace builds a setup and goes through its start.
func (s *session) makeTrace(ctx context.Context, builder verify.Builder, setup *lab.Setup, to string, tc release.Toolchain, timeout time.Duration) (*trace.Trace, error) {
	bin, err := builder.Build(ctx, build.Input{Setup: setup, Toolchain: tc})
	if err != nil {
		return nil, err
	}
	img, err := image.Open(bin.Path)
	if err != nil {
		return nil, err
	}
	places, err := place.Cached(filepath.Dir(bin.Path), bin.Path, bin.Digest, append(verify.Stops(s.loaded.Catalogue), to))
	if err != nil {
		return nil, fmt.Errorf("resolve the stops of %s on %s: %w", setup.Name, tc.Name, err)
	}
	end := places[len(places)-1]
	if end.State != place.Placed {
		return nil, fmt.Errorf("trace %s on %s to %s: %s", setup.Name, tc.Name, to, end.Reason)
	}
	return step.Make(ctx, step.Order{
		Request: step.Request{Binary: bin.Path, Args: setup.Args, Env: verify.Environment(setup), Until: end.Addrs, Timeout: timeout},
		Header: trace.Header{
			Release: tc.Name, GOOS: bin.GOOS, GOARCH: bin.GOARCH, Setup: setup.Name, Fixture: setup.Fixture, Digest: bin.Digest, To: to,
		},
		Image: img, Places: places, Source: os.DirFS(filepath.Join(bin.GOROOT, "src")),
	})
}
