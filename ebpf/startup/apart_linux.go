package startup

import "syscall"

// apart gives the program a session and a user of its own, and an end when this process ends.
func apart(u User) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if u.Name != "" {
		a.Credential = &syscall.Credential{Uid: u.Uid, Gid: u.Gid, Groups: u.Groups}
	}
	return a
}
