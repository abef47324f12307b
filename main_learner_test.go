package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// terminal is a shell in tmux, as a learner has it: 80 columns, 24 lines.
type terminal struct {
	t      *testing.T
	socket string
	typed  int
}

func newTerminal(t *testing.T, dir string, env []string, shell ...string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skipf("needs a terminal to type into: %v (apt install tmux)", err)
	}
	term := &terminal{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	cmd := exec.Command("tmux", append([]string{"-S", term.socket, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"}, shell...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(env, "PS1=$ ", "TERM=xterm-256color", "LANG=C.UTF-8", "ENV=")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("needs a terminal to type into: tmux: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", term.socket, "kill-server").Run() })
	term.tmux("set-option", "-g", "history-limit", "100000")
	return term
}

func (term *terminal) tmux(args ...string) string {
	term.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...).CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// run types a command, waits for its end and returns what stands on the screen and above it; lines that
// the terminal had to break are whole again.
func (term *terminal) run(command string) string {
	term.t.Helper()
	term.typed++
	mark := fmt.Sprintf("end-%d", term.typed)
	term.tmux("send-keys", "-l", "clear; "+command+"; echo "+mark+"; tmux -S "+term.socket+" wait-for -S "+mark+"\n")
	term.tmux("wait-for", mark)
	shown := term.tmux("capture-pane", "-p", "-J", "-S", "-")
	term.tmux("clear-history")
	shown, _, _ = strings.Cut(shown, "\n"+mark)
	return shown
}

var (
	nextTask  = regexp.MustCompile(`(?m)^(\d\d-\S+) · (\S+) · `)
	workFiles = regexp.MustCompile(`(?m)^write in: (.*?) *$`)
	solution  = regexp.MustCompile(`(?m)^(\S+):\n\n((?:    .*\n|\n)+)`)
)

// TestLearner goes through all labs in a terminal by following only what the screen says: the next
// exercise, its work file, the solution that is shown when it is asked for twice, the check.
func TestLearner(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts rt0lab hundreds of times; run without -short")
	}
	for _, tt := range []struct {
		name, lang, flags string
		most              int // exercises; 0 = all there are
		shell             []string
	}{
		{"recordings only", "en", "--recorded", 0, []string{"sh"}},
		{"no right to trace, a release that no lesson names", "zh", "--go go1.19.13", 0, []string{"noptrace", "sh"}},
		{"live", "en", "", 12, []string{"sh"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "live" && !mayTrace() {
				t.Skip("needs the right to trace: see rt0lab doctor")
			}
			if wrapper := tt.shell[0]; wrapper != "sh" && !wraps(wrapper) {
				t.Skipf("needs a kernel that lets %s take rights away", wrapper)
			}
			dir := t.TempDir()
			term := newTerminal(t, dir, append(environment(t), "RT0LAB_LANG="+tt.lang), tt.shell...)
			passed := map[string]bool{}
			for tt.most == 0 || len(passed) < tt.most {
				shown := term.run("rt0lab next " + tt.flags)
				task := nextTask.FindStringSubmatch(shown)
				if task == nil {
					break // it says that all is done
				}
				if passed[task[2]] {
					t.Fatalf("%s is next again, and was passed:\n%s", task[2], shown)
				}
				if err := do(term, dir, task[2], shown, tt.flags); err != nil {
					t.Fatalf("%s: %v", task[2], err)
				}
				passed[task[2]] = true
			}
			list := term.run("rt0lab list " + tt.flags)
			if tt.most == 0 {
				for line := range strings.Lines(list) {
					done := regexp.MustCompile(`(\d+)/(\d+) (?:exercises|道练习)(.*)`).FindStringSubmatch(line)
					if done == nil || done[1] == "0" || done[1] != done[2] && !strings.ContainsAny(done[3], "0123456789") {
						t.Errorf("not done: %s", line)
					}
				}
			}
			t.Logf("%d exercises were passed", len(passed))
		})
	}
}

// do passes one exercise: first it fails as a learner does who guesses, then it writes what the solution says.
func do(term *terminal, dir, id, task, flags string) error {
	files := workFiles.FindStringSubmatch(task)
	if files == nil {
		files = regexp.MustCompile(`(?m)^写在：(.*?) *$`).FindStringSubmatch(task)
	}
	if files == nil {
		return fmt.Errorf("the screen does not say where to write:\n%s", task)
	}
	if shown := term.run("rt0lab check " + id + " " + flags); strings.Contains(shown, "✓ "+id) {
		return fmt.Errorf("it passes as it is shipped:\n%s", shown)
	}
	term.run("rt0lab solution " + id + " " + flags)
	shown := term.run("rt0lab solution " + id + " " + flags)
	found := solution.FindStringSubmatch(shown)
	if found == nil {
		return fmt.Errorf("no solution is shown when it is asked for twice:\n%s", shown)
	}
	file := ""
	for _, f := range strings.Split(files[1], ", ") {
		if filepath.Base(f) == found[1] {
			file = filepath.Join(dir, f)
		}
	}
	if file == "" {
		return fmt.Errorf("the solution is one for %s, the task says %s", found[1], files[1])
	}
	if err := put(file, id, found[2]); err != nil {
		return err
	}
	if shown := term.run("rt0lab check " + id + " " + flags); !strings.Contains(shown, "✓ "+id) {
		return fmt.Errorf("it does not pass with its solution:\n%s", shown)
	}
	return nil
}

// put writes a solution as it is shown, indented by four, into a work file: an answer behind its
// exercise's name, everything else as the whole file.
func put(file, id, shown string) error {
	var text strings.Builder
	for line := range strings.Lines(shown) {
		text.WriteString(strings.TrimRight(strings.TrimPrefix(line, "    "), " \n") + "\n")
	}
	if filepath.Base(file) != "answers.txt" {
		return os.WriteFile(file, []byte(text.String()), 0o666)
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	answer, _, _ := strings.Cut(text.String(), "\n")
	if !strings.HasPrefix(answer, id+": ") || !strings.Contains(string(old), "\n"+id+":\n") {
		return errors.New("no line for this answer: " + answer)
	}
	return os.WriteFile(file, []byte(strings.Replace(string(old), "\n"+id+":\n", "\n"+answer+"\n", 1)), 0o666)
}
