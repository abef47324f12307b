package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// helpers are programs that scripts run rt0lab through.
var helpers = map[string]func(){
	"supervise": supervise, "noptrace": noPtrace,
	"terminal": onTerminal,
	"full":     func() { withDisk("size=256k", 0) }, "readonly": func() { withDisk("size=256k", unix.MS_RDONLY) },
}

// patience is how long a process may take to go once it has no reason to stay.
const patience = 2 * time.Second

// supervise FILE PROGRAM ARGS… runs a program with all its offspring below
// this process: what loses its parent becomes a child of this one. Whatever
// outlives the program is written to FILE and killed.
func supervise() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	file := os.Args[1]
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // ^C is for the program; ignored, it would be so there, too
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	err := cmd.Wait()
	if left := leftovers(); left != "" {
		if err := os.WriteFile(file, []byte(left), 0o666); err != nil {
			fail(err)
		}
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		os.Exit(exit.ExitCode())
	case err != nil:
		fail(err)
	}
}

// leftovers waits until this process has no child any more and returns what
// is still there when patience ends.
func leftovers() string {
	for begin := time.Now(); ; runtime.Gosched() {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.ECHILD):
			return ""
		case pid == 0 && time.Since(begin) > patience:
			var text strings.Builder
			for _, pid := range descendants(os.Getpid()) {
				fmt.Fprintf(&text, "%d %q\n", pid, arguments(pid))
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			return text.String()
		case pid == 0:
			time.Sleep(time.Millisecond)
		}
	}
}

// descendants are the processes below one.
func descendants(of int) (all []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := map[int][]int{}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(f[1])
		parents[parent] = append(parents[parent], pid)
	}
	for next := []int{of}; len(next) > 0; next = next[1:] {
		all = append(all, parents[next[0]]...)
		next = append(next, parents[next[0]]...)
	}
	return all
}

func arguments(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// interrupt HOW STATUS MARK ARGS… runs rt0lab and, as soon as a program with
// the argument MARK is there, sends rt0lab a signal (HOW is INT, TERM, HUP, KILL), SIGINT to
// all of its process group as a terminal does (^C), or SIGKILL to a process below it (gdb). A killed
// rt0lab has the status 125, and may leave files.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: interrupt INT|TERM|^C|gdb STATUS MARK args…")
	}
	how, mark := args[0], args[2]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	left := ts.MkAbs(".left")
	cmd := exec.Command(here(ts, "supervise"), append([]string{left, here(ts, "rt0lab")}, args[3:]...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), scriptEnv(ts)...)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	ts.Check(cmd.Start())
	ended2 := make(chan error, 1)
	go func() { ended2 <- cmd.Wait() }()
	begin := time.Now()
	for tick := time.Tick(2 * time.Millisecond); ; {
		below := descendants(cmd.Process.Pid)
		marked := slices.IndexFunc(below, func(pid int) bool {
			a := arguments(pid)
			return slices.Contains(a[1:], mark) && filepath.Base(a[0]) != "rt0lab"
		})
		if marked >= 0 && hit(how, cmd.Process.Pid, below) {
			break
		}
		select {
		case err := <-ended2:
			ts.Fatalf("it ended before anything had the argument %s: %v", mark, err)
		case <-tick:
			if time.Since(begin) > time.Minute {
				_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
				ts.Fatalf("nothing has the argument %s after a minute", mark)
			}
		}
	}
	if err := <-ended2; how == "KILL" {
		ts.Check(os.RemoveAll(ts.Getenv("TMPDIR")))
		ended(ts, want, err, left)
		ts.Check(os.Mkdir(ts.Getenv("TMPDIR"), 0o777))
	} else {
		ended(ts, want, err, left)
	}
}

// hit sends the signal; false means that there is nobody to get it yet.
func hit(how string, pid int, below []int) bool {
	whom, with := how, unix.SIGKILL
	switch how {
	case "^C":
		return unix.Kill(-pid, unix.SIGINT) == nil
	case "INT", "TERM", "HUP", "KILL":
		whom, with = "rt0lab", unix.SignalNum("SIG"+how)
	}
	for _, p := range below { // parents before their children: rt0lab before its Delve half
		if filepath.Base(arguments(p)[0]) == whom {
			return unix.Kill(p, with) == nil
		}
	}
	return false
}

// scriptEnv is the script's environment as far as rt0lab looks at it.
func scriptEnv(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOMODCACHE", "GOCACHE", "GOPATH", "GOPROXY", "GOTOOLCHAIN", "GOFLAGS", "RT0LAB_CACHE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// noPtrace PROGRAM ARGS… runs a program to which the kernel refuses ptrace(2), as
// container runtimes do: a seccomp filter, which needs no rights.
func noPtrace() {
	runtime.LockOSThread() // the filter is the thread's, and exec keeps that of the thread that calls it
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	const number = 0 // offset of nr in struct seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_PTRACE, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		fail(fmt.Errorf("set a seccomp filter: %w", err))
	}
	become(os.Args[1:])
}

// withDisk DIR PROGRAM ARGS… runs a program that sees a small disk at DIR; see wraps.
func withDisk(options string, flags uintptr) {
	dir := os.Args[1]
	if os.Getenv("RT0LAB_TEST_UNSHARED") == "" {
		attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if os.Getuid() != 0 {
			attr.Cloneflags |= syscall.CLONE_NEWUSER
			attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		exe, err := os.Executable()
		if err != nil {
			fail(err)
		}
		cmd := exec.Command(exe, os.Args[1:]...)
		cmd.Env = append(os.Environ(), "RT0LAB_TEST_UNSHARED=1")
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.Stdin, os.Stdout, os.Stderr, attr
		err = cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		if err != nil {
			fail(err)
		}
		return
	}
	os.Unsetenv("RT0LAB_TEST_UNSHARED")
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fail(fmt.Errorf("keep mounts to ourselves: %w", err))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		fail(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		fail(fmt.Errorf("mount a small disk: %w", err))
	}
	become(os.Args[2:])
}

// wraps reports whether a wrapper works on this machine.
func wraps(name string) bool {
	switch name {
	case "noptrace", "terminal":
		return exec.Command(name, "true").Run() == nil
	case "full", "readonly":
		dir, err := os.MkdirTemp("", "disk-")
		if err != nil {
			return false
		}
		defer os.RemoveAll(dir)
		return exec.Command(name, dir, "true").Run() == nil
	}
	return false
}

// mayTrace tries whether a child may be traced.
func mayTrace() bool {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if cmd.Start() != nil {
		return false
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return true
}

// openTerminal makes a terminal of 80 columns: the end of the person, and that of programs.
func openTerminal() (master, tty *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("make a terminal: %w", err)
	}
	return master, tty, nil
}

// onTerminal PROGRAM ARGS… runs a program on a terminal of 80 columns, and
// writes what is shown there to standard output.
func onTerminal() {
	master, tty, err := openTerminal()
	if err != nil {
		fail(err)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	tty.Close()
	_, _ = io.Copy(os.Stdout, master) // ends with EIO, when nobody has the terminal open any more
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	} else if err != nil {
		fail(err)
	}
}

func become(args []string) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		fail(err)
	}
	fail(syscall.Exec(path, args, os.Environ()))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(125)
}
