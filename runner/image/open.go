package image

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// keep is how many images stay read: a run looks at few binaries at a time.
const keep = 16

var opened struct {
	sync.Mutex
	images []*cached // the most recently used last
}

type cached struct {
	file *file
	load func() (*Image, error)
}

// Open reads the executable at a path. All callers in this process share what
// was read, as long as the file is the same (its identity, size and time).
func Open(path string) (*Image, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open executable %s: %w: not a regular file", abs, ErrFormat)
	}
	c := find(abs, info)
	im, err := c.load()
	if err != nil {
		drop(c) // the reason may be gone next time
		return nil, fmt.Errorf("open executable %s: %w", abs, err)
	}
	return im, nil
}

func find(path string, info fs.FileInfo) *cached {
	opened.Lock()
	defer opened.Unlock()
	for i, c := range opened.images {
		if c.file.path == path {
			opened.images = slices.Delete(opened.images, i, i+1)
			if c.file.is(info) {
				opened.images = append(opened.images, c)
				return c
			}
			break
		}
	}
	f := &file{path: path, info: info, size: info.Size(), time: info.ModTime()}
	c := &cached{file: f, load: sync.OnceValues(func() (*Image, error) {
		im, err := New(f, f.size)
		if err != nil {
			return nil, err
		}
		im.Path = path
		return im, nil
	})}
	opened.images = append(opened.images, c)
	if len(opened.images) > keep {
		opened.images = slices.Delete(opened.images, 0, 1)
	}
	return c
}

func drop(c *cached) {
	opened.Lock()
	defer opened.Unlock()
	opened.images = slices.DeleteFunc(opened.images, func(o *cached) bool { return o == c })
}

// file reads a file without keeping it open: an image may outlive its file,
// and systems other than Unix cannot remove a file that somebody has open.
type file struct {
	path string
	info fs.FileInfo
	size int64
	time time.Time
}

func (f *file) is(info fs.FileInfo) bool {
	return os.SameFile(f.info, info) && f.size == info.Size() && f.time.Equal(info.ModTime())
}

// ReadAt opens the file for one read. The error wraps ErrChanged when it is
// not the file any more that was opened first.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	h, err := os.Open(f.path)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return 0, err
	}
	if !f.is(info) {
		return 0, fmt.Errorf("%w: %s", ErrChanged, f.path)
	}
	return h.ReadAt(b, off)
}
