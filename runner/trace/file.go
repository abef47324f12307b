package trace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2/maybe"
)

// Read reads one trace from a data folder. The error wraps fs.ErrNotExist when
// there is none, ErrDamaged and ErrVersion.
func Read(fsys fs.FS, file string) (*Trace, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read boot trace: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: %w: it is no regular file (remove it and record it again)", file, ErrDamaged)
	}
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read boot trace: %w", err)
	}
	t, err := Decode(file, data)
	if err != nil {
		return nil, err
	}
	if t.Path() != file {
		return nil, fmt.Errorf("read %s: %w: what stands in it belongs into %s", file, ErrDamaged, t.Path())
	}
	return t, nil
}

// ReadFile reads a trace from anywhere on this machine. The error is as Read's.
func ReadFile(file string) (*Trace, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read boot trace: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: %w: it is no regular file", file, ErrDamaged)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read boot trace: %w", err)
	}
	return Decode(file, data)
}

// Releases are those a setup has traces of for a system, unsorted.
func Releases(fsys fs.FS, setup, goos, goarch string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, Dir(setup))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for boot traces of %s: %w", setup, err)
	}
	var list []string
	for _, e := range entries {
		if release, ok := strings.CutSuffix(e.Name(), "-"+goos+"-"+goarch+Extension); ok {
			list = append(list, release)
		}
	}
	return list, nil
}

// Write puts the trace into the data folder and returns the path of its file.
// A reader sees the old file or the new one, never half of one (Windows alone
// cannot promise that).
func (t *Trace) Write(data string) (path string, err error) {
	path = filepath.Join(data, filepath.FromSlash(t.Path()))
	file, err := t.Encode()
	if err != nil {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return path, unwritable(path, err)
	}
	if err := maybe.WriteFile(path, file, 0o644); err != nil {
		return path, unwritable(path, err)
	}
	return path, nil
}

func unwritable(path string, err error) error {
	return fmt.Errorf("write boot trace %s: %w (--data DIR names a data folder you may write to)", path, err)
}
