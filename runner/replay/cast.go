package replay

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The size of the terminal that a cast is made for.
const (
	castWidth  = 80
	castHeight = 24
)

// How long things stand before the next one comes, in milliseconds.
const (
	pauseHead     = 1500
	pauseFunction = 150
	pauseStop     = 700
	pauseFact     = 250
	pauseEnd      = 3000
)

// castHeader is the first line of an asciicast, version 2. It has no
// timestamp: the same recording gives the same cast.
type castHeader struct {
	Version int               `json:"version"`
	Width   int               `json:"width"`
	Height  int               `json:"height"`
	Title   string            `json:"title"`
	Env     map[string]string `json:"env"`
}

// Cast writes the lab's run as an asciicast (version 2): the functions in the order in
// which they are first entered, and the facts at their stops. The times are fixed, those
// of a reader; the run itself takes less than a millisecond.
func (t *Tape) Cast(w io.Writer) error {
	c := &caster{out: bufio.NewWriter(w)}
	c.json(castHeader{Version: 2, Width: castWidth, Height: castHeight, Title: "rt0lab " + t.Lab + ", " + t.Release, Env: map[string]string{"TERM": "xterm-256color"}})
	var head strings.Builder
	t.head(&head)
	for line := range strings.Lines(head.String()) {
		c.print(0, line)
	}
	c.now += pauseHead
	if t.Player == nil {
		t.castFacts(c, -1)
	} else {
		t.castRun(c)
	}
	c.now += pauseEnd
	c.print(0, "")
	if c.err != nil {
		return fmt.Errorf("write cast: %w", c.err)
	}
	return c.out.Flush()
}

type caster struct {
	out *bufio.Writer
	now int // milliseconds
	err error
}

func (c *caster) json(v any) {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); c.err == nil {
		c.err = err
	}
}

// print shows text after a pause.
func (c *caster) print(pause int, text string) {
	c.now += pause
	for _, line := range fold(strings.TrimRight(text, "\n"), castWidth) {
		c.json([]any{json.Number(fmt.Sprintf("%d.%03d", c.now/1000, c.now%1000)), "o", line + "\r\n"})
	}
}

// fold breaks a line that is too wide for the terminal, between words where it can.
func fold(line string, width int) []string {
	const indent = "      "
	line = clean(line)
	if ansi.StringWidth(line) <= width {
		return []string{line}
	}
	lines := strings.Split(ansi.Wrap(line, width-len(indent), " "), "\n")
	for i := range lines[1:] {
		lines[i+1] = indent + lines[i+1]
	}
	return lines
}

// castRun shows functions as they are first entered, and facts where they become known.
func (t *Tape) castRun(c *caster) {
	p := t.Player
	entered := map[int]bool{}
	for at := 0; at <= len(p.Steps); at++ {
		if f := p.FuncAtPos(at); f >= 0 && !entered[f] && !p.IsWrapper(at) {
			entered[f] = true
			c.print(pauseFunction, fmt.Sprintf("%6d  %*s%s", at, 2*p.Depth(at), "", p.FuncName(at)))
		}
		t.castFacts(c, at)
	}
	c.print(pauseStop, "        "+t.t(msgEnd, p.To))
}

// castFacts shows the facts of a position, or without a trace all of them.
func (t *Tape) castFacts(c *caster, at int) {
	setup, stop := "", ""
	for _, f := range t.Facts {
		if t.Player != nil && f.At != at {
			continue
		}
		if f.Setup != setup || f.Stop != stop {
			setup, stop = f.Setup, f.Stop
			title := "        ── " + t.t(msgAtStop, stop)
			if t.Player == nil {
				title = "── " + t.t(msgFactsOf, setup, stop)
			}
			c.print(pauseStop, title)
		}
		c.print(pauseFact, "           "+t.Say(f))
	}
}
