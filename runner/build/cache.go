package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// EnvCache is the environment variable that names another cache folder.
const EnvCache = "RT0LAB_CACHE"

// DefaultDir is the cache folder: $RT0LAB_CACHE, or rt0lab in the user's folder for caches.
func DefaultDir() (string, error) {
	if dir := os.Getenv(EnvCache); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrCache, dir, err)
		}
		return abs, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w (set %s to a folder)", ErrCache, err, EnvCache)
	}
	return filepath.Join(dir, "rt0lab"), nil
}

// marker is a file that says that the folders below are ours to remove.
const marker = ".rt0lab-cache"

// layout is where things are below the cache folder.
type layout struct {
	root     string
	binaries string // <digest>/<fixture>
	gocache  string // GOCACHE of all releases
	gopath   string
	home     string // HOME of the toolchains
	goroots  string // copies with edited files: <key>
	work     string // of running builds: <digest>
	locks    string
}

func layoutOf(root string) layout {
	at := func(name string) string { return filepath.Join(root, name) }
	return layout{
		root: root, binaries: at("bin"), gocache: at("gocache"), gopath: at("gopath"),
		home: at("home"), goroots: at("goroot"), work: at("work"), locks: at("lock"),
	}
}

func (d layout) folders() []string {
	return []string{d.binaries, d.gocache, d.gopath, d.home, d.goroots, d.work, d.locks}
}

// layout makes the cache folder ready, once.
func (b *Builder) layout(ctx context.Context) (layout, error) {
	return b.prepared.Do(ctx, "", func(context.Context) (layout, error) {
		root, err := filepath.Abs(b.CacheDir)
		if err != nil || b.CacheDir == "" {
			return layout{}, fmt.Errorf("%w: no folder given (set %s)", ErrCache, EnvCache)
		}
		d := layoutOf(root)
		if err := d.claim(); err != nil {
			return layout{}, d.failed(err)
		}
		for _, dir := range d.folders() {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return layout{}, d.failed(err)
			}
		}
		if b.GoCache != "" {
			d.gocache = b.GoCache
		}
		return d, d.quiet()
	})
}

// claim marks the folder as a cache of ours. A folder that holds something of
// the same name as our folders is not taken, since Clean would remove it.
func (d layout) claim() error {
	if exists(filepath.Join(d.root, marker)) {
		return nil
	}
	for _, dir := range d.folders() {
		if exists(dir) {
			return fmt.Errorf("%s is there and was not made by rt0lab", dir)
		}
	}
	if err := os.MkdirAll(d.root, 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.root, marker), []byte("Binaries and build caches of rt0lab; `rt0lab clean` removes them.\n"), 0o666)
}

// quiet turns telemetry off in the toolchains' home: since 1.23 a go command
// starts a process now and then that outlives it.
func (d layout) quiet() error {
	for _, config := range []string{filepath.Join(d.home, "config"), filepath.Join(d.home, "Library", "Application Support")} {
		dir := filepath.Join(config, "go", "telemetry")
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return d.failed(err)
		}
		if mode := filepath.Join(dir, "mode"); !exists(mode) {
			if err := os.WriteFile(mode, []byte("off"), 0o666); err != nil {
				return d.failed(err)
			}
		}
	}
	return nil
}

// failed says which folder is in the way and what to do.
func (d layout) failed(err error) error {
	if errors.Is(err, ErrCache) {
		return err
	}
	return fmt.Errorf("%w: %s: %w (set %s to a folder that can be written and has room)", ErrCache, d.root, err, EnvCache)
}

// room is about what a build of the runtime needs while it runs, in bytes.
const room = 32 << 20

// probe reports whether a build's worth of files can still be written.
func (d layout) probe() error {
	f, err := os.CreateTemp(d.work, "probe-")
	if err != nil {
		return d.failed(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, room))
	if err := errors.Join(err, f.Close()); err != nil {
		return d.failed(err)
	}
	return nil
}

// lock keeps other processes from building the same thing. The locks are
// files that stay, so there are only 256 of them: two different builds may wait for each other.
func (d layout) lock(ctx context.Context, digest string) (unlock func(), err error) {
	type locked struct {
		unlock func()
		err    error
	}
	got := make(chan locked, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(d.locks, digest[:2])).Lock()
		got <- locked{unlock, err}
	}()
	select {
	case l := <-got:
		if l.err != nil {
			return nil, d.failed(l.err)
		}
		return l.unlock, nil
	case <-ctx.Done():
		go func() { // the lock cannot be interrupted, only given back
			if l := <-got; l.err == nil {
				l.unlock()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// Clean removes what builds have left below the cache folder, and the folder
// when nothing else is in it. A folder that is no cache of rt0lab is an error, one that is not there
// is clean. No build may be running.
func Clean(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("clean %s: %w", dir, err)
	}
	if !exists(abs) {
		return nil
	}
	d := layoutOf(abs)
	if !exists(filepath.Join(abs, marker)) {
		return fmt.Errorf("clean: %w: %s is not a cache of rt0lab: it has no %s (remove it by hand)", ErrCache, abs, marker)
	}
	for _, folder := range d.folders() {
		if err := removeAll(folder); err != nil {
			return fmt.Errorf("clean %s: %w", abs, err)
		}
	}
	if err := os.Remove(filepath.Join(abs, marker)); err != nil {
		return fmt.Errorf("clean %s: %w", abs, err)
	}
	_ = os.Remove(abs) // stays when somebody else keeps something there
	return nil
}

// removeAll removes a folder also when folders in it may not be written, as in
// Go's module caches. Links are removed, never followed: copied GOROOTs link to the real ones.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// Only folders of ours: a file may be a hard link to one of a module cache.
		if e.IsDir() {
			if info, err := e.Info(); err == nil && info.Mode().Perm()&0o700 != 0o700 {
				return os.Chmod(path, info.Mode().Perm()|0o700)
			}
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// Size returns how many bytes Clean would free, 0 for a folder that is not there.
func Size(dir string) (int64, error) {
	var total int64
	for _, folder := range layoutOf(dir).folders() {
		err := filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a build has just ended
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			info, err := e.Info()
			if err == nil && !isLinked(info) {
				total += info.Size()
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("size of %s: %w", dir, err)
		}
	}
	return total, nil
}
