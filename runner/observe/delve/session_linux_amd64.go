package delve

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// endSession kills every process of a session and returns when all are gone.
// Delve gives the fixture a process group of its own and lets it run when
// Delve dies, so neither the group nor the death of the child is enough.
func endSession(sid int) {
	for range 100 { // a process may fork while the list is read
		left := session(sid)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		for _, pid := range left {
			awaitEnd(pid)
		}
	}
}

// awaitEnd waits, a second at most, for the end of a process that is nobody's
// child here.
func awaitEnd(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // gone
	}
	defer unix.Close(fd)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Second/time.Millisecond))
}

// session lists the living processes of a session.
func session(sid int) (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp session …; the name may hold anything.
		f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(f) > 3 && string(f[3]) == strconv.Itoa(sid) && string(f[0]) != "Z" && string(f[0]) != "X" {
			pids = append(pids, pid)
		}
	}
	return pids
}
