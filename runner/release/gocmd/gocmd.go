// Package gocmd runs a go command of any release and leaves no process behind,
// also when it hangs and the context ends.
package gocmd

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	// wait is how long the pipes of a killed command may stay open.
	wait = 2 * time.Second
	// dying is how long the rest of its group may take to be gone. Killed processes end within
	// milliseconds; in a container whose first process reaps late they stay as zombies, which do no harm.
	dying = 500 * time.Millisecond
)

// keep bounds what is kept of what a command says on stderr, in bytes.
const keep = 8 << 10

// Command is one run of a go command.
type Command struct {
	Path string // absolute
	Args []string
	Dir  string
	Env  []string // the whole environment
}

// Error is a command that ran and failed.
type Error struct {
	// Command is what was run, for people: "go build -o x .".
	Command string
	// Says are the command's words on stderr, without escape sequences and bounded.
	Says string
	Err  error
}

func (e *Error) Error() string {
	if e.Says == "" {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Command, e.Says)
}

func (e *Error) Unwrap() error { return e.Err }

// Run runs the command in a process group of its own and returns what it wrote
// to stdout, also beside an error. When ctx ends the whole group is killed and
// the error wraps ctx's cause. Every other failure is an *Error.
func Run(ctx context.Context, c Command) (stdout []byte, err error) {
	stdout, _, err = run(ctx, c, keep)
	return stdout, err
}

// maxPrinted bounds what Printed keeps, in bytes: a hundred times what a making of this project prints.
const maxPrinted = 64 << 20

// Printed is Run for a command whose answer is what it writes to stderr, like `go build -n`:
// it returns all of that.
func Printed(ctx context.Context, c Command) (stderr []byte, err error) {
	_, says, err := run(ctx, c, maxPrinted)
	return []byte(says), err
}

func run(ctx context.Context, c Command, keep int) (stdout []byte, stderr string, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, "", fmt.Errorf("%s: %w", c.text(), err)
	}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	var out bytes.Buffer
	says := &head{keep: keep}
	cmd.Stdout, cmd.Stderr = &out, says
	cmd.WaitDelay = wait
	ownGroup(cmd)
	err = cmd.Run()
	if ctx.Err() != nil && err != nil {
		endGroup(cmd, dying)
		return out.Bytes(), says.String(), fmt.Errorf("%s: %w", c.text(), context.Cause(ctx))
	}
	if err != nil {
		return out.Bytes(), says.String(), &Error{Command: c.text(), Says: Plain(says.String()), Err: err}
	}
	return out.Bytes(), says.String(), nil
}

func (c Command) text() string {
	return strings.Join(append([]string{filepath.Base(c.Path)}, c.Args...), " ")
}

// escapes are the sequences that colour a terminal or set its title (ECMA-48 CSI, OSC, two-byte ones).
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// Plain removes from a tool's words what would move a terminal's cursor, set
// its colours or ring its bell.
func Plain(text string) string {
	text = escapes.ReplaceAllString(strings.ToValidUTF8(text, "?"), "")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\n' && r != '\t') || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, text))
}

// head keeps the beginning of what is written to it: a compiler's first error is the one that counts.
type head struct {
	keep    int // bytes
	kept    bytes.Buffer
	dropped int
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.keep-h.kept.Len())
	h.kept.Write(p[:n])
	h.dropped += len(p) - n
	return len(p), nil
}

func (h *head) String() string {
	if h.dropped == 0 {
		return h.kept.String()
	}
	return fmt.Sprintf("%s\n… (%d more bytes)", h.kept.String(), h.dropped)
}
