package build

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mirror returns a copy of GOROOT with the edited files in it, made once and
// kept in the cache.
//
// Why not `go build -overlay`, which there is since 1.16: it silently ignores
// an edited .h file (the assembler reads the real one); it bakes the absolute path of an
// edited .s file into the Go build cache, where another GOROOT of the same
// release finds it; since 1.25 it refuses files below GOMODCACHE; and a
// debugger that is asked for a line shows the unedited source. A copy has none of
// that, works on every release, and costs milliseconds: folders without an
// edited file are symbolic links, files are hard links. The go command compares contents,
// not times: it sees that its own compiled runtime does not fit any more, and shares
// with all other builds whatever is not edited, since it keeps paths of GOROOT out of what it compiles.
func (b *Builder) mirror(ctx context.Context, d layout, p *plan) (string, error) {
	key := p.mirrorKey()
	return b.mirrors.Do(ctx, key, func(ctx context.Context) (string, error) {
		root := filepath.Join(d.goroots, key)
		if exists(root) {
			return root, nil
		}
		temp, err := os.MkdirTemp(d.work, "goroot-")
		if err != nil {
			return "", d.failed(err)
		}
		defer func() { _ = removeAll(temp) }() // moved away when all went well
		c := copying{from: p.toolchain.GOROOT, to: filepath.Join(temp, "goroot"), edited: p.overlay, open: opened(p.overlay)}
		if err := c.run(ctx); err != nil {
			if ctx.Err() != nil {
				return "", err
			}
			return "", d.failed(err)
		}
		if err := os.Rename(c.to, root); err != nil && !exists(root) {
			return "", d.failed(err)
		}
		return root, nil
	})
}

// opened returns the folders, relative to GOROOT, that cannot be links because
// there is an edited file somewhere below.
func opened(overlay map[string][]byte) map[string]bool {
	open := map[string]bool{".": true}
	for rel := range overlay {
		for dir := path.Dir(path.Join("src", rel)); !open[dir]; dir = path.Dir(dir) {
			open[dir] = true
		}
	}
	return open
}

// copying is the making of one mirror.
type copying struct {
	from, to string
	edited   map[string][]byte // relative to src
	open     map[string]bool
}

func (c copying) run(ctx context.Context) error {
	if err := c.folder(ctx, "."); err != nil {
		return err
	}
	for rel, content := range c.edited {
		if content == nil {
			continue // deleted
		}
		name := filepath.Join(c.to, "src", filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil { // an added package
			return err
		}
		if err := os.WriteFile(name, content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// folder copies one folder, relative to GOROOT.
func (c copying) folder(ctx context.Context, rel string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.to, filepath.FromSlash(rel)), 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(c.from, filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // an edit adds a package
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.entry(ctx, path.Join(rel, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (c copying) entry(ctx context.Context, rel string) error {
	if below, ok := strings.CutPrefix(rel, "src/"); ok {
		if _, edited := c.edited[below]; edited {
			return nil
		}
	}
	from := filepath.Join(c.from, filepath.FromSlash(rel))
	to := filepath.Join(c.to, filepath.FromSlash(rel))
	info, err := os.Stat(from) // distributions have links in GOROOT
	if errors.Is(err, fs.ErrNotExist) {
		return nil // one that leads nowhere
	}
	if err != nil {
		return err
	}
	switch {
	case info.IsDir() && c.open[rel]:
		return c.folder(ctx, rel)
	case info.IsDir():
		if os.Symlink(from, to) == nil {
			return nil
		}
		return c.folder(ctx, rel) // a system that has no links to folders, or not for everybody
	case info.Mode().IsRegular():
		return linkOrCopy(from, to)
	}
	return nil
}

// linkOrCopy gives a file a second name. It must not be a symbolic link: the
// go command does not embed those. Another file system, or a file of another user, needs a copy.
func linkOrCopy(from, to string) error {
	if real, err := filepath.EvalSymlinks(from); err == nil {
		from = real
	}
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
