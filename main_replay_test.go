package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// screenOf is rt0lab in a tmux of its own, of which nobody else knows.
type screenOf struct {
	t      *testing.T
	tmux   string
	socket string
}

// onScreen starts rt0lab with arguments on a terminal of a size.
func onScreen(t *testing.T, width, height int, env []string, args ...string) *screenOf {
	t.Helper()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skipf("needs tmux: %v (apt install tmux)", err)
	}
	rt0lab, err := exec.LookPath("rt0lab") // testscript.Main puts it there
	if err != nil {
		t.Fatal(err)
	}
	s := &screenOf{t: t, tmux: tmux, socket: filepath.Join(t.TempDir(), "tmux")}
	command := "env"
	for _, word := range append(append(env, rt0lab), args...) {
		command += " '" + word + "'"
	}
	s.run("-f", os.DevNull, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh", "-c", command+`; echo "left with $?"; read end`)
	t.Cleanup(func() { _ = exec.Command(tmux, "-S", s.socket, "kill-server").Run() })
	return s
}

func (s *screenOf) run(args ...string) string {
	s.t.Helper()
	out, err := exec.Command(s.tmux, append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// keys presses keys, as tmux names them.
func (s *screenOf) keys(keys ...string) {
	s.t.Helper()
	s.run(append([]string{"send-keys"}, keys...)...)
}

// shows waits until the screen has all texts, each a regular expression, and returns it.
func (s *screenOf) shows(texts ...string) string {
	s.t.Helper()
	const most = 20 * time.Second
	for begin := time.Now(); ; {
		screen := s.run("capture-pane", "-p")
		missing := ""
		for _, text := range texts {
			if !regexp.MustCompile("(?m)" + text).MatchString(screen) {
				missing = text
			}
		}
		if missing == "" {
			return screen
		}
		if time.Since(begin) > most {
			s.t.Fatalf("%q is not on the screen:\n%s", missing, screen)
		}
	}
}

// TestReplayOnScreen walks a boot trace as a person does, by what the screen says.
func TestReplayOnScreen(t *testing.T) {
	t.Parallel()
	s := onScreen(t, 80, 24, []string{"TERM=xterm-256color"}, "replay", "03", "--go", "go1.26.8")
	s.shows(`03-g0 The first stack of g0 · go1\.26\.8 +0/3211$`, `JMP _rt0_amd64`, `\? help  q quit$`)
	s.keys("Right", "Right")
	s.shows(` 2/3211$`, `\*rdi +0000000000000001`)
	s.keys("Left")
	s.shows(` 1/3211$`, `▶ 475860  MOVQ 0\(SP\), DI`)
	s.keys("s")
	s.shows(`^● runtime\.rt0_go: CPUID  \[facts: 7\]$`)
	s.keys("w")
	s.shows(`^who wrote `)
	s.keys("runtime.g0.stack.lo", "Enter")
	s.shows(` 15/3211$`, `^this instruction writes runtime\.g0\.stack\.lo$`, `▶ +198 `)
	s.keys("Tab")
	s.shows(`^\[runtime\.g0\.stack\.lo\] 0x0 → 0x7f`)
	s.keys(":", "runtime.settls", "Enter")
	s.shows(`^runtime\.rt0_go › runtime\.settls$`)
	s.keys("?")
	s.shows(`^u +back to the call that led here$`)
	s.keys("?", "End")
	s.shows(` 3211/3211$`, `runtime\.schedinit is about to begin`)
	s.keys("q")
	s.shows(`^left with 0$`)
}

// TestReplayNarrow is the same on a terminal of 20 columns, in Chinese, ended by Ctrl-C.
func TestReplayNarrow(t *testing.T) {
	t.Parallel()
	s := onScreen(t, 20, 10, []string{"TERM=xterm-256color", "NO_COLOR=1"}, "--lang", "zh", "replay", "05")
	s.shows(`^0/\d+ _rt0_amd64`)
	s.keys("s", "Tab", "Tab", "?", "?", "Down")
	s.shows(`^─ 指令 ─+$`)
	s.run("resize-window", "-x", "9", "-y", "3")
	s.run("resize-window", "-x", "100", "-y", "30")
	s.shows(`^─ sys_linux_amd64\.s:\d+ ─+|^─ asm_amd64\.s:\d+ ─+`, `Tab 面板`)
	if colored := s.run("capture-pane", "-p", "-e"); regexp.MustCompile(`\x1b\[[0-9;]*3[0-7]m`).MatchString(colored) {
		t.Errorf("colours, in spite of NO_COLOR:\n%q", colored)
	}
	s.keys("C-c")
	s.shows(`^left with 0$`)
	// And with colours, where nobody forbids them.
	s = onScreen(t, 80, 24, []string{"TERM=xterm-256color", "NO_COLOR="}, "replay", "05")
	s.shows(`0/\d+$`)
	if colored := s.run("capture-pane", "-p", "-e"); !strings.Contains(colored, "\x1b[36m") && !strings.Contains(colored, "36m") {
		t.Errorf("no colours:\n%q", colored)
	}
	s.keys("q")
	s.shows(`^left with 0$`)
}
