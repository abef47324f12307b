package show_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rt0lab/rt0lab/ebpf/startup"
	"github.com/rt0lab/rt0lab/ebpf/startup/show"
)

// browser is a page of a browser without a window, told what to do through a pipe.
type browser struct {
	tb      testing.TB
	to      io.Writer
	from    *bufio.Reader
	session string
	last    int
}

// opened opens a page. The test is skipped where there is no browser.
func opened(tb testing.TB, url string) *browser {
	tb.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		tb.Skip("needs a browser (apt install chromium)")
	}
	inside, to, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	from, outside, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1000", "--remote-debugging-pipe", "--user-data-dir="+tb.TempDir(), "about:blank")
	cmd.Env = append(os.Environ(), "TMPDIR="+tb.TempDir()) // it leaves folders behind when it is killed
	cmd.ExtraFiles = []*os.File{inside, outside}           // descriptors 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	inside.Close()
	outside.Close()
	late := time.AfterFunc(90*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	tb.Cleanup(func() {
		late.Stop()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		// Its other processes write into the folder until they are gone.
		for from := time.Now(); syscall.Kill(-cmd.Process.Pid, 0) == nil && time.Since(from) < 10*time.Second; {
		}
		to.Close()
		from.Close()
	})
	b := &browser{tb: tb, to: to, from: bufio.NewReader(from)}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	var navigated struct{ ErrorText string }
	b.call("Page.navigate", map[string]any{"url": url}, &navigated)
	if navigated.ErrorText != "" {
		tb.Skipf("this browser does not open %s: %s", url, navigated.ErrorText)
	}
	for ready := ""; ready != "complete"; {
		ready, _ = b.eval(`location.href == "about:blank" ? "" : document.readyState`)
	}
	return b
}

// call asks for one thing and waits for the answer.
func (b *browser) call(method string, params map[string]any, answer any) {
	b.tb.Helper()
	if wrong := b.ask(method, params, answer); wrong != "" {
		b.tb.Fatalf("%s: %s", method, wrong)
	}
}

// ask is call for what may go wrong.
func (b *browser) ask(method string, params map[string]any, answer any) (wrong string) {
	b.tb.Helper()
	b.last++
	message := map[string]any{"id": b.last, "method": method, "params": params}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.tb.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.tb.Fatal(err)
	}
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			b.tb.Fatalf("%s: the browser is gone: %v", method, err)
		}
		var got struct {
			ID     int
			Error  json.RawMessage
			Result json.RawMessage
		}
		if err := json.Unmarshal(bytes.TrimRight(text, "\x00"), &got); err != nil {
			b.tb.Fatal(err)
		}
		if got.ID != b.last {
			continue // it tells of other things as well
		}
		if got.Error != nil {
			return string(got.Error)
		}
		if err := json.Unmarshal(got.Result, answer); err != nil {
			b.tb.Fatal(err)
		}
		return ""
	}
}

// eval runs a script in the page; what it returns is a text. wrong is what it threw.
func (b *browser) eval(script string) (text, wrong string) {
	b.tb.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if wrong := b.ask("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &answer); wrong != "" {
		return "", wrong // the page has gone to another one meanwhile
	}
	if e := answer.ExceptionDetails; e != nil {
		return "", e.Text + " " + e.Exception.Description
	}
	if err := json.Unmarshal(answer.Result.Value, &text); err != nil {
		b.tb.Fatalf("%s: %v", answer.Result.Value, err)
	}
	return text, ""
}

// readTrace hands a trace to the reader of the browser's own trace viewer and returns the spans it found.
const readTrace = `(async () => {
	const { TraceModel } = await import("devtools://devtools/bundled/models/trace/trace.js");
	const model = TraceModel.Model.createWithAllHandlers();
	await model.parse((%s).traceEvents, {});
	const parsed = model.parsedTrace(0);
	const spans = [];
	for (const [pid, process] of (parsed.data || parsed).Renderer.processes)
		for (const [tid, thread] of process.threads)
			for (const e of thread.entries)
				spans.push({ Pid: pid, Thread: thread.name, Name: e.name, At: e.ts, Takes: e.dur });
	return JSON.stringify(spans);
})()`

// A trace viewer shows the spans of both programs, each on its thread, from where to where they go.
func TestTraceViewer(t *testing.T) {
	t.Parallel()
	page := opened(t, "devtools://devtools/bundled/devtools_app.html")
	if _, wrong := page.eval(`import("devtools://devtools/bundled/models/trace/trace.js").then(() => "")`); wrong != "" {
		t.Skip("this browser's trace viewer is another one than that of Chromium 156: " + wrong)
	}
	results := []startup.Result{made("old", 1), made("new", 2)}
	trace := text(t, func(w io.Writer) error { return show.Chrome(w, results) })
	told, wrong := page.eval(fmt.Sprintf(readTrace, trace))
	if wrong != "" {
		t.Fatal(wrong)
	}
	var spans []struct {
		Pid          int
		Thread, Name string
		At, Takes    float64 // µs
	}
	if err := json.Unmarshal([]byte(told), &spans); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, r := range results {
		at := 0.0
		for _, want := range r.Timings {
			if want.Aside {
				continue
			}
			if n == len(spans) {
				t.Fatalf("%s is missing: %s", want.Name, told)
			}
			got := spans[n]
			n++
			takes := want.Takes.Median / 1e3
			if got.Pid != i+1 || got.Thread != "first thread" || got.Name != want.Name || got.At < at-0.001 || got.At > at+0.001 || got.Takes < takes-0.001 || got.Takes > takes+0.001 {
				t.Errorf("%+v; want %s of %s from %g, for %g µs", got, want.Name, r.Program.Name, at, takes)
			}
			at += takes
		}
	}
	if n != len(spans) {
		t.Errorf("there are more: %s", told)
	}
	// The same reader finds none where none are.
	for _, bad := range []string{`{}`, `{"traceEvents": [{"name": "exec", "ph": "M"}]}`} {
		if told, wrong := page.eval(fmt.Sprintf(readTrace, bad)); wrong == "" && told != "[]" {
			t.Errorf("%s is read as %s", bad, told)
		}
	}
}

// A browser draws the waterfall: a bar for each span that is long enough to be seen, as long as it takes.
func TestDrawn(t *testing.T) {
	t.Parallel()
	r := made("old", 1)
	r.Timings[0].Takes.Median = 1000000
	drawing := text(t, func(w io.Writer) error { return show.SVG(w, []startup.Result{r}) })
	file := filepath.Join(t.TempDir(), "start.svg")
	if err := os.WriteFile(file, []byte(drawing), 0o600); err != nil {
		t.Fatal(err)
	}
	page := opened(t, "file://"+file)
	if name, wrong := page.eval("document.documentElement.localName"); name != "svg" {
		t.Fatalf("the browser shows %q: %s", name, wrong)
	}
	var shot struct{ Data string }
	page.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	// Rows of the picture that have a bar, by the length of the bar.
	blue := color.RGBAModel.Convert(color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff})
	var lengths []int
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		n := 0
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if color.RGBAModel.Convert(img.At(x, y)) == blue {
				n++
			}
		}
		if n > 0 && (len(lengths) == 0 || lengths[len(lengths)-1] != n) {
			lengths = append(lengths, n)
		}
	}
	// Which rows the lines of the grid cross, and where edges are smoothed, is the browser's business.
	longest, second := 0, 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	for _, n := range lengths {
		if n < longest*3/4 {
			second = max(second, n)
		}
	}
	if ratio := float64(second) / float64(max(longest, 1)); longest < 300 || ratio < 0.38 || ratio > 0.42 {
		t.Errorf("bars of %d and %d pixels, for 2.5 ms and 1 ms: %v", longest, second, lengths)
	}
}
