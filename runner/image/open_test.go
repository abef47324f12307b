package image

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

// Not parallel: other tests would push its image out.
func TestOpenShares(t *testing.T) {
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	images := make([]*Image, 8)
	var all sync.WaitGroup
	for i := range images {
		all.Go(func() {
			im, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			poke(im) // with -race: everything may be used by several at once
			images[i] = im
		})
	}
	all.Wait()
	for _, im := range images {
		if im != images[0] {
			t.Error("the same file was read twice")
		}
	}
}

func TestOpenChanged(t *testing.T) {
	t.Parallel()
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	old, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Bytes(old.Entry, 4); !errors.Is(err, ErrChanged) {
		t.Errorf("read of a replaced file: %v, want %v", err, ErrChanged)
	}
	again, err := Open(path)
	if err != nil || again == old {
		t.Errorf("opened again: the same image %v, %v", again == old, err)
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened when it is gone: %v", err)
	}
}

// Not parallel: it pushes the images of others out.
func TestOpenForgets(t *testing.T) {
	path := buildtest.Hello(t, "local")
	for range keep + 4 {
		if _, err := Open(buildtest.Copy(t, path)); err != nil {
			t.Fatal(err)
		}
	}
	opened.Lock()
	defer opened.Unlock()
	if n := len(opened.images); n > keep {
		t.Errorf("%d images are kept, at most %d may be", n, keep)
	}
}
