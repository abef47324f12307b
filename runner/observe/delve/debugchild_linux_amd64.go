package delve

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/config"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/terminal"
	"github.com/go-delve/delve/service/api"
	"github.com/go-delve/delve/service/rpc2"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/debugger"
)

// debugChild is the whole of a child that a person talks to. It ends when the
// person leaves, or when the parent is gone.
func debugChild() int {
	unix.CloseOnExec(orderFD) // neither is for the fixture
	unix.CloseOnExec(answerFD)
	in, out := os.NewFile(orderFD, "order"), os.NewFile(answerFD, "answer")
	dec := json.NewDecoder(in)
	var told sitting
	if err := dec.Decode(&told); err != nil {
		fmt.Fprintln(os.Stderr, "this command is the Delve half of rt0lab, which starts it by itself")
		return exitUsage
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		killChildren()
		os.Exit(exitStopped)
	}()
	status, said := sit(told)
	killChildren()
	if said != (outcome{}) {
		_ = json.NewEncoder(out).Encode(said)
	}
	return status
}

// sit brings the program to the stop and gives the terminal to the person.
func sit(told sitting) (status int, said outcome) {
	s := &told.Session
	ours := os.Environ()
	w, err := reach(s)
	if err != nil {
		return exitOK, outcome{Error: err.Error()}
	}
	if w.walk.Interrupted != "" || !w.served() {
		return exitOK, outcome{NotReached: notReached(w.walk)}
	}
	p := &prompt{session: s, walker: w}
	if err := p.stopHere(); err != nil {
		return exitOK, outcome{Error: err.Error()}
	}
	// The terminal wants its own variables, a restarted fixture those of the first start.
	private := append(ours, "XDG_CONFIG_HOME="+told.Folder)
	if !isTerminal(os.Stdout) {
		private = append(private, "TERM=dumb") // or there are colours in it
	}
	if err := takeEnvironment(private); err != nil {
		return exitOK, outcome{Error: err.Error()}
	}
	conn := serve(w.debugger, func(restart func()) {
		_ = takeEnvironment(s.Env)
		restart()
		_ = takeEnvironment(private)
		w.refresh()
		w.scripts.native.forget()
	})
	words, err := p.write(told.Folder)
	if err != nil {
		return exitOK, outcome{Error: err.Error()}
	}
	fmt.Print(p.banner())
	t := terminal.New(rpc2.NewClientFromConn(conn), p.config(told), false)
	t.InitFile = words
	status, err = t.Run()
	if err != nil {
		return status, outcome{Error: strings.TrimSpace(err.Error())}
	}
	return status, outcome{}
}

// reach starts the fixture and lets it run to the stop. ^C ends the way.
func reach(s *debugger.Session) (*walker, error) {
	g := &guard{}
	t := time.AfterFunc(s.Patience, func() { g.interrupt(fmt.Sprintf("not passed within %s", s.Patience)) })
	defer t.Stop()
	keys, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(keys, os.Interrupt)
	defer signal.Stop(keys)
	defer close(done)
	go func() {
		select {
		case <-keys:
			g.interrupt("interrupted on the way")
		case <-done:
		}
	}()
	l, err := launch(s.Request, true)
	if err != nil {
		return nil, err
	}
	req := s.Request
	req.Places = s.Way()
	w, err := newWalker(l, req, g)
	if err != nil {
		return nil, err
	}
	w.until = s.At
	if err := w.run(); err != nil {
		return nil, err
	}
	return w, nil
}

// config is that of Delve's terminal; the person's own is left alone.
func (p *prompt) config(told sitting) *config.Config {
	c := &config.Config{}
	for _, s := range p.session.Sources {
		c.SubstitutePath = append(c.SubstitutePath, config.SubstitutePathRule{From: s.From, To: s.To})
	}
	if !told.Color {
		const plain = "\x1b[0m"
		c.SourceListLineColor, c.SourceListArrowColor, c.SourceListKeywordColor = plain, plain, plain
		c.SourceListStringColor, c.SourceListNumberColor, c.SourceListCommentColor, c.SourceListTabColor = plain, plain, plain, plain
		c.StackTraceFunctionColor, c.StackTraceBasenameColor = plain, plain
	}
	_ = os.MkdirAll(filepath.Join(told.Folder, "dlv"), 0o700) // where the terminal keeps its history
	return c
}

// stopHere sets the person's breakpoint where the program stands, and removes those of the way.
func (p *prompt) stopHere() error {
	w := p.walker
	for addr := range w.armed {
		if err := w.target.ClearBreakpoint(addr); err != nil {
			return fmt.Errorf("clear the breakpoint at %#x: %w", addr, err)
		}
	}
	for id := range w.group.LogicalBreakpoints {
		if id > 0 { // Delve's own are below
			delete(w.group.LogicalBreakpoints, id)
		}
	}
	for _, s := range w.spots {
		if s.Stop != p.session.At || s.Exec {
			continue
		}
		made, err := w.debugger.CreateBreakpoint(&api.Breakpoint{Addrs: s.at}, "", nil, false)
		if err != nil {
			return fmt.Errorf("set a breakpoint at %s: %w", s.Stop, err)
		}
		// The addresses hold for a restarted program, too, which Delve cannot know.
		b := w.group.LogicalBreakpoints[made.ID]
		b.Set.PidAddrs, b.Set.Expr = nil, func(*proc.Target) []uint64 { return s.at }
		// One is under the thread that stands here: not to be hit, but stepped over.
		if err := w.target.CurrentThread().SetCurrentBreakpoint(false); err != nil {
			return fmt.Errorf("stand at %s: %w", s.Stop, err)
		}
	}
	return nil
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
