package screen

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// calm is how long a folder must be quiet until a change is told of: editors write a file in
// several steps.
const calm = 80 * time.Millisecond

// Changes tells when something in the folder was saved, until ctx ends. An error says that the file
// system sends no events or that there are no more watches to be had.
func Changes(ctx context.Context, folder string) (<-chan struct{}, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w (use --manual)", folder, err)
	}
	if err := w.Add(folder); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("watch %s: %w (use --manual)", folder, err)
	}
	told := make(chan struct{}, 1)
	go func() {
		defer close(told)
		defer w.Close()
		quiet := time.NewTimer(time.Hour)
		quiet.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case ev, ok := <-w.Events:
				if !ok {
					return
				}
				if worth(ev) {
					quiet.Reset(calm)
				}
			case _, ok := <-w.Errors: // an overflow: something did change
				if !ok {
					return
				}
				quiet.Reset(calm)
			case <-quiet.C:
				select {
				case told <- struct{}{}:
				default: // it was not asked for yet: one is enough
				}
			}
		}
	}()
	return told, nil
}

// worth reports whether an event may be a work file's: not an editor's own files, not a mere look.
func worth(ev fsnotify.Event) bool {
	name := filepath.Base(ev.Name)
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".old") || strings.HasSuffix(name, ".swp") {
		return false
	}
	return ev.Op != fsnotify.Chmod
}
