package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// plan is a build that is known to be possible, with everything it depends on.
type plan struct {
	setup        *lab.Setup
	toolchain    release.Toolchain
	minor        int
	language     string // the go line of go.mod
	goos, goarch string
	cgo          bool
	compiler     *cCompiler        // nil when none is needed
	files        map[string][]byte // of the fixture, slash-separated
	overlay      map[string][]byte // relative to GOROOT/src, slash-separated
	identity     string            // of the toolchain
	digest       string
}

// plan decides whether the release can build the setup, before anything is run.
func (b *Builder) plan(ctx context.Context, in Input) (*plan, error) {
	s, tc := in.Setup, in.Toolchain
	if s == nil {
		return nil, errors.New("no setup")
	}
	fits, err := constraint.Fits(s.Go, tc.Name)
	if err != nil {
		return nil, err
	}
	if !fits {
		return nil, fmt.Errorf("%w: it is for releases %s", ErrUnsupported, s.Go)
	}
	p := &plan{setup: s, toolchain: tc}
	p.goos, p.goarch = s.System()
	if p.minor, p.language, err = languageOf(tc); err != nil {
		return nil, err
	}
	if err := b.supports(ctx, p); err != nil {
		return nil, err
	}
	if p.overlay, err = belowSource(tc, in.Overlay); err != nil {
		return nil, err
	}
	if s.Tool == "" {
		if p.files, err = b.fixture(s.Fixture); err != nil {
			return nil, err
		}
	}
	p.cgo = s.Cgo || s.Race
	if p.needsCompiler() {
		c, err := b.cCompiler(ctx, p.goos, p.goarch)
		if err != nil {
			return nil, err
		}
		p.compiler = &c
	}
	if p.identity, err = b.identityOf(ctx, tc); err != nil {
		return nil, err
	}
	p.digest = p.key()
	return p, nil
}

// languageOf returns the minor of a toolchain and what its own go line is: the
// release itself. With an older one the linker bakes old GODEBUG defaults in.
func languageOf(tc release.Toolchain) (minor int, language string, err error) {
	r, err := constraint.ParseRelease(tc.Name)
	if err != nil {
		return 0, "", err
	}
	if strings.Contains(tc.Name, "devel") {
		// Its number is that of the release to come, which go.mod may say without a patch.
		if minor, err = developed(tc.GOROOT); err != nil {
			return 0, "", err
		}
		return minor, fmt.Sprintf("1.%d", minor), nil
	}
	if r.Minor < 21 {
		return r.Minor, fmt.Sprintf("1.%d", r.Minor), nil
	}
	language = strings.TrimPrefix(tc.Name, "go")
	if i := strings.IndexAny(language, " -+"); i >= 0 {
		language = language[:i] // an experiment, somebody's suffix
	}
	return r.Minor, language, nil
}

// kept ends the names of Go files that no tool but the builder is to take for Go:
// those of a fixture that must not compile.
const kept = ".go.txt"

// fixture reads the sources of a fixture.
func (b *Builder) fixture(name string) (map[string][]byte, error) {
	if b.Fixtures == nil || !fs.ValidPath(name) || name == "." || strings.Contains(name, "/") {
		return nil, fmt.Errorf("fixture %q: not the name of a folder of fixtures", name)
	}
	files := map[string][]byte{}
	err := fs.WalkDir(b.Fixtures, name, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		file := strings.TrimPrefix(path, name+"/")
		if strings.HasSuffix(file, kept) {
			file = strings.TrimSuffix(file, ".txt")
		}
		files[file], err = fs.ReadFile(b.Fixtures, path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fixture %q: %w", name, err)
	}
	if _, ok := files["go.mod"]; ok {
		return nil, fmt.Errorf("fixture %q: it has a go.mod, which is written for every release by itself (remove it)", name)
	}
	return files, nil
}

// write puts the fixture's sources into a folder, with a go.mod where the release knows modules.
func (p *plan) write(dir string) error {
	for name, content := range p.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			return err
		}
	}
	if !p.modules() {
		return nil
	}
	text := fmt.Sprintf("module %s/%s\n\ngo %s\n", moduleRoot, p.setup.Fixture, p.language)
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o666)
}

// modules reports whether there is a go.mod: the release knows it (1.11 and later) and the setup wants it.
func (p *plan) modules() bool { return p.minor >= 11 && p.setup.Gopath == "" }

// moduleRoot begins the import path of a fixture on all releases, so that its packages can import each other.
const moduleRoot = "rt0lab.test"

// source is the folder of the fixture below that of the build, whose src is that of a GOPATH.
func (p *plan) source() string {
	switch p.setup.Gopath {
	case "outside":
		return filepath.Join("outside", p.setup.Fixture)
	case "inside":
		return filepath.Join("src", p.setup.Fixture)
	}
	// Where there are no modules the folder is the import path.
	return filepath.Join("src", moduleRoot, p.setup.Fixture)
}

// output is the file name of the binary.
func (p *plan) output() string {
	if p.setup.Making {
		return accountFile
	}
	suffix := ""
	switch p.setup.Buildmode {
	case "c-shared", "plugin", "shared":
		suffix = ".so"
		if p.goos == "windows" {
			suffix = ".dll"
		}
	default:
		if p.goos == "windows" {
			suffix = ".exe"
		}
	}
	return p.setup.Fixture + suffix
}

// flags are those of go build, without the output.
func (p *plan) flags() []string {
	s := p.setup
	ldflags := s.Ldflags
	if s.Linkmode != "" {
		ldflags = strings.TrimSpace(ldflags + " -linkmode=" + s.Linkmode)
	}
	var flags []string
	add := func(name, value string) {
		if value != "" {
			flags = append(flags, "-"+name+"="+value)
		}
	}
	add("gcflags", s.CompilerFlags())
	add("ldflags", ldflags)
	separator := ","
	if p.minor < 13 {
		separator = " "
	}
	add("tags", strings.Join(s.Tags, separator))
	add("buildmode", s.Buildmode)
	if s.Race {
		flags = append(flags, "-race")
	}
	if p.minor >= 18 {
		// The cache folder may lie in somebody's repository.
		flags = append(flags, "-buildvcs=false")
	}
	return flags
}

func (p *plan) args(out string) []string {
	return slices.Concat([]string{"build", "-o", out}, p.flags(), []string{"."})
}

// settings are the variables that make a difference to the binary.
func (p *plan) settings() []string {
	env := []string{"CGO_ENABLED=0", "GOOS=" + p.goos, "GOARCH=" + p.goarch}
	if p.cgo {
		env[0] = "CGO_ENABLED=1"
	}
	if p.goarch == "amd64" && p.minor >= 18 {
		env = append(env, "GOAMD64="+p.setup.Level())
	}
	if p.setup.Goexperiment != "" {
		env = append(env, "GOEXPERIMENT="+p.setup.Goexperiment)
	}
	if p.compiler != nil {
		env = append(env, "CC="+p.compiler.name)
	}
	return env
}

// environment is the whole environment of the go command: nothing of the
// user's but PATH, which has the C compiler. An unset GOFLAGS is not enough to keep
// stored settings away, GOENV=off is.
func (p *plan) environment(d layout, root, work, temp string) []string {
	gopath, mode := d.gopath, "on"
	if !p.modules() {
		gopath, mode = work, "off"
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + d.home,
		"XDG_CONFIG_HOME=" + filepath.Join(d.home, "config"),
		"LC_ALL=C",
		"TMPDIR=" + temp,
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOROOT=" + root,
		"GOCACHE=" + d.gocache,
		"GOPATH=" + gopath,
		"GOTMPDIR=" + temp,
		"GO111MODULE=" + mode,
		"GOWORK=off",
		"GOPROXY=off",
		"GOSUMDB=off",
	}
	if runtime.GOOS == "windows" {
		env = append(env, "USERPROFILE="+d.home, "TMP="+temp, "TEMP="+temp)
		for _, name := range []string{"SystemRoot", "PATHEXT", "ComSpec"} {
			env = append(env, name+"="+os.Getenv(name))
		}
	}
	return append(env, p.settings()...)
}
