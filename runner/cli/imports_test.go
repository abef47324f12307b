package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rt0lab/rt0lab/"

// rooms in the order of the data: a package imports only what stands before
// its own room. A room is a folder of runner with all below it, or ebpf beside runner.
var rooms = []string{
	"fact", "insn", "release", "lab", "image", "place", "build", "ebpf", "ebpf/startup", "observe", "debugger",
	"observe/static", "observe/delve", "observe/gdb", "observe/uprobe",
	"judge", "lint", "recording", "trace", "replay", "report", "verify", "mutant", "newpost", "course", "cli",
}

// rights are what only some rooms may reach for; a name that ends with / stands for all below.
var rights = []struct {
	what  string
	rooms []string
}{
	{"os/exec", []string{"release", "build", "debugger", "observe/delve", "observe/gdb", "observe/uprobe", "ebpf", "ebpf/startup", "cli"}},
	{"os", []string{"release", "build", "image", "place", "recording", "trace", "mutant", "newpost", "course", "debugger", "observe/room", "observe/delve", "observe/gdb", "observe/uprobe", "ebpf", "ebpf/startup", "cli", "lab/schemagen"}},
	{"os/signal", []string{"cli", "ebpf", "debugger", "observe/delve"}},
	{"golang.org/x/sys/", []string{"debugger", "observe/delve", "observe/gdb", "observe/uprobe", "ebpf", "build", "release", "trace/step"}},
	{"github.com/go-delve/", []string{"observe/delve"}},
	{"github.com/cilium/", []string{"ebpf"}},
	{"github.com/urfave/", []string{"cli"}},
	{"charm.land/", []string{"course/screen", "replay/screen"}},
}

// TestImports holds the one direction of the data, that judge and lab are pure, and that only cli knows
// concrete witnesses.
func TestImports(t *testing.T) {
	t.Parallel()
	imports := packages(t)
	if len(imports) < 15 {
		t.Fatalf("looked at %d packages only; has the module another name?", len(imports))
	}
	for pkg, list := range imports {
		room, known := roomOf(pkg)
		if !known {
			t.Errorf("%s has no place in the order of the rooms: give it one here and in docs/architecture.md", pkg)
			continue
		}
		for _, to := range list {
			if other, ours := local(to); ours {
				if wrong := against(room, other); wrong != "" {
					t.Errorf("%s imports %s: %s", pkg, other, wrong)
				}
			}
			for _, r := range rights {
				if (to == r.what || strings.HasSuffix(r.what, "/") && strings.HasPrefix(to, r.what)) &&
					!slices.Contains(r.rooms, room) && !slices.Contains(r.rooms, pkg) {
					t.Errorf("%s imports %s, which is for %s", pkg, to, strings.Join(r.rooms, ", "))
				}
			}
		}
	}
	for _, pure := range []string{"judge", "lab"} {
		for pkg := range closure(imports, pure) {
			for _, to := range imports[pkg] {
				if to == "os/exec" || to == "syscall" || strings.HasPrefix(to, "golang.org/x/sys/") ||
					strings.HasPrefix(to, "github.com/go-delve/") || strings.HasPrefix(to, "github.com/cilium/") {
					t.Errorf("%s needs %s, which imports %s", pure, pkg, to)
				}
			}
		}
	}
}

// TestArchitecture holds the table of the architecture page against the rooms there are, in their order.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	var told, there []string
	for line := range strings.Lines(string(page)) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			room, _, _ := strings.Cut(cell, "`")
			told = append(told, strings.TrimPrefix(room, "runner/"))
		}
	}
	for _, room := range rooms {
		for _, above := range []string{"..", filepath.Join("..", "..")} {
			if _, err := os.Stat(filepath.Join(above, filepath.FromSlash(room))); err == nil {
				there = append(there, room)
				break
			}
		}
	}
	if !slices.Equal(told, there) || len(there) == 0 {
		t.Errorf("docs/architecture.md tells of %v\nthere are         %v", told, there)
	}
}

func TestAgainst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		wrong    bool
	}{
		{"cli", "observe/gdb", false}, {"verify", "observe/gdb", true}, {"verify", "observe", false},
		{"judge", "verify", true}, {"lab", "lab/form", false}, {"fact", "lab", true}, {"observe/gdb", "observe/delve", true},
	} {
		if got := against(test.from, test.to); (got != "") != test.wrong {
			t.Errorf("%s imports %s: %q", test.from, test.to, got)
		}
	}
}

// against says what is wrong with an import, "" when nothing is.
func against(room, other string) string {
	to, _ := roomOf(other)
	switch {
	case to == room:
		return ""
	case strings.HasPrefix(to, "observe/") && room != "cli":
		return "only cli knows concrete witnesses"
	case slices.Index(rooms, to) >= slices.Index(rooms, room):
		return "it is a room further down the way of the data"
	}
	return ""
}

func roomOf(pkg string) (room string, known bool) {
	for _, r := range rooms {
		if (pkg == r || strings.HasPrefix(pkg, r+"/")) && len(r) > len(room) {
			room = r
		}
	}
	return room, room != ""
}

// local cuts what all rooms have in common off the path of a package.
func local(pkg string) (room string, ours bool) {
	room, ours = strings.CutPrefix(pkg, module)
	return strings.TrimPrefix(room, "runner/"), ours
}

// packages are those of the rooms with what they import, tests aside.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"runner/...", module+"ebpf/...").Output()
	if err != nil {
		t.Skipf("needs the go command in PATH: %v", err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pkg, _ := local(f[0])
		imports[pkg] = f[1:]
	}
	return imports
}

func closure(imports map[string][]string, from string) map[string]bool {
	seen := map[string]bool{from: true}
	for next := []string{from}; len(next) > 0; next = next[1:] {
		for _, to := range imports[next[0]] {
			if pkg, ours := local(to); ours && !seen[pkg] {
				seen[pkg] = true
				next = append(next, pkg)
			}
		}
	}
	return seen
}

// TestOtherSystems builds the whole program for systems that have no ptrace of
// Linux: list, show, matrix, lint and the static witness work there.
func TestOtherSystems(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles everything for two more systems; run without -short")
	}
	for _, system := range []string{"darwin/amd64", "windows/amd64", "linux/arm64"} {
		t.Run(system, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(system, "/")
			cmd := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "rt0lab"), module[:len(module)-1])
			cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
