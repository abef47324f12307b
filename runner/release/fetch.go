package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rt0lab/rt0lab/runner/release/gocmd"
)

// module is where the go command itself fetches toolchains from; its versions
// are called v0.0.1-go1.26.8.linux-amd64.
const module = "golang.org/toolchain"

const versionPrefix = "v0.0.1-"

func platform() string { return "." + runtime.GOOS + "-" + runtime.GOARCH }

// releaseOf returns the release that a version of the module is, if it is one for this platform.
func releaseOf(moduleVersion string) (string, bool) {
	name, ok := strings.CutPrefix(moduleVersion, versionPrefix)
	if !ok {
		return "", false
	}
	if name, ok = strings.CutSuffix(name, platform()); !ok {
		return "", false
	}
	return name, Minor(name) >= Oldest
}

// fetch makes sure that a release is in the module cache and opens it.
func (s *Store) fetch(ctx context.Context, name string) (Toolchain, error) {
	if dir := s.cachedDir(ctx, name); dir != "" {
		return s.open(ctx, dir)
	}
	if !s.Offline {
		s.tell(Progress{Release: name, Step: Started, Bytes: Estimate(name)})
	}
	dir, size, err := s.download(ctx, name)
	if !s.Offline {
		p := Progress{Release: name, Step: Done, Bytes: size}
		if err != nil {
			p.Step = Failed
		}
		s.tell(p)
	}
	if err != nil {
		return Toolchain{}, unavailableUnlessDone(ctx, name, err)
	}
	return s.open(ctx, dir)
}

func (s *Store) tell(p Progress) {
	if s.Progress == nil {
		return
	}
	s.told.Lock()
	defer s.told.Unlock()
	s.Progress(p)
}

// download lets the go command fetch the module, check it against the checksum
// database and unpack it.
func (s *Store) download(ctx context.Context, name string) (dir string, size int64, err error) {
	out, err := s.goCommand(ctx, "mod", "download", "-json", module+"@"+versionPrefix+name+platform())
	var answer struct{ Dir, Zip, Error string }
	if json.Unmarshal(out, &answer) == nil && answer.Error != "" && ctx.Err() == nil {
		// The same words as on stderr, without the noise of the progress.
		return "", 0, errors.New(answer.Error)
	}
	if err != nil {
		return "", 0, err
	}
	if answer.Dir == "" {
		return "", 0, errors.New("go mod download did not say where it is")
	}
	if info, err := os.Stat(answer.Zip); err == nil {
		size = info.Size()
	}
	return answer.Dir, size, nil
}

// goCommand runs the go command in PATH in an empty folder with the user's own
// environment and stored settings, which say how modules are reached (GOPROXY,
// GOPRIVATE, GOSUMDB, HTTPS_PROXY …). Only what would make it do something
// else is set: no switch of toolchains, no workspace, no flags.
func (s *Store) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	gocommand, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("there is no go command in PATH to fetch it with")
	}
	empty, err := os.MkdirTemp("", "rt0lab-fetch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(empty)
	env := append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod", "GO111MODULE=on", "PWD="+empty)
	if s.Offline {
		env = append(env, "GOPROXY=off")
	}
	return gocmd.Run(ctx, gocmd.Command{Path: gocommand, Args: args, Dir: empty, Env: env})
}

// moduleCache is the user's GOMODCACHE.
func (s *Store) moduleCache(ctx context.Context) string {
	dir, err := s.folders.Do(ctx, "GOMODCACHE", func(ctx context.Context) (string, error) {
		out, err := s.goCommand(ctx, "env", "GOMODCACHE", "GOPATH")
		if err != nil {
			return "", err
		}
		cache, paths, _ := strings.Cut(strings.TrimRight(string(out), "\r\n"), "\n")
		if cache = strings.TrimSpace(cache); cache != "" {
			return cache, nil
		}
		// A go command before 1.15 has no GOMODCACHE.
		if list := filepath.SplitList(strings.TrimSpace(paths)); len(list) > 0 {
			return filepath.Join(list[0], "pkg", "mod"), nil
		}
		return "", nil
	})
	if err != nil || dir == "" {
		// No go command to ask: where it would be by default.
		if dir = os.Getenv("GOMODCACHE"); dir == "" {
			dir = filepath.Join(build.Default.GOPATH, "pkg", "mod")
		}
	}
	return dir
}

// cachedDir is where a release is unpacked in the module cache, "" when it is not, or not wholly.
func (s *Store) cachedDir(ctx context.Context, name string) string {
	cache := s.moduleCache(ctx)
	v := versionPrefix + name + platform()
	// The go command keeps this file while it unpacks.
	if _, err := os.Stat(filepath.Join(cache, "cache", "download", filepath.FromSlash(module), "@v", v+".partial")); err == nil {
		return ""
	}
	dir := filepath.Join(cache, filepath.FromSlash(module)+"@"+v)
	if _, err := os.Stat(filepath.Join(dir, "VERSION")); err != nil {
		return ""
	}
	return dir
}

// cached lists the releases that are unpacked in the module cache, in no order.
func (s *Store) cached(ctx context.Context) []string {
	parent, base := filepath.Split(filepath.FromSlash(module))
	entries, err := os.ReadDir(filepath.Join(s.moduleCache(ctx), parent))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		v, ok := strings.CutPrefix(e.Name(), base+"@")
		if name, is := releaseOf(v); ok && is && s.cachedDir(ctx, name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// inModuleCache reports whether a folder lies below GOMODCACHE.
func (s *Store) inModuleCache(ctx context.Context, dir string) bool {
	cache := s.moduleCache(ctx)
	if real, err := filepath.EvalSymlinks(cache); err == nil {
		cache = real
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	rel, err := filepath.Rel(cache, dir)
	return err == nil && filepath.IsLocal(rel)
}

// makeExecutable gives the programs of a GOROOT the execute permission, which
// module zips do not carry. Several processes may do it at a time: it only ever adds the same bits.
func makeExecutable(root string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	for _, pattern := range []string{filepath.Join("bin", "*"), filepath.Join("pkg", "tool", "*", "*")} {
		// Not Glob over the whole path: the root itself may hold a * or [.
		files, err := fs.Glob(os.DirFS(root), filepath.ToSlash(pattern))
		if err != nil {
			return err
		}
		for _, f := range files {
			path := filepath.Join(root, filepath.FromSlash(f))
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 != 0 {
				continue
			}
			if err := os.Chmod(path, info.Mode().Perm()|0o111); err != nil {
				return fmt.Errorf("its programs cannot be made executable: %w; let their owner do it: chmod +x %s/bin/* %s/pkg/tool/*/*", err, root, root)
			}
		}
	}
	return nil
}

// without returns the environment without the named variables.
func without(env []string, names ...string) []string {
	var out []string
	for _, e := range env {
		key, _, _ := strings.Cut(e, "=")
		drop := false
		for _, n := range names {
			drop = drop || key == n
		}
		if !drop {
			out = append(out, e)
		}
	}
	return out
}
