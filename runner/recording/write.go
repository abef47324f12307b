package recording

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// Write puts the recording into the data folder and returns the path of its
// file. A reader sees the old file or the new one, never half of one (Windows
// alone cannot promise that).
func (r *Recording) Write(data string) (path string, err error) {
	path = filepath.Join(data, filepath.FromSlash(r.Path()))
	text, err := r.Encode()
	if err != nil {
		return path, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return path, unwritable(path, err)
	}
	if err := maybe.WriteFile(path, text, 0o644); err != nil {
		return path, unwritable(path, err)
	}
	return path, nil
}

func unwritable(path string, err error) error {
	return fmt.Errorf("write recording %s: %w (--data DIR names a data folder you may write to)", path, err)
}
