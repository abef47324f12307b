package startup

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/place"
)

// mostSites is how many inlined bodies of one function get probes: more are
// a function of the daily work, not a milestone.
const mostSites = 8

// open reads a program and refuses what cannot be measured.
func open(path string) (*image.Image, error) {
	img, err := image.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProgram, err)
	}
	if img.Format != image.ELF {
		return nil, fmt.Errorf("%w: %s is in format %s; linux/amd64 has ELF", ErrProgram, path, img.Format)
	}
	if goos, goarch := img.System(); goos != "linux" || goarch != "amd64" {
		return nil, fmt.Errorf("%w: %s is built for %s/%s, and only linux/amd64 can be measured", ErrProgram, path, cmp.Or(goos, "?"), cmp.Or(goarch, "?"))
	}
	if _, ok, err := img.Func("runtime.main"); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrProgram, path, err)
	} else if !ok {
		return nil, fmt.Errorf("%w: %s has no runtime.main: it is not a Go program, or it is packed", ErrProgram, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProgram, err)
	}
	if info.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("%w: %s may not be executed (chmod +x %s)", ErrProgram, path, filepath.Base(path))
	}
	return img, nil
}

// Find places milestones in the program at a path. Those that cannot be placed have a
// Reason. The error wraps ErrProgram.
func Find(path string, milestones []Milestone) ([]Point, error) {
	img, err := open(path)
	if err != nil {
		return nil, err
	}
	r, err := place.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProgram, err)
	}
	places := make([][]place.Place, len(milestones))
	var asked []uint64
	for i, m := range milestones {
		places[i] = placesOf(r, m)
		for _, p := range places[i] {
			asked = append(asked, p.Addrs...)
		}
	}
	choose := ebpf.NewChooser(img, asked)
	points := make([]Point, len(milestones))
	for i, m := range milestones {
		points[i] = point(choose, m, places[i])
	}
	return points, nil
}

// placesOf are the places of a milestone that the binary has, as many as can count; when it has
// none, one that says why.
func placesOf(r *place.Resolver, m Milestone) []place.Place {
	stops := m.Stops
	if len(stops) == 0 {
		stops = []string{m.Name}
	}
	var there []place.Place
	var none place.Place
	for i, stop := range stops {
		p := callOrBeginning(r, m.By, stop)
		if p.State == place.Placed {
			if there = append(there, p); !m.Any && m.Package == "" {
				break
			}
		} else if i == 0 || none.State == place.Absent && p.State == place.Unplaced {
			none = p
		}
	}
	if there == nil {
		there = []place.Place{none}
	}
	return there
}

// callOrBeginning is the place of the only call of a function by another one; the function's own
// when there is no such call, or more than one.
func callOrBeginning(r *place.Resolver, by, function string) place.Place {
	if by != "" {
		call := by + ": CALL " + function
		if p := r.Place(call); p.State == place.Placed && r.Place(call+" #2").State != place.Placed {
			return p
		}
	}
	return r.Place(function)
}

// point takes the first place, or all of them; of a package the first where the probe is cheap.
func point(choose *ebpf.Chooser, m Milestone, places []place.Place) Point {
	at := Point{Milestone: m}
	for _, p := range places {
		found, err := sites(choose, p)
		if m.Any && at.Stop != "" {
			if err == nil {
				at.Sites, at.Reason = append(at.Sites, found...), ""
			}
			continue
		}
		at.Stop, at.Sites, at.Reason = p.Stop, found, ""
		if err != nil {
			at.Reason = err.Error()
		}
		if m.Any {
			continue
		}
		if m.Package == "" || err == nil && !slices.ContainsFunc(found, func(s ebpf.Site) bool { return !s.Cheap }) {
			return at
		}
	}
	if at.Reason == "" && !m.Any {
		at.Sites, at.Reason = nil, "its init functions are straight code, shorter than what a probe there takes: part of the span before"
	}
	return at
}

// sites are where the probes for a place stand, if it can be a milestone.
func sites(choose *ebpf.Chooser, p place.Place) ([]ebpf.Site, error) {
	switch {
	case p.State != place.Placed:
		return nil, fmt.Errorf("%s", p.Reason)
	case p.Exec || len(p.To) > 0:
		return nil, fmt.Errorf("%q is no single place in the file", p.Stop)
	case len(p.Addrs) > mostSites:
		return nil, fmt.Errorf("it is inlined at %d places", len(p.Addrs))
	case p.Hit > 1:
		return nil, fmt.Errorf("%q: a milestone is where something is passed first", p.Stop)
	}
	return choose.Sites(p)
}
