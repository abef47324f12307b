//go:build unix

package gocmd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"./main.go:3: undefined: x\n":                       "./main.go:3: undefined: x",
		"\x1b[1m\x1b[31merror:\x1b[0m no\x1b[K":             "error: no",
		"\x1b]0;title\x07text":                              "text",
		"\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x07": "link",
		"a\r\nb\tc\x07\x00d\x1b":                            "a\nb\tcd",
		"bad \xff utf-8 and 汉字":                             "bad ? utf-8 and 汉字",
		"c1 \u009b31m":                                      "c1 31m",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q; want %q", in, got, want)
		}
	}
}

func sh(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	out, err := Run(t.Context(), sh("echo out; echo noise >&2"))
	if err != nil || string(out) != "out\n" {
		t.Errorf("Run = %q, %v; want stdout alone", out, err)
	}
	out, err = Run(t.Context(), sh("echo out; printf '\\033[31mwhy\\033[0m\\n' >&2; exit 3"))
	var failed *Error
	var exit *exec.ExitError
	if !errors.As(err, &failed) || failed.Says != "why" || !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != "out\n" {
		t.Errorf("Run = %q, %v; want what it wrote, and an Error that says why", out, err)
	}
	_, err = Run(t.Context(), sh("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"))
	if !errors.As(err, &failed) || len(failed.Says) > keep+100 || !strings.HasPrefix(failed.Says, "line 0\n") || !strings.HasSuffix(failed.Says, "more bytes)") {
		t.Errorf("a long complaint is kept with %d bytes", len(failed.Says))
	}
	_, err = Run(t.Context(), Command{Path: filepath.Join(t.TempDir(), "none")})
	if !errors.As(err, &failed) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run of nothing: %v", err)
	}
}

// A child that ignores polite signals and is not the command itself dies, too.
func TestRunKillsTheGroup(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	done := make(chan error)
	go func() {
		_, err := Run(ctx, sh("(trap '' TERM INT HUP; exec 3>"+pipe+"; echo up >&3; while :; do sleep 100; done) & wait"))
		done <- err
	}()
	f, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	child := bufio.NewReader(f)
	if line, err := child.ReadString('\n'); line != "up\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) {
		t.Errorf("Run: %v; want %v", err, reason)
	}
	// The pipe ends when nobody holds it open any more.
	if rest, err := io.ReadAll(child); err != nil || len(rest) > 0 {
		t.Errorf("the child said %q, %v", rest, err)
	}
}
