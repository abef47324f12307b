package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// A spinner is shown for what takes longer than this.
const patience = time.Second

// ticker shows on a terminal that something goes on; elsewhere it is silent.
type ticker struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	began time.Time
}

func (s *session) newTicker() *ticker {
	f, ok := s.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || s.verbose {
		return nil
	}
	return &ticker{
		began: time.Now(),
		bar: progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription("…"), progressbar.OptionEnableColorCodes(false)),
	}
}

func (t *ticker) tell(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.began) < patience {
		return
	}
	t.bar.Describe(text)
	_ = t.bar.Add(1) // a terminal that went away is no reason to stop
}

func (t *ticker) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.bar.Finish()
}

// progress tells of builds and observations as they end.
func (s *session) progress() func(verify.Event) {
	if s.quiet {
		return nil
	}
	if s.verbose {
		var mu sync.Mutex
		return func(ev verify.Event) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(s.stderr, "%s %s: %s in %d ms\n", ev.Release, ev.Setup, ev.What, ev.Took.Milliseconds())
		}
	}
	if s.ticker = s.newTicker(); s.ticker == nil {
		return nil
	}
	return func(ev verify.Event) { s.ticker.tell(fmt.Sprintf("%s %s: %s", ev.Release, ev.Setup, ev.What)) }
}

// progressDone takes the spinner off the terminal before anything is printed.
func (s *session) progressDone() {
	if s.ticker != nil {
		s.ticker.done()
	}
}

// fetching says what is fetched and how large it is, before it is.
func (s *session) fetching() func(release.Progress) {
	return func(p release.Progress) {
		switch p.Step {
		case release.Started:
			fmt.Fprintf(s.stderr, "fetching %s (about %d MB)\n", p.Release, p.Bytes>>20)
		case release.Done:
			fmt.Fprintf(s.stderr, "fetched %s (%d MB)\n", p.Release, p.Bytes>>20)
		}
	}
}
