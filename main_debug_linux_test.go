package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/release"
)

// debugTools are the debuggers of `rt0lab debug` and the witnesses they are.
var debugTools = []struct{ with, witness string }{{"dlv", "delve"}, {"gdb", "gdb"}}

func needsDebugger(t *testing.T, with string) {
	t.Helper()
	if !mayTrace() {
		t.Skip("needs the right to trace: see rt0lab doctor")
	}
	if _, err := exec.LookPath("gdb"); with == "gdb" && err != nil {
		t.Skipf("needs gdb: %v (apt install gdb)", err)
	}
}

// debugCommand is rt0lab debug below supervise; left tells what outlived it.
func debugCommand(t *testing.T, args ...string) (cmd *exec.Cmd, left func() (processes, files string)) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "left")
	cmd = exec.Command(pathOf(t, "supervise"), append([]string{file, pathOf(t, "rt0lab")}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(environment(t), "HOME="+dir, "TERM=xterm", "TMPDIR="+dir)...)
	return cmd, func() (processes, files string) {
		text, _ := os.ReadFile(file)
		found, _ := filepath.Glob(filepath.Join(dir, "rt0lab-*"))
		return string(text), strings.Join(found, "\n")
	}
}

func pathOf(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// debugged pipes commands into rt0lab debug.
func debugged(t *testing.T, commands string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd, left := debugCommand(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(commands), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if processes, files := left(); processes+files != "" {
		t.Errorf("left behind: %s %s", processes, files)
	}
	return out.String(), errs.String(), status
}

// TestDebugLabs drops into each lab with each debugger, where it begins by default, and
// calls words there.
func TestDebugLabs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts two debuggers per lab; run without -short")
	}
	d, err := lab.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	minor := regexp.MustCompile(fmt.Sprintf(`(?m)^\(\w+\) %d \(0x[0-9a-f]+\)$`, release.Minor(environmentOf(environment(t), "LOCAL"))))
	stack := regexp.MustCompile(`(?m)^\(\w+\) 140\d{12} \(0x7f[0-9a-f]{10}\)$`)
	for _, l := range d.Labs {
		for _, tool := range debugTools {
			t.Run(l.ID+" with "+tool.with, func(t *testing.T) {
				t.Parallel()
				needsDebugger(t, tool.with)
				stdout, stderr, status := debugged(t, "say Minor()\nsay Reg(\"rsp\")\nsay Var(\"runtime.nothing\")\nfacts\n", "debug", l.ID, "--with", tool.with)
				if strings.Contains(stderr, "no C compiler") {
					t.Skip("needs a C compiler: apt install gcc")
				}
				if !looksAtPrograms(d, l, tool.witness) {
					if status != 2 || !strings.Contains(stderr, "has nothing that "+tool.witness+" can start") {
						t.Errorf("exit status %d, stderr %s", status, stderr)
					}
					return
				}
				if status != 0 || strings.Contains(stdout, "not reached") ||
					!strings.Contains(stdout, "\nstopped at ") || !minor.MatchString(stdout) ||
					!strings.Contains(stdout, "\n("+tool.with+") None\n") {
					t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
				}
				// rt0_go stands on the kernel's stack; a goroutine's is in the heap.
				if strings.Contains(stdout, "\nstopped at runtime.rt0_go") && !stack.MatchString(stdout) {
					t.Errorf("no stack pointer\n%s", stdout)
				}
				if strings.Contains(stdout, "do not look here") {
					t.Errorf("no facts where the lab begins\n%s", stdout)
				}
			})
		}
	}
}

// looksAtPrograms reports whether the lab asks the witness about anything that runs.
func looksAtPrograms(d *lab.Data, l *lab.Lab, witness string) bool {
	return slices.ContainsFunc(l.Claims, func(c *lab.Claim) bool {
		if c.Fact == "" || !slices.Contains(c.Witnesses, witness) {
			return false
		}
		goos, goarch := d.SetupOf(c).System()
		return goos == "linux" && (goarch == "amd64" || goarch == "arm64" && witness == "gdb")
	})
}

func environmentOf(env []string, name string) string {
	for _, kv := range env {
		if n, v, _ := strings.Cut(kv, "="); n == name {
			return v
		}
	}
	return ""
}

// TestDebugAgain starts the program anew in a session: it has the stack it had, and stops where it stopped.
func TestDebugAgain(t *testing.T) {
	t.Parallel()
	for with, again := range map[string]string{"dlv": "restart", "gdb": "run"} {
		t.Run(with, func(t *testing.T) {
			t.Parallel()
			needsDebugger(t, with)
			commands := "say Reg(\"rsp\")\n" + again + "\n"
			if with == "dlv" { // which stops at the first instruction
				commands += "facts\nsay Reg(\"nothing\")\ncontinue\n"
			}
			stdout, stderr, status := debugged(t, commands+"say Reg(\"rsp\")\nfacts\n", "debug", "03", "--with", with)
			stacks := regexp.MustCompile(`(?m)^\(\w+\) (140\d{12}) `).FindAllStringSubmatch(stdout, -1)
			if status != 0 || len(stacks) != 2 || stacks[0][1] != stacks[1][1] || !strings.Contains(stdout, "g0.stack.hi_above_sp = 0 bytes") {
				t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
			}
			if n := strings.Count(stderr, "no register"); with == "dlv" && n != 1 {
				t.Errorf("stderr: %s", stderr)
			}
		})
	}
}

// TestDebugPatched debugs runtimes that do not come as far as the stop.
func TestDebugPatched(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the runtime twice; run without -short")
	}
	goroot := environmentOf(environment(t), "GOROOT_LOCAL")
	const crash, hang = "\tMOVQ\t$0, AX\n\tMOVQ\tAX, (AX)\n", "around:\n\tJMP\taround\n"
	for _, patch := range []struct {
		name, with, instructions, patience, want, then, shown string
	}{
		{"crashes", "dlv", crash, "1m", "the program (was killed by signal 11|ended with status 2)", "continue\n", "SIGSEGV|segmentation|with status"},
		{"crashes", "gdb", crash, "1m", "the program (was killed by a signal|ended with status 2)", "continue\n", "SIGSEGV"},
		{"hangs", "dlv", hang, "1s", "not passed within 1s", "break runtime.rt0_go\ncontinue\n", "runtime.rt0_go"},
		{"hangs", "gdb", hang, "1s", "not passed within 1s", "break runtime.rt0_go\ncontinue\n", "runtime.rt0_go"},
	} {
		t.Run(patch.name+" with "+patch.with, func(t *testing.T) {
			t.Parallel()
			needsDebugger(t, patch.with)
			file := filepath.Join(goroot, "src", "runtime", "asm_amd64.s")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			const call = "\tCALL\truntime·check(SB)\n"
			patched := strings.Replace(string(text), call, patch.instructions+call, 1)
			if patched == string(text) {
				t.Skip("this release's rt0_go has no call of check: patch another line")
			}
			overlay := filepath.Join(dir, "overlay.json")
			for name, content := range map[string]string{
				filepath.Join(dir, "asm.s"): patched,
				overlay:                     fmt.Sprintf(`{"Replace": {%q: %q}}`, file, filepath.Join(dir, "asm.s")),
			} {
				if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			stdout, stderr, status := debugged(t, patch.then, "debug", "03", "--with", patch.with, "--overlay", overlay, "--at", "runtime.schedinit", "--patience", patch.patience)
			if status != 0 || !regexp.MustCompile(`runtime.schedinit: the stop was not reached: `+patch.want+`; this is the program's first instruction`).MatchString(stdout) {
				t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
			}
			if !regexp.MustCompile(patch.shown).MatchString(stdout + stderr) {
				t.Errorf("%s is not shown\n%s%s", patch.shown, stdout, stderr)
			}
		})
	}
}

// person is somebody at a terminal: what is shown there so far, and the keys.
type person struct {
	t      *testing.T
	master *os.File
	shown  chan string
	text   string
	ended  chan error
}

func atTerminal(t *testing.T, cmd *exec.Cmd) (*person, *os.File) {
	t.Helper()
	master, tty, err := openTerminal()
	if err != nil {
		t.Skipf("needs a pseudo-terminal: %v (mount devpts)", err)
	}
	t.Cleanup(func() { master.Close(); tty.Close() })
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, master: master, shown: make(chan string, 1024), ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			p.shown <- string(buf[:n])
			if err != nil {
				close(p.shown)
				return
			}
		}
	}()
	return p, tty
}

// sees waits until the text is shown behind all that was seen before.
func (p *person) sees(text string) {
	p.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		if _, rest, ok := strings.Cut(p.text, text); ok {
			p.text = rest
			return
		}
		select {
		case more, open := <-p.shown:
			if p.text += more; !open {
				p.t.Fatalf("the terminal was closed before %q was shown; there is %q", text, p.text)
			}
		case err := <-p.ended:
			p.t.Fatalf("it ended (%v) before %q was shown; there is %q", err, text, p.text)
		case <-limit.C:
			p.t.Fatalf("%q is not shown; there is %q", text, p.text)
		}
	}
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, keys); err != nil {
		p.t.Fatal(err)
	}
}

// TestDebugTerminal sits at a terminal: ^C stops the program and not rt0lab, and when the person
// leaves, the terminal is as it was and nothing is left.
func TestDebugTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "small"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"labs/releases.yaml":    "schema: 1\nreleases: [" + fmt.Sprintf("%q", environmentOf(environment(t), "LOCAL")) + "]\n",
		"fixtures/tiny/main.go": "package main\n\nvar answer = 42\nvar word = \"tiny\"\n\nfunc main() {\n\tprintln(answer, word, \"running on\")\n\tfor {\n\t\tanswer++\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range []string{"scripts/starlark/lib.star", "scripts/gdb/shim.py"} {
		text, err := data.ReadFile(words)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, words), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, tool := range debugTools {
		for _, leave := range []string{"quit\r", "\x04", "terminated", "killed"} {
			t.Run(tool.with+" "+strings.TrimSpace(fmt.Sprintf("%q", leave)), func(t *testing.T) {
				t.Parallel()
				needsDebugger(t, tool.with)
				cmd, left := debugCommand(t, "--data", dir, "debug", "01", "--with", tool.with)
				p, tty := atTerminal(t, cmd)
				before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
				if err != nil {
					t.Fatal(err)
				}
				prompt := "(" + tool.with + ") "
				p.sees("stopped at main.main (breakpoint 1)")
				p.sees(prompt)
				p.types("facts\r")
				p.sees("tiny.answer = 42")
				p.sees(prompt)
				// A goroutine that the runtime sends back to the entry comes by a second time.
				p.types(map[string]string{"dlv": "clear 1\r", "gdb": "delete 1\r"}[tool.with])
				p.sees(prompt)
				p.types("continue\r")
				p.sees("running on")
				p.types("\x03")
				p.sees(prompt)
				p.types("say 2 * Var(\"main.answer\")\r")
				p.sees("84 (0x54)")
				p.sees(prompt)
				if signal, ok := map[string]unix.Signal{"terminated": unix.SIGTERM, "killed": unix.SIGKILL}[leave]; ok {
					for _, pid := range descendants(cmd.Process.Pid) {
						if a := arguments(pid); filepath.Base(a[0]) == "rt0lab" {
							_ = unix.Kill(pid, signal)
							break
						}
					}
				} else {
					p.types(leave)
				}
				err = <-p.ended
				var exit *exec.ExitError
				want := map[string]int{"terminated": 2, "killed": 125}[leave]
				if errors.As(err, &exit) && exit.ExitCode() != want || exit == nil && (err != nil || want != 0) {
					t.Errorf("ended with %v, want exit status %d", err, want)
				}
				processes, files := left()
				if leave == "killed" { // who is killed restores nothing; the files are for the next one to remove
					files = ""
				}
				if processes+files != "" {
					t.Errorf("left behind: %s %s", processes, files)
				}
				if leave == "killed" {
					return
				}
				after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
				if err != nil || *after != *before {
					t.Errorf("the terminal was %+v and is %+v (%v)", before, after, err)
				}
			})
		}
	}
}

// TestDebugEmulated sits before a program for another machine, which qemu runs.
func TestDebugEmulated(t *testing.T) {
	t.Parallel()
	needsDebugger(t, "gdb")
	for _, program := range []string{"qemu-aarch64-static", "gdb-multiarch"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs qemu and a gdb for all machines: %v (apt install qemu-user-static gdb-multiarch)", err)
		}
	}
	stdout, stderr, status := debugged(t, "say Goarch()\nsay Symbol(Reg(\"pc\"))\nfacts\n", "debug", "21", "--with", "gdb", "--setup", "arm64")
	if status != 0 || !strings.Contains(stdout, "(gdb) 'arm64'\n") || !strings.Contains(stdout, "words   say Reg(\"sp\")") ||
		!regexp.MustCompile(`(?m)^\d+\tfunc check\(\) \{$`).MatchString(stdout) || !strings.Contains(stdout, "(gdb) 'runtime.check'\n") {
		t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
	}
}
