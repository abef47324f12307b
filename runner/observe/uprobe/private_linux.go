package uprobe

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart gives the program a session of its own, and an end when this process ends.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

func tool() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Sprintf("ebpf %d", version)
	}
	kernel, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
	return fmt.Sprintf("ebpf %d, linux %s", version, kernel)
}
