package delve

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/go-delve/delve/pkg/goversion"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/version"
	"github.com/go-delve/delve/service/debugger"
	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// launched is a fixture that stands at its first instruction.
type launched struct {
	debugger *debugger.Debugger
	group    *proc.TargetGroup
	target   *proc.Target
	entry    uint64 // of its first instruction
	warnings []string
}

// tool is this Delve's name and version.
func tool() string {
	v := version.DelveVersion
	return fmt.Sprintf("delve %s.%s.%s", v.Major, v.Minor, v.Patch)
}

// takeEnvironment makes env the whole environment of this process, and so that of the
// fixtures it starts.
func takeEnvironment(env []string) error {
	os.Clearenv()
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %q for the fixture: %w", kv, err)
		}
	}
	return nil
}

// launch starts the fixture under Delve with the request's environment. What it
// writes is thrown away unless it is to be shown.
func launch(req observe.Request, show bool) (*launched, error) {
	if err := takeEnvironment(req.Env); err != nil {
		return nil, err
	}
	argv := append([]string{req.Binary}, req.Args...)
	output := proc.OutputRedirect{Path: os.DevNull}
	if show {
		output = proc.OutputRedirect{}
	}
	restore := behindFixture()
	d, err := debugger.New(&debugger.Config{
		Backend:        "native",
		CheckGoVersion: false, // reads releases it does not promise to; see below
		DisableASLR:    true,
		// Without a path Delve 1.27 starts the fixture with descriptor 0 closed, and
		// since 1.22 the runtime opens /dev/null in its place (runtime/fds_unix.go, checkfds).
		Stdin:  os.DevNull,
		Stdout: output,
		Stderr: output,
		// An empty WorkingDir: with one, exec would add PWD to the environment.
	}, argv)
	restore()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", req.Binary, err)
	}
	l := &launched{debugger: d}
	l.refresh()
	bi := l.target.BinInfo()
	if goversion.Compatible(bi.DwarfVersion(), bi.Producer(), false) != nil {
		l.warnings = append(l.warnings, fmt.Sprintf("%s promises to read Go %d.%d to %d.%d; this is %s", tool(),
			goversion.MinSupportedVersionOfGoMajor, goversion.MinSupportedVersionOfGoMinor,
			goversion.MaxSupportedVersionOfGoMajor, goversion.MaxSupportedVersionOfGoMinor, req.Release))
	}
	return l, nil
}

// refresh finds the fixture that the debugger has now and that stands at its first
// instruction: a restart makes another one.
func (l *launched) refresh() {
	group, unlock := l.debugger.LockTargetGroup()
	unlock() // one goroutine at a time uses it
	l.group, l.target, l.entry = group, group.Selected, 0
	if regs, err := l.target.CurrentThread().Registers(); err == nil {
		l.entry = regs.PC()
	}
}

// behindFixture makes the launch's race be won: Delve asks once whether its
// child has stopped at exec and, if not, sleeps for 200 ms. All threads of
// this process go to one processor and to SCHED_BATCH, which never pre-empts a
// task that has just been woken; so the child, which starts on the same
// processor, reaches its stop before Delve can ask. The fixture inherits both:
// as soon as it stands, it and this process get back what they had.
func behindFixture() (restore func()) {
	var all, one unix.CPUSet
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil || unix.SchedGetaffinity(0, &all) != nil {
		return func() {}
	}
	var cpu uint32 // the one this is on: observations side by side then keep apart
	if _, _, e := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); e != 0 {
		return func() {}
	}
	one.Set(int(cpu))
	batch := *before
	batch.Policy = unix.SCHED_BATCH
	set := func(pid int, cpus *unix.CPUSet, attr *unix.SchedAttr) {
		for _, tid := range numbers("/proc/" + strconv.Itoa(pid) + "/task") {
			_ = unix.SchedSetaffinity(tid, cpus)
			_ = unix.SchedSetAttr(tid, attr, 0)
		}
	}
	self := unix.Getpid()
	set(self, &one, &batch)
	var once sync.Once
	back := func() {
		set(self, &all, before)
		for _, pid := range children() {
			set(pid, &all, before)
		}
	}
	// Reading DWARF, the rest of the launch, uses every processor there is.
	launched := make(chan struct{})
	go func() {
		for {
			select {
			case <-launched:
				return
			case <-time.After(time.Millisecond):
			}
			for _, pid := range children() {
				if state(pid) == 't' {
					once.Do(back)
					return
				}
			}
		}
	}()
	return func() {
		close(launched)
		once.Do(back)
		// A thread that was made while the others were being set back may have inherited.
		set(self, &all, before)
	}
}

// children lists this process's children, whichever of its threads made them.
func children() (pids []int) {
	self := "/proc/self/task/"
	for _, tid := range numbers(self) {
		text, _ := os.ReadFile(self + strconv.Itoa(tid) + "/children")
		for _, f := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// state is the letter proc(5) gives for what a process does; 0 when it is gone.
func state(pid int) byte {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if at := bytes.LastIndexByte(stat, ')'); at >= 0 && at+2 < len(stat) {
		return stat[at+2]
	}
	return 0
}

// numbers lists the entries of a folder of /proc that are numbers.
func numbers(dir string) (ns []int) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			ns = append(ns, n)
		}
	}
	return ns
}

// mayTrace tries whether this process may trace a child: a copy of itself that
// is killed before its first instruction.
func mayTrace() error {
	runtime.LockOSThread() // ptrace requests must come from the thread that traces
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return fmt.Errorf("no right to trace a child process (%w): %s", err, traceHint())
		}
		return fmt.Errorf("trace a child process: %w", err)
	}
	pid := cmd.Process.Pid
	_ = unix.Kill(pid, unix.SIGKILL)
	for start := time.Now(); time.Since(start) < time.Second; {
		var s unix.WaitStatus
		if _, err := unix.Wait4(pid, &s, unix.WALL, nil); err != nil || s.Signaled() || s.Exited() {
			break
		}
	}
	return nil
}

// traceHint says how to get the right to trace.
func traceHint() string {
	if scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && strings.TrimSpace(string(scope)) == "3" {
		return "kernel.yama.ptrace_scope is 3, which forbids it until the next boot; set it to 1 in /etc/sysctl.d and restart"
	}
	return "in a container start it with --cap-add=SYS_PTRACE and a seccomp profile that allows ptrace(2)"
}
