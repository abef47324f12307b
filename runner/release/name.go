package release

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Kind is the kind of a release's name.
type Kind int

// The kinds of names.
const (
	Local  Kind = iota // the go command in PATH
	Exact              // one release: go1.26.8, go1.17, 1.28rc1
	Newest             // the newest patch of a minor: 1.27
	Path               // a GOROOT on this machine
)

// All is the name that Expand replaces by the recorded releases.
const All = "all"

// Spec is a name of a release, understood but not looked up.
type Spec struct {
	Kind  Kind
	Name  string // Exact: "go1.26.8"
	Minor int    // Exact and Newest
	Path  string // Path: absolute
}

var versionName = regexp.MustCompile(`^(go)?1\.(0|[1-9]\d{0,3})(\.(?:0|[1-9]\d{0,3})|(?:rc|beta)[1-9]\d{0,2})?$`)

// Parse understands the name of one release: "local", "go1.26.8" or "1.26.8",
// "1.26" (the newest patch that can be had), or the path of a GOROOT. "go1.17"
// is the release of that name; from 1.21 on, where the first release of a
// minor is called go1.21.0, "go1.21" means the newest patch as well. A folder
// whose name looks like a release is given as "./1.26".
func Parse(name string) (Spec, error) {
	if name == "local" {
		return Spec{Kind: Local}, nil
	}
	if m := versionName.FindStringSubmatch(name); m != nil {
		minor, _ := strconv.Atoi(m[2])
		if minor < Oldest {
			return Spec{}, fmt.Errorf("%w: %q is older than go1.%d, the oldest that rt0lab knows", ErrName, name, Oldest)
		}
		if m[3] == "" && (m[1] == "" || minor >= 21) {
			return Spec{Kind: Newest, Minor: minor}, nil
		}
		canonical := "go1." + m[2] + m[3]
		if minor < 21 {
			canonical = strings.TrimSuffix(canonical, ".0") // go1.17.0 is called go1.17
		}
		return Spec{Kind: Exact, Name: canonical, Minor: minor}, nil
	}
	if isPath(name) {
		abs, err := filepath.Abs(name)
		if err != nil {
			return Spec{}, fmt.Errorf("%w: %q: %w", ErrName, name, err)
		}
		return Spec{Kind: Path, Path: abs}, nil
	}
	return Spec{}, fmt.Errorf("%w: %q (say local, all, a release like go1.26.8, a minor like 1.26 for its newest patch, or the path of a GOROOT)", ErrName, name)
}

// isPath reports whether the name is meant as a path: it has a separator or is a folder.
func isPath(name string) bool {
	if strings.ContainsRune(name, filepath.Separator) || strings.Contains(name, "/") {
		return true
	}
	info, err := os.Stat(name)
	return name != "" && err == nil && info.IsDir()
}

// Expand replaces "all" by the recorded releases and drops what is there
// twice. No names at all mean "local". Every name is checked.
func Expand(names []string, recorded []string) ([]string, error) {
	if len(names) == 0 {
		names = []string{"local"}
	}
	var out []string
	seen := map[string]bool{}
	add := func(name string) error {
		if _, err := Parse(name); err != nil {
			return err
		}
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
		return nil
	}
	for _, name := range names {
		group := []string{name}
		if name == All {
			if len(recorded) == 0 {
				return nil, fmt.Errorf("%w: %q stands for the recorded releases, and there are none (name the releases)", ErrName, All)
			}
			group = recorded
		}
		for _, n := range group {
			if err := add(n); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
