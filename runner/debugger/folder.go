package debugger

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rt0lab/rt0lab/runner/observe/room"
)

// old is before every program.
var old = time.Unix(1, 0)

// layDown writes files into a folder of their own, under the names that a build gives them.
func layDown(files fs.FS) (dir string, remove func(), err error) {
	private, err := room.New("debug")
	if err != nil {
		return "", nil, err
	}
	dir, remove = private.Path, private.Remove
	err = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimSuffix(name, ".txt")))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return err
		}
		return os.Chtimes(to, time.Time{}, old) // gdb warns of a source that is newer than the program
	})
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("lay down the sources of the program: %w", err)
	}
	return dir, remove, nil
}
