package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/lab"
)

// folder is one place that data come from.
type folder struct {
	dir   string // "" for the embedded data
	files fs.FS
}

// layers opens a file in the first folder that has it. No two folders have the
// same lab, subject or fixture: data and openFolders see to that.
type layers []folder

func (l layers) Open(name string) (file fs.File, err error) {
	for _, f := range l {
		if file, err = f.files.Open(name); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return file, err
}

// of returns the folder that has the file; the first one for a file that none has.
func (l layers) of(name string) folder {
	for _, f := range l {
		if _, err := fs.Stat(f.files, name); err == nil {
			return f
		}
	}
	return l[0]
}

// openFolders opens what --data and --with name. Two folders must not have a fixture
// of the same name: a claim would be judged on another program than its author meant.
func (s *session) openFolders(with []string) error {
	s.files = layers{{dir: s.dir, files: s.embedded}}
	if s.dir != "" {
		if !isFolder(filepath.Join(s.dir, "labs")) {
			return fmt.Errorf("%w: --data %s: no folder labs in it; give the folder that holds labs, fixtures and scripts", errUsage, s.dir)
		}
		s.files[0].files = os.DirFS(s.dir)
	}
	for _, dir := range with {
		if !isFolder(filepath.Join(dir, "labs")) && !isFolder(filepath.Join(dir, "scripts")) {
			return fmt.Errorf("%w: --with %s: neither labs nor scripts in it; rt0lab new post NAME makes a folder to begin with", errUsage, dir)
		}
		own := os.DirFS(dir)
		fixtures, err := fs.ReadDir(own, "fixtures")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--with %s: %w", dir, err)
		}
		for _, e := range fixtures {
			if _, err := fs.Stat(s.files, "fixtures/"+e.Name()); err == nil {
				return fmt.Errorf("%w: --with %s: there is a fixture %q already; give yours another name", errUsage, dir, e.Name())
			}
		}
		s.files = append(s.files, folder{dir, own})
	}
	return nil
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// merged reads all folders and joins what is wrong in any of them.
func (s *session) merged() (*lab.Data, error) {
	all, err := lab.Load(s.files[0].files)
	for _, f := range s.files[1:] {
		own, wrong := lab.Load(f.files)
		both, twice := lab.Merge(all, own)
		all, err = both, errors.Join(err, f.named(wrong), f.named(twice))
	}
	missing := lab.Check(all)
	for _, f := range s.files[1:] {
		missing = f.named(missing)
	}
	return all, errors.Join(err, missing)
}

// named makes errors in files that f has call them as the user does.
func (f folder) named(err error) error {
	for _, e := range lab.DataErrors(err) {
		if _, err := fs.Stat(f.files, e.File); err == nil {
			e.File = filepath.Join(f.dir, e.File)
		}
	}
	return err
}

// trust makes sure that the user knows that the scripts of --with folders are
// programs, before any of them runs: each folder is asked for once and then
// remembered by its path. It is the path that is trusted, not the content:
// authors edit their scripts all the time.
func (s *session) trust() error {
	var dirs []string
	for _, f := range s.files[1:] {
		dir, err := filepath.Abs(f.dir)
		if err != nil {
			return fmt.Errorf("--with %s: %w", f.dir, err)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		dirs = append(dirs, dir)
	}
	known, file := trusted()
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return slices.Contains(known, dir) })
	if len(dirs) == 0 {
		return nil
	}
	for _, dir := range dirs {
		if !s.trustAll && !s.asks(fmt.Sprintf("The scripts in %s are programs and can do whatever you can. Run them? [y/N] ", dir)) {
			return fmt.Errorf("%w: --with %s: its scripts are programs and can do whatever you can; look at them, then say --trust once", errUsage, dir)
		}
	}
	if file == "" {
		return nil // nowhere to remember it: asked again next time
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("remember that %s is trusted: %w", strings.Join(dirs, ", "), err)
	}
	text := strings.Join(append(known, dirs...), "\n") + "\n"
	if err := maybe.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("remember that %s is trusted: %w", strings.Join(dirs, ", "), err)
	}
	return nil
}

// trusted are the folders that were agreed to, and the file that says so; file
// is "" where the user has no folder for configuration.
func trusted() (dirs []string, file string) {
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, ""
	}
	file = filepath.Join(config, "rt0lab", "trusted")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, file // not there yet; what cannot be read is asked for again
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			dirs = append(dirs, line)
		}
	}
	return dirs, file
}

// asks puts a question to the user; no terminal means no.
func (s *session) asks(question string) bool {
	in, ok := s.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return false
	}
	fmt.Fprint(s.stderr, question)
	answer, _ := bufio.NewReader(in).ReadString('\n') // an end of input is a no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
