// Package build turns a setup and a toolchain into a binary, cached by the
// content of everything that goes into it. Every toolchain is run hermetically:
// nothing of the user's Go settings reaches it.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/gocmd"
	"github.com/rt0lab/rt0lab/runner/release/memo"
)

// ErrCompile is wrapped when the toolchain refuses the fixture: the outcome is broken, the
// text holds the compiler's words.
var ErrCompile = errors.New("fixture does not build")

// ErrNoCompiler is wrapped when the setup needs a C compiler and there is none: untested, cause machine.
var ErrNoCompiler = errors.New("no C compiler")

// ErrUnsupported is wrapped when the release cannot build this setup at all (Setup.Go, a
// GOOS/GOARCH pair or a GOEXPERIMENT it does not know): untested, cause release.
var ErrUnsupported = errors.New("the release cannot build this setup")

// ErrNoTool is wrapped when the setup wants a tool of the release for another system than this
// machine's: untested, cause machine.
var ErrNoTool = errors.New("this machine's release has no such tool")

// ErrCache is wrapped when the cache folder cannot be used: read-only, full, somebody else's.
var ErrCache = errors.New("cache folder cannot be used")

// ErrOverlay is wrapped when an overlay cannot be used: a file that is not
// below the release's GOROOT/src, a relative path, bad JSON.
var ErrOverlay = errors.New("overlay cannot be used")

// Input is everything a build depends on.
type Input struct {
	Setup     *lab.Setup
	Toolchain release.Toolchain
	// Overlay replaces files: absolute path below Toolchain.GOROOT/src → new
	// content; nil content deletes the file, a path that is not there adds one. Works on
	// every release and for every kind of file: the build gets a copy of GOROOT (see mirror).
	Overlay map[string][]byte
}

// Binary is a built fixture.
type Binary struct {
	// Path is absolute; the file is never changed once it is there. For a setup
	// with Making it is a making.Account.
	Path   string
	Digest string // of all inputs, hex; names the cache entry
	GOOS   string
	GOARCH string
	// GOROOT is where the runtime's sources are that went into the binary.
	GOROOT  string
	Release string // Toolchain.Name
}

// Builder builds setups. Its exported fields are set before the first Build
// and not changed any more. It is safe for concurrent use, also by several processes with the
// same CacheDir.
type Builder struct {
	// CacheDir holds binaries, Go build caches and copied GOROOTs; see DefaultDir.
	// It is made when it is not there.
	CacheDir string
	// Fixtures has a folder per fixture: "hello/main.go".
	Fixtures fs.FS
	// GoCache is the toolchains' GOCACHE; "" is one below CacheDir. Tests with a
	// CacheDir of their own give the user's, so that no runtime is compiled twice: it
	// is safe to share, and Clean leaves it alone.
	GoCache string
	// Building is called before a toolchain is run, which takes seconds; not for
	// what comes from the cache. Concurrent builds call it concurrently. It may be nil.
	Building func(setup *lab.Setup, release string)

	prepared  memo.Group[layout]
	identity  memo.Group[string]    // of toolchains, by GOROOT
	abilities memo.Group[abilities] // of toolchains, by GOROOT
	compilers memo.Group[cCompiler] // by platform
	mirrors   memo.Group[string]    // copied GOROOTs, by their key
	built     memo.Group[Binary]    // by digest
}

// Build returns the binary of a setup, from the cache when everything that
// goes into it is as it was. The same input gives the same answer, an error
// too, as long as the Builder lives. When ctx ends, the toolchain and
// everything it started is killed and nothing is left behind. The error wraps
// ErrCompile, ErrNoCompiler, ErrNoTool, ErrUnsupported, ErrCache, ErrOverlay, ctx's error, or is a
// mistake in the setup.
func (b *Builder) Build(ctx context.Context, in Input) (Binary, error) {
	dirs, err := b.layout(ctx)
	if err != nil {
		return Binary{}, err
	}
	p, err := b.plan(ctx, in)
	if errors.Is(err, ErrUnsupported) {
		// A reason, not a failure: it is recorded and counted, so it names no release.
		return Binary{}, err
	}
	if err != nil {
		return Binary{}, fmt.Errorf("build %s with %s: %w", fixtureOf(in.Setup), in.Toolchain.Name, err)
	}
	if p.setup.Tool != "" {
		return p.tool()
	}
	bin, err := b.built.Do(ctx, p.digest, func(ctx context.Context) (Binary, error) {
		return b.make(ctx, dirs, p)
	})
	if err != nil {
		return Binary{}, fmt.Errorf("build %s with %s: %w", p.setup.Fixture, p.toolchain.Name, err)
	}
	return bin, nil
}

func fixtureOf(s *lab.Setup) string {
	if s == nil {
		return "nothing"
	}
	return cmp.Or(s.Fixture, s.Tool)
}

// tool returns a tool of the release where it lies: nothing is built.
func (p *plan) tool() (Binary, error) {
	bin := Binary{
		Path:   filepath.Join(p.toolchain.GOROOT, "pkg", "tool", p.goos+"_"+p.goarch, p.setup.Tool),
		Digest: p.digest, GOOS: p.goos, GOARCH: p.goarch, GOROOT: p.toolchain.GOROOT, Release: p.toolchain.Name,
	}
	if !exists(bin.Path) {
		return Binary{}, fmt.Errorf("%s of %s for %s/%s: %w", p.setup.Tool, p.toolchain.Name, p.goos, p.goarch, ErrNoTool)
	}
	return bin, nil
}

// make brings the binary of a plan into the cache.
func (b *Builder) make(ctx context.Context, dirs layout, p *plan) (Binary, error) {
	root := p.toolchain.GOROOT
	if len(p.overlay) > 0 {
		var err error
		if root, err = b.mirror(ctx, dirs, p); err != nil {
			return Binary{}, err
		}
	}
	bin := Binary{
		Path: filepath.Join(dirs.binaries, p.digest, p.output()), Digest: p.digest,
		GOOS: p.goos, GOARCH: p.goarch, GOROOT: root, Release: p.toolchain.Name,
	}
	if exists(bin.Path) {
		return bin, nil
	}
	unlock, err := dirs.lock(ctx, p.digest)
	if err != nil {
		return Binary{}, err
	}
	defer unlock()
	if exists(bin.Path) { // another process was faster
		return bin, nil
	}
	if b.Building != nil {
		b.Building(p.setup, p.toolchain.Name)
	}
	return bin, b.compile(ctx, dirs, p, bin)
}

// compile runs the toolchain in a folder of its own. The folder's path depends
// on the digest alone: it goes into the binary's debug information, so that the same input gives the
// same bytes.
func (b *Builder) compile(ctx context.Context, dirs layout, p *plan, bin Binary) (err error) {
	work := filepath.Join(dirs.work, p.digest)
	if err := os.RemoveAll(work); err != nil { // of a process that was killed
		return dirs.failed(err)
	}
	defer func() {
		if e := os.RemoveAll(work); e != nil && err == nil {
			err = dirs.failed(e)
		}
	}()
	source := filepath.Join(work, p.source())
	temp := filepath.Join(work, "tmp")
	if err := p.write(source); err != nil {
		return dirs.failed(err)
	}
	if err := os.MkdirAll(temp, 0o777); err != nil {
		return dirs.failed(err)
	}
	out := filepath.Join(work, p.output())
	command := gocmd.Command{Path: p.toolchain.Go, Dir: source, Env: p.environment(dirs, bin.GOROOT, work, temp)}
	switch {
	case p.setup.Making:
		err = p.tell(ctx, command, out)
	case p.setup.Host != "":
		err = p.link(ctx, command, out)
	default:
		command.Args = p.args(out)
		_, err = gocmd.Run(ctx, command)
	}
	if err != nil {
		return dirs.whyNot(ctx, p.setup.Fixture, err)
	}
	return dirs.keep(out, bin.Path)
}

// whyNot tells the compiler's complaint about the fixture from all other reasons for which a go command fails.
func (d layout) whyNot(ctx context.Context, fixture string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	// A full disk looks like any other failure from outside.
	if e := d.probe(); e != nil {
		return e
	}
	var failed *gocmd.Error
	var exit *exec.ExitError
	if errors.As(err, &failed) && errors.As(err, &exit) {
		// Not the command line: it names folders of this machine.
		return fmt.Errorf("%w: %s", ErrCompile, asInData(fixture, cmp.Or(failed.Says, failed.Err.Error())))
	}
	return err
}

// asInData names the fixture's files in the toolchain's words as the data folder does,
// and not as the folder does in which the toolchain was run.
func asInData(fixture, says string) string {
	lines := strings.Split(says, "\n")
	for i, line := range lines {
		if file, ok := strings.CutPrefix(line, "./"); ok {
			lines[i] = "fixtures/" + fixture + "/" + file
		}
	}
	return strings.Join(lines, "\n")
}

// keep moves a finished binary to its place in one step.
func (d layout) keep(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return d.failed(err)
	}
	if err := os.Chmod(from, 0o555); err != nil {
		return d.failed(err)
	}
	if err := os.Rename(from, to); err != nil {
		return d.failed(err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
