package release

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rt0lab/rt0lab/runner/release/gocmd"
	"github.com/rt0lab/rt0lab/runner/release/memo"
)

// Step is how far the fetching of a toolchain is.
type Step string

// The steps of a download.
const (
	Started Step = "started"
	Done    Step = "done"
	Failed  Step = "failed"
)

// Progress tells of one download of a toolchain. What is in the module cache
// already is not told of.
type Progress struct {
	Release string // "go1.26.8"
	Step    Step
	// Bytes is the size of the download: an estimate when it has started, what it was when it is done.
	Bytes int64
}

// Store finds toolchains on this machine and fetches those that are not here.
// It is safe for concurrent use; every name is resolved once. The zero Store is ready to use.
type Store struct {
	// Offline uses only what is in the module cache.
	Offline bool
	// Progress is called for every download, one call at a time. It may be nil.
	Progress func(Progress)

	told       sync.Mutex
	toolchains memo.Group[Toolchain]
	lists      memo.Group[[]string]
	folders    memo.Group[string]
}

// Resolve finds the toolchain of a name (see Parse) and fetches it when it is
// not on this machine. The error wraps ErrName, ErrUnavailable or ctx's error.
func (s *Store) Resolve(ctx context.Context, name string) (Toolchain, error) {
	spec, err := Parse(name)
	if err != nil {
		return Toolchain{}, err
	}
	return s.resolve(ctx, name, spec)
}

func (s *Store) resolve(ctx context.Context, name string, spec Spec) (Toolchain, error) {
	return s.toolchains.Do(ctx, name, func(ctx context.Context) (Toolchain, error) {
		switch spec.Kind {
		case Local:
			return s.local(ctx)
		case Path:
			return s.open(ctx, spec.Path)
		case Newest:
			return s.newest(ctx, spec.Minor)
		}
		return s.fetch(ctx, spec.Name)
	})
}

// newest resolves the newest release of a minor. When it cannot be had, for
// want of a network or because the list knows more than there is, the newest one in the
// module cache is taken.
func (s *Store) newest(ctx context.Context, minor int) (Toolchain, error) {
	cached := s.cached(ctx)
	known := cached
	if !s.Offline {
		listed, err := s.available(ctx)
		if err := context.Cause(ctx); err != nil {
			return Toolchain{}, err
		}
		if err == nil {
			known = append(listed, cached...)
		}
	}
	best, here := newestOf(known, minor), newestOf(cached, minor)
	if best == "" {
		return Toolchain{}, unavailable(fmt.Sprintf("1.%d", minor), errors.New(s.nothing()))
	}
	tc, err := s.resolve(ctx, best, Spec{Kind: Exact, Name: best, Minor: minor})
	if err != nil && here != "" && here != best && ctx.Err() == nil {
		return s.resolve(ctx, here, Spec{Kind: Exact, Name: here, Minor: minor})
	}
	return tc, err
}

func (s *Store) nothing() string {
	if s.Offline {
		return "none of its patches is in the module cache, and the network is not asked"
	}
	return "no such release is known"
}

// newestOf returns the newest name of the minor, a finished release before any
// beta or candidate, or "".
func newestOf(names []string, minor int) string {
	best := ""
	for _, name := range names {
		if Minor(name) != minor {
			continue
		}
		if best == "" || finished(name) && !finished(best) || finished(name) == finished(best) && version.Compare(name, best) > 0 {
			best = name
		}
	}
	return best
}

func finished(name string) bool {
	return !strings.Contains(name, "rc") && !strings.Contains(name, "beta")
}

// available lists the releases there are for this platform, oldest first. Not
// everything in the list can be had, and some that can is not in it.
func (s *Store) available(ctx context.Context) ([]string, error) {
	list, err := s.lists.Do(ctx, "", func(ctx context.Context) ([]string, error) {
		out, err := s.goCommand(ctx, "list", "-m", "-versions", module)
		if err != nil {
			return nil, fmt.Errorf("list releases: %w (releases in the module cache can be used with --offline)", err)
		}
		var names []string
		for _, word := range strings.Fields(string(out)) {
			if name, ok := releaseOf(word); ok {
				names = append(names, name)
			}
		}
		slices.SortFunc(names, version.Compare)
		return slices.Compact(names), nil
	})
	return slices.Clone(list), err
}

// Missing returns which of the names would have to be fetched, so that the size
// can be said before (see Estimate). A minor ("1.27") counts as here when any
// of its patches is; names that are no releases are left out.
func (s *Store) Missing(ctx context.Context, names []string) []string {
	cached := s.cached(ctx)
	var missing []string
	for _, name := range names {
		spec, err := Parse(name)
		switch {
		case err != nil:
		case spec.Kind == Exact && !slices.Contains(cached, spec.Name),
			spec.Kind == Newest && newestOf(cached, spec.Minor) == "":
			missing = append(missing, name)
		}
	}
	return missing
}

// Estimate is about how many bytes the download of a release has: the zip
// files of linux/amd64 lose their built standard library with 1.20.
func Estimate(name string) int64 {
	switch spec, err := Parse(name); {
	case err != nil || spec.Minor == 0:
		return 0
	case spec.Minor < 20:
		return 130 << 20
	case spec.Minor == 20:
		return 100 << 20
	}
	return 75 << 20
}

// local is the toolchain of the go command in PATH, or the one that built us.
func (s *Store) local(ctx context.Context) (Toolchain, error) {
	gocommand, err := exec.LookPath("go")
	if err != nil {
		//lint:ignore SA1019 the last resort where there is no go command to ask
		if root := runtime.GOROOT(); root != "" {
			return s.open(ctx, root)
		}
		return Toolchain{}, unavailable("local", errors.New("there is no go command in PATH"))
	}
	// A GOROOT in the environment may be that of another go command.
	env := without(os.Environ(), "GOROOT", "GOENV", "GOTOOLCHAIN", "GOFLAGS")
	out, err := gocmd.Run(ctx, gocmd.Command{Path: gocommand, Args: []string{"env", "GOROOT"},
		Env: append(env, "GOENV=off", "GOTOOLCHAIN=local")})
	if err != nil {
		return Toolchain{}, unavailableUnlessDone(ctx, "local", err)
	}
	return s.open(ctx, strings.TrimSpace(string(out)))
}

// open checks that a folder is a GOROOT whose go command runs.
func (s *Store) open(ctx context.Context, root string) (Toolchain, error) {
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	tc := Toolchain{GOROOT: filepath.Clean(root), Go: filepath.Join(root, "bin", "go"+exe)}
	if info, err := os.Stat(tc.Go); err != nil || info.IsDir() {
		return Toolchain{}, unavailable(root, errors.New("it has no bin/go"))
	}
	if err := makeExecutable(tc.GOROOT); err != nil {
		return Toolchain{}, unavailable(root, err)
	}
	env := without(os.Environ(), "GOROOT", "GOENV", "GOTOOLCHAIN", "GOFLAGS")
	out, err := gocmd.Run(ctx, gocmd.Command{Path: tc.Go, Args: []string{"version"},
		Env: append(env, "GOENV=off", "GOTOOLCHAIN=local", "GOROOT="+tc.GOROOT)})
	if err != nil {
		return Toolchain{}, unavailableUnlessDone(ctx, root, fmt.Errorf("its bin/go does not run: %w", err))
	}
	tc.Name = nameOf(tc.GOROOT, string(out))
	if minor := Minor(tc.Name); minor < Oldest {
		return Toolchain{}, unavailable(root, fmt.Errorf("it calls itself %q, which is no release since go1.%d", tc.Name, Oldest))
	}
	tc.ReadOnly = s.inModuleCache(ctx, tc.GOROOT)
	return tc, nil
}

// nameOf is what a toolchain calls itself: the first line of its VERSION file,
// which a source tree does not have, or what `go version` says.
func nameOf(root, said string) string {
	if text, err := os.ReadFile(filepath.Join(root, "VERSION")); err == nil {
		line, _, _ := strings.Cut(string(text), "\n")
		if line = strings.TrimSpace(line); Minor(line) != 0 {
			return line
		}
	}
	said = strings.TrimPrefix(strings.TrimSpace(said), "go version ")
	if i := strings.LastIndexByte(said, ' '); i > 0 && strings.Contains(said[i:], "/") {
		said = said[:i] // the platform
	}
	return said
}

// unavailable says in one line why a release cannot be had and what to do instead.
func unavailable(name string, why error) error {
	return fmt.Errorf("%w: %s: %w (give the path of a GOROOT instead: --go /path/to/go)", ErrUnavailable, name, oneLine{why})
}

// oneLine is an error whose text, which may be that of a tool, has no line breaks.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

// unavailableUnlessDone is for failures of a command, which are no property of
// the release when the context has ended.
func unavailableUnlessDone(ctx context.Context, name string, why error) error {
	if ctx.Err() != nil {
		return why
	}
	return unavailable(name, why)
}
