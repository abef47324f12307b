package build

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rt0lab/rt0lab/runner/release"
)

// UserOverlay reads a file of the kind that `go build -overlay` takes,
// {"Replace": {"/goroot/src/runtime/proc.go": "/mine/proc.go"}}, into an
// Input.Overlay. An empty path on the right deletes the file. Unlike for the
// go command, all paths must be absolute, so that the answer does not depend on where it is
// run. Errors wrap ErrOverlay.
func UserOverlay(file string) (map[string][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOverlay, err)
	}
	var parsed struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, fmt.Errorf("%w: %s: %w (say %s)", ErrOverlay, file, err, `{"Replace": {"/goroot/src/runtime/proc.go": "/mine/proc.go"}}`)
	}
	if len(parsed.Replace) == 0 {
		return nil, fmt.Errorf("%w: %s replaces nothing (say %s)", ErrOverlay, file, `{"Replace": {"/goroot/src/runtime/proc.go": "/mine/proc.go"}}`)
	}
	overlay := map[string][]byte{}
	for from, to := range parsed.Replace {
		if !filepath.IsAbs(from) || to != "" && !filepath.IsAbs(to) {
			return nil, fmt.Errorf("%w: %s: %q: %q: write absolute paths", ErrOverlay, file, from, to)
		}
		from = filepath.Clean(from)
		if _, twice := overlay[from]; twice {
			return nil, fmt.Errorf("%w: %s: %s is replaced twice", ErrOverlay, file, from)
		}
		overlay[from] = nil
		if to == "" {
			continue
		}
		content, err := os.ReadFile(to)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrOverlay, file, err)
		}
		if content == nil {
			content = []byte{} // an empty file, not a deleted one
		}
		overlay[from] = content
	}
	return overlay, nil
}

// belowSource makes the paths of an overlay relative to GOROOT/src.
func belowSource(tc release.Toolchain, overlay map[string][]byte) (map[string][]byte, error) {
	if len(overlay) == 0 {
		return nil, nil
	}
	src := filepath.Join(tc.GOROOT, "src")
	below := map[string][]byte{}
	for path, content := range overlay {
		rel, ok := relative(src, path)
		if !ok {
			return nil, fmt.Errorf("%w: %s is not below %s", ErrOverlay, path, src)
		}
		if info, err := os.Stat(filepath.Join(src, filepath.FromSlash(rel))); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%w: %s is a folder", ErrOverlay, path)
		}
		below[rel] = content
	}
	return below, nil
}

// relative returns the path below dir, slash-separated. Both may be written
// through symbolic links: /usr/lib/go and /usr/lib/go-1.26 are often the same.
func relative(dir, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		return "", false
	}
	below := func(dir, path string) (string, bool) {
		rel, err := filepath.Rel(dir, path)
		return filepath.ToSlash(rel), err == nil && rel != "." && filepath.IsLocal(rel)
	}
	if rel, ok := below(dir, path); ok {
		return rel, true
	}
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false
	}
	// The file itself may be new.
	realParent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", false
	}
	return below(realDir, filepath.Join(realParent, filepath.Base(path)))
}
