//go:build linux && amd64

package gdb_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
)

// victimVariable makes this test binary the process that is killed while it observes.
const victimVariable = "RT0LAB_TEST_VICTIM"

func TestVictim(t *testing.T) {
	path := os.Getenv(victimVariable)
	if path == "" {
		t.Skip("run by TestKilled")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var req observe.Request
	if err := json.Unmarshal(data, &req); err != nil {
		t.Fatal(err)
	}
	_, err = gdb.New("").Observe(t.Context(), req)
	t.Fatal("not killed: ", err)
}

// Whoever observes is killed where it cannot clean up: the kernel has to.
func TestKilled(t *testing.T) {
	t.Parallel()
	witness(t)
	binary, req := hanging(t)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// The script tells that it was reached, and by whom.
	req.Scripts[0].Source = "import os\ndef early(seen):\n  with open('" + fifo + "', 'w') as f: f.write('%d %d\\n' % (os.getpid(), Pid()))\n  return {'f.early': 1}\nstops = {'runtime.schedinit': early}\n"
	data, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "request.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimVariable+"="+file, "TMPDIR="+dir)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var fds []unix.PollFd
	for _, pid := range strings.Fields(text) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(n, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	for i := range fds {
		one := fds[i : i+1]
		if n, err := unix.Poll(one, int(20*time.Second/time.Millisecond)); n != 1 {
			t.Errorf("%s still lives after 20s (%v)", []string{"gdb", "the fixture"}[i], err)
		}
	}
	wantGone(t, binary)
}
