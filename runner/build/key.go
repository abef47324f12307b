package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/release"
)

// keyVersion changes when the way in which things are built does.
const keyVersion = "rt0lab build 1"

// sum is a digest of named parts; the names and lengths keep one part from running into the next.
type sum struct{ hash.Hash }

func newSum() sum { return sum{sha256.New()} }

func (s sum) add(name, value string) { fmt.Fprintf(s, "%s %d %s\n", name, len(value), value) }

// addFiles adds files in the order of their names. A nil content is a deleted file.
func (s sum) addFiles(kind string, files map[string][]byte) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.add(kind, name)
		if files[name] == nil {
			s.add("deleted", "")
			continue
		}
		s.add("content", string(files[name]))
	}
}

// text is the first half of the digest: it is part of paths, which stand in
// the debug information and, as argv[0], on the fixture's stack.
func (s sum) text() string { return hex.EncodeToString(s.Sum(nil)[:16]) }

// key is the digest of everything that goes into the binary.
func (p *plan) key() string {
	s := newSum()
	s.add("version", keyVersion)
	s.add("toolchain", p.identity)
	s.add("language", p.language)
	s.add("fixture", p.setup.Fixture)
	// What few setups have is named only by those: the others' digests stay.
	if p.setup.Tool != "" {
		s.add("tool", p.setup.Tool)
	}
	if p.setup.Gopath != "" {
		s.add("gopath", p.setup.Gopath)
	}
	if p.setup.Making {
		s.add("making", "true")
	}
	if p.setup.Host != "" {
		s.add("host", strings.Join(p.hostArgs("program"), " "))
	}
	s.addFiles("source", p.files)
	s.addFiles("overlay", p.overlay)
	for _, f := range p.flags() {
		s.add("flag", f)
	}
	for _, e := range p.settings() {
		s.add("env", e)
	}
	if p.compiler != nil {
		s.add("compiler", p.compiler.path+"\n"+p.compiler.version)
	}
	return s.text()
}

// mirrorKey is the digest of a copied GOROOT.
func (p *plan) mirrorKey() string {
	s := newSum()
	s.add("version", keyVersion)
	s.add("toolchain", p.identity)
	s.addFiles("overlay", p.overlay)
	return s.text()
}

// identityOf says which toolchain it is: what it calls itself and where it is,
// because paths of GOROOT go into the binary. A toolchain of the module cache does not
// change; of another one, sizes and times of the sources and tools are looked at, so
// that an edited GOROOT is another toolchain.
func (b *Builder) identityOf(ctx context.Context, tc release.Toolchain) (string, error) {
	return b.identity.Do(ctx, tc.GOROOT, func(context.Context) (string, error) {
		s := newSum()
		s.add("name", tc.Name)
		s.add("goroot", tc.GOROOT)
		version, _ := os.ReadFile(filepath.Join(tc.GOROOT, "VERSION")) // a source tree has none
		s.add("version", string(version))
		if tc.ReadOnly {
			return s.text(), nil
		}
		for _, part := range []string{"bin", "pkg/tool", "pkg/include", "src"} {
			if err := s.addStats(filepath.Join(tc.GOROOT, filepath.FromSlash(part))); err != nil {
				return "", fmt.Errorf("look at GOROOT: %w", err)
			}
		}
		return s.text(), nil
	})
}

// addStats adds names, sizes and times of all files that can go into a
// program, and of the tools. Some 6,000 files, 20 ms.
func (s sum) addStats(dir string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // distributions link src to another place
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name := e.Name(); path != dir && (name == "testdata" || name == "cmd" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		s.add("file", fmt.Sprint(path, " ", info.Size(), " ", info.ModTime().UnixNano()))
		return nil
	})
	return err
}
