package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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

// recordTraces makes the boot traces of the labs on one release, each once, and
// writes them or compares them with what is recorded.
func (s *session) recordTraces(ctx context.Context, builder verify.Builder, labs []*lab.Lab, tc release.Toolchain, check bool) (changed bool, err error) {
	done := map[string]bool{}
	for _, l := range labs {
		if l.Trace == nil || done[l.Trace.Setup] {
			continue
		}
		done[l.Trace.Setup] = true
		t, err := s.makeTrace(ctx, builder, l.Setups[l.Trace.Setup], l.Trace.To, tc)
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
func (s *session) makeTrace(ctx context.Context, builder verify.Builder, setup *lab.Setup, to string, tc release.Toolchain) (*trace.Trace, error) {
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
		Request: step.Request{Binary: bin.Path, Args: setup.Args, Env: verify.Environment(setup), Until: end.Addrs},
		Header: trace.Header{
			Release: tc.Name, GOOS: bin.GOOS, GOARCH: bin.GOARCH, Setup: setup.Name, Fixture: setup.Fixture, Digest: bin.Digest, To: to,
		},
		Image: img, Places: places, Source: os.DirFS(filepath.Join(bin.GOROOT, "src")),
	})
}
