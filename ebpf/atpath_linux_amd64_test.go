package ebpf_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// introspective says what a program can know of where it stands.
const introspective = `package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	self, err := os.Executable()
	fmt.Println(self, err)
	beside, err := os.ReadFile(filepath.Join(filepath.Dir(self), "beside"))
	fmt.Println(string(beside), err)
	info, err := os.Stat(self)
	if err != nil {
		info, _ = os.Stat("/")
	}
	fmt.Println(info.Mode(), info.Size(), info.ModTime(), info.Sys().(*syscall.Stat_t).Uid, err)
	dir, err := os.Getwd()
	fmt.Println(dir, err, os.Args)
	fmt.Println(os.Getuid(), os.Geteuid())
	sys, err := os.ReadDir("/sys")
	fmt.Println(len(sys) > 3, err)
	status, err := os.ReadFile("/proc/self/status")
	_, rights, _ := strings.Cut(string(status), "CapEff:")
	fmt.Printf("%.17s %v\n", rights, err)
}
`

// stage puts a program with a file beside it where everybody may go.
func stage(t *testing.T, source string, mode os.FileMode) string {
	t.Helper()
	path := buildtest.Copy(t, buildtest.Program(t, source, lab.Setup{}))
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "beside"), []byte("beside it"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func atPath(t *testing.T, from, path string) *ebpf.Copy {
	t.Helper()
	c, err := ebpf.AtPath(from, path)
	if errors.Is(err, ebpf.ErrPath) && errors.Is(err, os.ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// output starts a program, as a user without rights, and returns what it writes.
func output(path string, start func(*exec.Cmd) error) (string, error) {
	var out bytes.Buffer
	cmd := &exec.Cmd{Path: path, Args: []string{"its-name", "an argument"}, Env: []string{"LANG=C"}, Stdout: &out, Stderr: &out}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	err := start(cmd)
	return out.String(), err
}

// TestAtPath compares what a program knows of itself at its path with what it knows when nobody looks.
func TestAtPath(t *testing.T) {
	t.Parallel()
	ready(t)
	for _, tt := range []struct {
		name string
		mode os.FileMode
		cap  bool
	}{
		{"plain", 0o755, false},
		{"runs as its owner", 0o755 | os.ModeSetuid, false},
		{"has a capability", 0o755, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := stage(t, introspective, tt.mode)
			if tt.cap {
				grant(t, path, unix.CAP_SYS_TIME)
			}
			natural, err := output(path, (*exec.Cmd).Run)
			if err != nil || !strings.Contains(natural, "beside it") {
				t.Fatalf("%v\n%s", err, natural)
			}
			c := atPath(t, path, path)
			tracer := watched(t, c.Name(), ebpf.Options{Copy: c}, "main.main")
			for range 2 {
				seen := 0
				placed, err := output(c.Path(), func(cmd *exec.Cmd) error {
					_, err := tracer.Run(t.Context(), cmd, func(e ebpf.Event) bool {
						if e.Kind == ebpf.Passed {
							seen++
						}
						return true
					})
					return err
				})
				if err != nil || seen != 1 || placed != natural {
					t.Errorf("%v, main.main %d times; it says\n%swhen nobody looks\n%s", err, seen, placed, natural)
				}
			}
			// What is not the copy's has no probes, and still stands there for everybody else.
			if again, err := output(path, (*exec.Cmd).Run); err != nil || again != natural {
				t.Errorf("%v\n%s", err, again)
			}
			// In memory it does not know.
			m, err := ebpf.InMemory(path)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			tracer = watched(t, m.Name(), ebpf.Options{Copy: m}, "main.main")
			moved, err := output(m.Path(), func(cmd *exec.Cmd) error {
				_, err := tracer.Run(t.Context(), cmd, func(ebpf.Event) bool { return true })
				return err
			})
			if err != nil || moved == natural || !strings.Contains(moved, "memfd:") {
				t.Errorf("%v\n%s", err, moved)
			}
		})
	}
}

// TestAtPathReplaced: another file comes to the path. It is told, not measured.
func TestAtPathReplaced(t *testing.T) {
	t.Parallel()
	ready(t)
	path := stage(t, introspective, 0o755)
	c := atPath(t, path, path)
	tracer := watched(t, c.Name(), ebpf.Options{Copy: c}, "main.main")
	other := stage(t, "package main\n\nfunc main() {}\n", 0o755)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	run := func(cmd *exec.Cmd) error {
		_, err := tracer.Run(t.Context(), cmd, func(ebpf.Event) bool { return true })
		return err
	}
	if out, err := output(c.Path(), run); !errors.Is(err, ebpf.ErrOther) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want ErrOther and the path; %s", err, out)
	}
	c.Leave()
	if out, err := output(c.Path(), run); err != nil || !strings.Contains(out, "its-name") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestAtPathLeavesNothing looks for mounts and threads when copies are closed, also while their programs run.
func TestAtPathLeavesNothing(t *testing.T) {
	ready(t)
	mounts := func() string {
		text, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := mounts()
	path := stage(t, "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n", 0o755)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 5 {
		c, err := ebpf.AtPath(path, path)
		if errors.Is(err, ebpf.ErrPath) && errors.Is(err, os.ErrPermission) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		tracer := watched(t, c.Name(), ebpf.Options{Copy: c}, "main.main")
		run, stop := context.WithCancel(ctx)
		_, err = output(c.Path(), func(cmd *exec.Cmd) error {
			_, err := tracer.Run(run, cmd, func(e ebpf.Event) bool {
				if e.Kind == ebpf.Passed {
					c.Close() // it still runs
					stop()
				}
				return true
			})
			return err
		})
		stop()
		if err != nil {
			t.Error(err)
		}
	}
	if after := mounts(); after != before {
		t.Errorf("mounts before:\n%safter:\n%s", before, after)
	}
	for from := time.Now(); len(foreign(t)) > 0; { // a thread ends a moment after its copy
		if time.Since(from) > 10*time.Second {
			t.Fatalf("threads in other mount namespaces are left: %v", foreign(t))
		}
	}
}

// foreign are the threads of this process that are in another mount namespace than it is.
func foreign(t *testing.T) (threads []string) {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/self/task/*/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil && ns != own {
			threads = append(threads, link)
		}
	}
	return threads
}

func TestAtPathRefuses(t *testing.T) {
	t.Parallel()
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	for _, tt := range []struct{ name, from, path, want string }{
		{"nothing to copy", path + ".no", path, "no such file"},
		{"nothing at its path", path, path + ".no", "no such file"},
		{"a folder at its path", path, filepath.Dir(path), "mount the copy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := ebpf.AtPath(tt.from, tt.path)
			if !errors.Is(err, ebpf.ErrPath) || c != nil {
				t.Fatalf("%v, want ErrPath", err)
			}
			if !strings.Contains(err.Error(), tt.want) && !errors.Is(err, os.ErrPermission) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
