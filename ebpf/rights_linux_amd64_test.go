package ebpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	cilium "github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
)

func init() { child = look }

// look is what the processes do that TestRights starts.
func look(program string) {
	if err := ebpf.Ready(); err != nil {
		fmt.Printf("lacking: %v\n", err)
		return
	}
	r, err := place.Open(program)
	if err != nil {
		fmt.Println(err)
		return
	}
	img, err := image.Open(program)
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := ebpf.NewChooser(img, nil).Beginning(r.Place("main.main").Addrs[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	tracer, err := ebpf.Open(ebpf.Options{Path: program, Syscalls: true, Probes: []ebpf.Probe{{Site: site}}})
	if err != nil {
		fmt.Printf("not opened: %v\n", err)
		return
	}
	defer tracer.Close()
	var events []ebpf.Event
	cmd := started(program)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.Stdout = os.Stdout
	end, err := tracer.Run(context.Background(), cmd, func(e ebpf.Event) bool { events = append(events, e); return true })
	fmt.Printf("saw main.main: %v, calls: %v, exit %d, %v\n", len(passed(events)) == 1, len(syscalls(events)) > 9, end.ExitCode, err)
	_, err = ebpf.AtPath(program, program)
	fmt.Printf("a path error: %v, %v\n", errors.Is(err, ebpf.ErrPath), err)
}

// TestRights looks as a user who is nobody, with all capabilities that are needed, with none, and with each alone.
func TestRights(t *testing.T) {
	t.Parallel()
	ready(t)
	program := buildtest.Copy(t, buildtest.Hello(t, "local"))
	self := buildtest.Copy(t, executable(t))
	for _, f := range []string{program, self} {
		for _, open := range []string{f, filepath.Dir(f), filepath.Dir(filepath.Dir(f))} {
			if err := os.Chmod(open, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name         string
		capabilities []uintptr
		want         []string
	}{
		{"all", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, []string{"saw main.main: true, calls: true, exit 0, <nil>", "a path error: true, ", "operation not permitted (it takes root, or CAP_SYS_ADMIN)"}},
		{"none", nil, []string{"no right to use eBPF probes", "lacks CAP_BPF and CAP_PERFMON;", "setcap cap_bpf,cap_perfmon+ep " + self}},
		{"no CAP_BPF", []uintptr{unix.CAP_PERFMON}, []string{"lacks CAP_BPF;"}},
		{"no CAP_PERFMON", []uintptr{unix.CAP_BPF}, []string{"lacks CAP_PERFMON;"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(self)
			cmd.Dir = "/"
			cmd.Env = []string{childOf + "=" + program}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: tt.capabilities}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) {
				t.Skipf("may not become another user: %v (run as root)", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%v\n%s\nwant %q", err, out, want)
				}
			}
		})
	}
}

// The way out that Ready names: capabilities of the file, for a user who has none.
func TestFileCapabilities(t *testing.T) {
	t.Parallel()
	ready(t)
	program := buildtest.Copy(t, buildtest.Hello(t, "local"))
	for _, tt := range []struct {
		name    string
		granted bool
		want    string
	}{
		{"granted", true, "saw main.main: true, calls: true, exit 0, <nil>"},
		{"not granted", false, "lacks CAP_BPF and CAP_PERFMON;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			self := buildtest.Copy(t, executable(t))
			for _, f := range []string{program, self} {
				for _, open := range []string{f, filepath.Dir(f), filepath.Dir(filepath.Dir(f))} {
					if err := os.Chmod(open, 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			if tt.granted {
				grant(t, self, unix.CAP_BPF, unix.CAP_PERFMON)
			}
			cmd := exec.Command(self)
			cmd.Dir = "/"
			cmd.Env = []string{childOf + "=" + program}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) {
				t.Skipf("may not become another user: %v (run as root)", err)
			}
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("%v\n%s\nwant %q", err, out, tt.want)
			}
		})
	}
}

// grant gives a file capabilities.
func grant(t *testing.T, path string, capabilities ...int) {
	t.Helper()
	// struct vfs_cap_data: revision 2 and "effective", then permitted and inheritable for 32 capabilities each.
	attribute := make([]byte, 20)
	binary.LittleEndian.PutUint32(attribute, 0x02000001)
	for _, c := range capabilities {
		word := attribute[4+c/32*8:]
		binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<(c%32))
	}
	if err := unix.Setxattr(path, "security.capability", attribute, 0); err != nil {
		t.Skipf("a file may not be given capabilities: %v (run as root, on a file system that keeps them)", err)
	}
}

// Whoever watches is killed: the program goes with it, and so do the probes, the BPF programs and the maps.
func TestKilled(t *testing.T) {
	t.Parallel()
	ready(t)
	program := buildtest.Copy(t, buildtest.Program(t, "package main\n\nimport \"os\"\n\nfunc main() {\n\tos.Stdout.WriteString(\"running\\n\")\n\tfor {\n\t}\n}\n", lab.Setup{}))
	cmd := exec.Command(executable(t))
	cmd.Env = []string{childOf + "=" + program}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("running\n"))
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "running\n" {
		t.Errorf("%q, %v", line, err)
	}
	held := objects(t, cmd.Process.Pid)
	for _, kind := range []string{"link", "prog", "map"} {
		if len(held[kind]) == 0 || gone(t, kind, held[kind][0]) {
			t.Errorf("it holds no %s, as far as one can see: %v; that proves nothing", kind, held)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	// The pipe ends when the program, which writes to it, has ended.
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	_ = cmd.Wait()
	// The kernel takes its time with what nobody holds any more.
	for from := time.Now(); len(held) > 0; {
		for kind, ids := range held {
			if ids = slices.DeleteFunc(ids, func(id uint32) bool { return gone(t, kind, id) }); len(ids) == 0 {
				delete(held, kind)
			} else {
				held[kind] = ids
			}
		}
		if time.Since(from) > 30*time.Second {
			t.Fatalf("left behind: %v", held)
		}
	}
}

// objects are the numbers of the BPF objects that a process has open, by what they are.
func objects(tb testing.TB, pid int) map[string][]uint32 {
	tb.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		tb.Fatal(err)
	}
	held := map[string][]uint32{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			kind, isID := strings.CutSuffix(name, "_id")
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			if isID && err == nil && (kind == "link" || kind == "prog" || kind == "map") && !slices.Contains(held[kind], uint32(id)) {
				held[kind] = append(held[kind], uint32(id))
			}
		}
	}
	return held
}

// gone reports whether the kernel has no such object.
func gone(tb testing.TB, kind string, id uint32) bool {
	tb.Helper()
	var object io.Closer
	var err error
	switch kind {
	case "link":
		object, err = link.NewFromID(link.ID(id))
	case "prog":
		object, err = cilium.NewProgramFromID(cilium.ProgramID(id))
	case "map":
		object, err = cilium.NewMapFromID(cilium.MapID(id))
	}
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		tb.Fatalf("look at %s %d: %v", kind, id, err)
	}
	object.Close()
	return false
}

// Not parallel: it counts what this process has open.
func TestCloseLeavesNothing(t *testing.T) {
	ready(t)
	path := buildtest.Copy(t, buildtest.Hello(t, "local"))
	r, img := looked(t, path)
	site, err := ebpf.NewChooser(img, nil).Beginning(addressOf(t, r, "main.main"))
	if err != nil {
		t.Fatal(err)
	}
	once := func() int {
		tracer, err := ebpf.Open(ebpf.Options{Path: path, Syscalls: true, Probes: []ebpf.Probe{{Site: site}}})
		if err != nil {
			t.Fatal(err)
		}
		run(t, tracer, started(path))
		during := open(t)
		if err := tracer.Close(); err != nil {
			t.Error(err)
		}
		return during
	}
	once() // what is kept for the next one is opened now
	before := open(t)
	for range 5 {
		if during := once(); during <= before {
			t.Errorf("%d descriptors while probes are attached, %d before: that proves nothing", during, before)
		}
	}
	if after := open(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// open counts the descriptors of this process.
func open(tb testing.TB) int {
	tb.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(list)
}

func executable(tb testing.TB) string {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return self
}
