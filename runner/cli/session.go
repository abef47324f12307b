package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
	"github.com/rt0lab/rt0lab/runner/observe/static"
	"github.com/rt0lab/rt0lab/runner/observe/uprobe"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// delveChild is the hidden first argument that makes the binary a Delve child.
const delveChild = "__delve"

// session is one call of the program: the global flags and what is made from them.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       io.Writer // what stdout really is
	embedded       fs.FS

	dir      string // --data, "" for the embedded data
	files    layers // the data, then each --with
	trustAll bool   // --trust
	lang     string
	cache    string // --cache
	offline  bool
	verbose  bool
	color    bool
	width    int             // columns of the terminal, 0 when there is none
	told     map[string]bool // the witnesses whose lack was told of

	loaded *lab.Data
	books  map[string]*recording.Book
	ticker *ticker // nil when nothing is shown
	quiet  bool    // a terminal program is on the screen: nothing else may write there
}

// open reads the global flags.
func (s *session) open(c *cli.Context) error {
	s.dir, s.trustAll = c.String("data"), c.Bool("trust")
	if err := s.openFolders(c.StringSlice("with")); err != nil {
		return err
	}
	s.lang = cmp.Or(c.String("lang"), "en") // RT0LAB_LANG may be set and empty
	if s.lang != "en" && s.lang != "zh" {
		return fmt.Errorf("%w: --lang %s: use en or zh", errUsage, s.lang)
	}
	s.cache = c.String("cache")
	s.offline, s.verbose = c.Bool("offline"), c.Bool("verbose")
	if f, ok := s.terminal.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.width, _, _ = term.GetSize(int(f.Fd()))
		s.color = os.Getenv("NO_COLOR") == "" && !c.Bool("no-color") && os.Getenv("TERM") != "dumb"
	}
	return nil
}

// cacheDir is where built fixtures are. It may not be known (no HOME), which
// is no matter to what builds nothing.
func (s *session) cacheDir() (string, error) {
	if s.cache == "" {
		return build.DefaultDir()
	}
	return filepath.Abs(s.cache)
}

// data reads the labs, once.
func (s *session) data() (*lab.Data, error) {
	if s.loaded != nil {
		return s.loaded, nil
	}
	d, err := s.merged()
	if err != nil {
		return nil, fmt.Errorf("the data is not right; rt0lab lint knows more:\n%w", err)
	}
	s.loaded = d
	return d, nil
}

// book reads the recordings of one lab, once. Not safe for concurrent use.
func (s *session) book(labID string) (*recording.Book, error) {
	if b := s.books[labID]; b != nil {
		return b, nil
	}
	b, err := recording.Read(s.files, labID)
	if err != nil {
		return nil, err
	}
	if s.books == nil {
		s.books = map[string]*recording.Book{}
	}
	s.books[labID] = b
	return b, nil
}

// store resolves releases and says on stderr what it fetches.
func (s *session) store() *release.Store {
	return &release.Store{Offline: s.offline, Progress: s.fetching()}
}

func (s *session) builder() (*build.Builder, error) {
	fixtures, err := fs.Sub(s.files, "fixtures")
	if err != nil {
		return nil, fmt.Errorf("open fixtures: %w", err)
	}
	cache, err := s.cacheDir()
	if err != nil {
		return nil, err
	}
	return &build.Builder{CacheDir: cache, Fixtures: fixtures}, nil
}

// engine wires the witnesses: the one place that does.
// It reads the flags of jobsFlags.
func (s *session) engine(c *cli.Context) (*verify.Engine, error) {
	if jobs := c.Int("jobs"); jobs < 0 {
		return nil, fmt.Errorf("%w: --jobs %d: give a number above 0, or 0 for one per CPU", errUsage, jobs)
	}
	if timeout := c.Duration("timeout"); timeout < 0 {
		return nil, fmt.Errorf("%w: --timeout %s: give a time such as 30s", errUsage, timeout)
	}
	data, err := s.data()
	if err != nil {
		return nil, err
	}
	if err := s.trust(); err != nil {
		return nil, err
	}
	builder, err := s.builder()
	if err != nil {
		return nil, err
	}
	return &verify.Engine{
		Data: data, Scripts: s.files, Builder: builder,
		Places: func(bin build.Binary, stops []string) ([]place.Place, error) {
			return place.Cached(filepath.Dir(bin.Path), bin.Path, bin.Digest, stops)
		},
		Witnesses: []observe.Witness{delve.New(delveSelf), gdb.New(""), static.Witness{}, uprobe.Witness{}},
		Jobs:      c.Int("jobs"),
		Timeout:   c.Duration("timeout"),
		Progress:  s.progress(),
	}, nil
}

// delveSelf is how a Delve child is started: this program again.
func delveSelf() (string, []string) {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return exe, []string{delveChild}
}

// toolchains resolves the releases one after the other, each when it is needed,
// and hands it to do. A release that cannot be had is said in one line and the
// others go on; failed is true then.
func (s *session) toolchains(ctx context.Context, names []string, do func(release.Toolchain) error) (failed bool, err error) {
	data, err := s.data()
	if err != nil {
		return false, err
	}
	names, err = release.Expand(names, data.Releases)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUsage, err)
	}
	store := s.store()
	if missing := store.Missing(ctx, names); len(missing) > 1 && !s.offline {
		var size int64
		for _, name := range missing {
			size += release.Estimate(name)
		}
		fmt.Fprintf(s.stderr, "%d of %d releases are to be fetched: about %d MB, and three times that on disk\n", len(missing), len(names), size>>20)
	}
	seen := map[string]bool{}
	for _, name := range names {
		tc, err := store.Resolve(ctx, name)
		if ctx.Err() != nil {
			return failed, context.Cause(ctx)
		}
		if err != nil {
			fmt.Fprintf(s.stderr, "rt0lab: %v\n", err)
			failed = true
			continue
		}
		if seen[tc.GOROOT] {
			continue
		}
		seen[tc.GOROOT] = true
		if err := do(tc); err != nil {
			return failed, err
		}
	}
	return failed, nil
}
