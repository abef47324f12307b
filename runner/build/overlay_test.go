package build

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/release"
)

func TestUserOverlay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine, empty := filepath.Join(dir, "mine.go"), filepath.Join(dir, "empty.go")
	put(t, mine, "package runtime\n")
	put(t, empty, "")
	goroot := filepath.Join(dir, "go")
	proc := filepath.Join(goroot, "src", "runtime", "proc.go")
	write := func(t *testing.T, content any) string {
		t.Helper()
		text, ok := content.(string)
		if !ok {
			raw, err := json.Marshal(map[string]any{"Replace": content})
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		file := filepath.Join(t.TempDir(), "overlay.json")
		put(t, file, text)
		return file
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		got, err := UserOverlay(write(t, map[string]string{proc: mine, proc + "x": "", proc + "y": empty}))
		if err != nil || len(got) != 3 || string(got[proc]) != "package runtime\n" || got[proc+"x"] != nil || got[proc+"y"] == nil {
			t.Errorf("UserOverlay = %q, %v", got, err)
		}
	})
	bad := map[string]struct {
		content any
		says    string
	}{
		"no JSON":        {"runtime/proc.go", "invalid character"},
		"other JSON":     {`["a"]`, "Replace"},
		"nothing":        {`{"replaced": {}}`, "replaces nothing"},
		"relative":       {map[string]string{"src/runtime/proc.go": mine}, "absolute"},
		"relative right": {map[string]string{proc: "mine.go"}, "absolute"},
		"not there":      {map[string]string{proc: mine + "x"}, mine + "x"},
		"a folder":       {map[string]string{proc: dir}, dir},
		"twice":          {map[string]string{proc: mine, filepath.Dir(proc) + "/./proc.go": mine}, "twice"},
	}
	for name, tt := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := UserOverlay(write(t, tt.content))
			if !errors.Is(err, ErrOverlay) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("UserOverlay = %q, %v; want ErrOverlay that says %q", got, err, tt.says)
			}
		})
	}
	if _, err := UserOverlay(filepath.Join(dir, "none.json")); !errors.Is(err, ErrOverlay) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
}

func TestBelowSource(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "go1.26")
	put(t, filepath.Join(root, "src", "runtime", "proc.go"), "")
	link := filepath.Join(t.TempDir(), "go")
	if err := os.Symlink(root, link); err != nil {
		t.Skip("no symbolic links here")
	}
	for _, tt := range []struct {
		goroot, path, want string // want "" = refused
	}{
		{root, filepath.Join(root, "src", "runtime", "proc.go"), "runtime/proc.go"},
		{root, filepath.Join(link, "src", "runtime", "proc.go"), "runtime/proc.go"},
		{link, filepath.Join(root, "src", "runtime", "new.go"), "runtime/new.go"},
		{root, filepath.Join(root, "src", "new", "new.go"), "new/new.go"},
		{root, filepath.Join(root, "src", "runtime"), ""},
		{root, filepath.Join(root, "src"), ""},
		{root, filepath.Join(root, "pkg", "include", "textflag.h"), ""},
		{root, filepath.Join(root, "src", "..", "VERSION"), ""},
		{root, filepath.Join(root+"x", "src", "runtime", "proc.go"), ""},
		{root, "src/runtime/proc.go", ""},
	} {
		got, err := belowSource(release.Toolchain{GOROOT: tt.goroot}, map[string][]byte{tt.path: nil})
		_, ok := got[tt.want]
		if tt.want != "" && (err != nil || !ok) || tt.want == "" && !errors.Is(err, ErrOverlay) {
			t.Errorf("%s in %s: %q, %v; want %q", tt.path, tt.goroot, got, err, tt.want)
		}
	}
}

// Files beside an edited one are files, not symbolic links: the go command
// embeds no links. Folders beside it are links: they are too large to copy.
func TestMirrorLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, f := range []string{"VERSION", "bin/go", "src/fmt/print.go", "src/runtime/proc.go", "src/runtime/table.bin", "src/runtime/pprof/pprof.go"} {
		put(t, filepath.Join(root, filepath.FromSlash(f)), f)
	}
	if err := os.Symlink("proc.go", filepath.Join(root, "src", "runtime", "link.go")); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "src", "runtime", "dangling.go")); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	overlay := map[string][]byte{"runtime/proc.go": []byte("edited"), "added/a.go": []byte("added")}
	if err := (copying{from: root, to: to, edited: overlay, open: opened(overlay)}).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		link bool
		text string
	}{
		"VERSION": {false, "VERSION"}, "bin": {true, ""}, "src": {false, ""}, "src/fmt": {true, ""},
		"src/runtime": {false, ""}, "src/runtime/pprof": {true, ""}, "src/runtime/table.bin": {false, "src/runtime/table.bin"},
		"src/runtime/proc.go": {false, "edited"}, "src/runtime/link.go": {false, "src/runtime/proc.go"}, "src/added/a.go": {false, "added"},
	} {
		path := filepath.Join(to, filepath.FromSlash(name))
		info, err := os.Lstat(path)
		if err != nil || (info.Mode()&os.ModeSymlink != 0) != want.link {
			t.Errorf("%s: %v, %v; want a link: %v", name, info, err, want.link)
			continue
		}
		if want.text != "" && string(read(t, path)) != want.text {
			t.Errorf("%s holds %q; want %q", name, read(t, path), want.text)
		}
	}
	if string(read(t, filepath.Join(root, "src", "runtime", "proc.go"))) != "src/runtime/proc.go" {
		t.Error("the original was edited")
	}
}
