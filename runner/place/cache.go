package place

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// cacheVersion belongs to the answers the resolver gives: raise it when the
// same stop of the same binary may get another place.
const cacheVersion = 2

// maxCache bounds what is read back; a file of thousands of stops stays far below.
const maxCache = 16 << 20

// cacheFile is what Cached keeps of one binary.
type cacheFile struct {
	Version int     `json:"version"`
	Digest  string  `json:"digest"` // of the binary the places are of
	Places  []Place `json:"places"` // in the order in which they were asked for
}

// Cached is Open and Places with a memory: places are kept in dir, in a file
// named after digest, which must change when the binary does. What the file
// lacks is resolved and added. A file that is damaged, of another version or
// of another digest is not used and is replaced; that it cannot be written
// costs the next caller time and is no error. Safe for concurrent use, also by
// several processes: the last writer wins.
func Cached(dir, binary, digest string, stops []string) ([]Place, error) {
	file := filepath.Join(dir, digest+".places.json")
	known, err := readCache(file, digest)
	if err != nil {
		known = cacheFile{Version: cacheVersion, Digest: digest}
	}
	byStop := make(map[string]Place, len(known.Places))
	for _, p := range known.Places {
		byStop[p.Stop] = p
	}
	var missing []string
	for _, s := range stops {
		if _, ok := byStop[s]; !ok {
			missing = append(missing, s)
		}
	}
	var failed error
	if len(missing) > 0 {
		r, err := Open(binary)
		if err != nil {
			return nil, err
		}
		places, err := r.Places(missing)
		failed = err
		for _, p := range places {
			if _, ok := byStop[p.Stop]; ok {
				continue // asked for twice
			}
			byStop[p.Stop] = p
			if _, err := ParseStop(p.Stop); err == nil {
				known.Places = append(known.Places, p)
			}
		}
		if data, err := json.Marshal(known); err == nil {
			_ = maybe.WriteFile(file, data, 0o644)
		}
	}
	out := make([]Place, len(stops))
	for i, s := range stops {
		out[i] = byStop[s]
	}
	return out, failed
}

var errCache = errors.New("not the places of this binary")

func readCache(file, digest string) (cacheFile, error) {
	f, err := os.Open(file)
	if err != nil {
		return cacheFile{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCache+1))
	if err != nil {
		return cacheFile{}, err
	}
	return parseCache(data, digest)
}

// parseCache reads strictly: one doubt, and the binary is asked again.
func parseCache(data []byte, digest string) (cacheFile, error) {
	if len(data) > maxCache {
		return cacheFile{}, fmt.Errorf("%w: too long", errCache)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c cacheFile
	if err := dec.Decode(&c); err != nil {
		return cacheFile{}, fmt.Errorf("%w: %w", errCache, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return cacheFile{}, fmt.Errorf("%w: something behind its end", errCache)
	}
	if c.Version != cacheVersion || c.Digest != digest {
		return cacheFile{}, fmt.Errorf("%w: version %d of %q", errCache, c.Version, c.Digest)
	}
	seen := map[string]bool{}
	for _, p := range c.Places {
		if err := p.check(); err != nil {
			return cacheFile{}, fmt.Errorf("%w: %q: %w", errCache, p.Stop, err)
		}
		if seen[p.Stop] {
			return cacheFile{}, fmt.Errorf("%w: %q stands there twice", errCache, p.Stop)
		}
		seen[p.Stop] = true
	}
	return c, nil
}

// check holds a place that was read against its own stop.
func (p Place) check() error {
	s, err := ParseStop(p.Stop)
	if err != nil {
		return err
	}
	found, ends := len(p.Addrs) > 0 || p.Exec, len(p.To) > 0
	switch {
	case p.Hit != s.Hit || p.AnyThread != s.AnyThread:
		return errors.New("is not what its stop says")
	case p.State == Placed:
		if !found || (p.Exec && len(p.Addrs) > 0) || p.Exec != (s.Kind == Exec) || ends != (s.To != nil) || p.Reason != "" {
			return errors.New("placed, but not as its stop says")
		}
	case p.State == Absent || p.State == Unplaced:
		if found || ends || p.Reason == "" {
			return errors.New("not placed, but with addresses or without a reason")
		}
	default:
		return fmt.Errorf("unknown state %q", p.State)
	}
	return nil
}
