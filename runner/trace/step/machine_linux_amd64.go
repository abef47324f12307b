package step

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/trace"
)

// host is what the start of a process depends on here.
func host(pid int) trace.Host {
	h := trace.Host{UID: os.Getuid(), GID: os.Getgid()}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		h.Kernel = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, name, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				h.CPU = strings.TrimSpace(name)
				break
			}
		}
	}
	var cpus unix.CPUSet
	if unix.SchedGetaffinity(pid, &cpus) == nil {
		h.CPUs = cpus.Count()
	}
	return h
}

// ready tries whether a child may be traced: a copy of this program that is killed before its first instruction.
func ready() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever, as above
		process, err := launch("/", []string{"/proc/self/exe"}, nil)
		if err == nil {
			(&stepper{pid: process.Pid}).end(process)
		}
		done <- err
	}()
	return <-done
}

// traceHint says how to get the right to trace.
func traceHint() string {
	if scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && strings.TrimSpace(string(scope)) == "3" {
		return "kernel.yama.ptrace_scope is 3, which forbids it until the next boot; set it to 1 in /etc/sysctl.d and restart"
	}
	return "in a container start it with --cap-add=SYS_PTRACE and a seccomp profile that allows ptrace(2)"
}
