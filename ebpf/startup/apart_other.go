//go:build !linux

package startup

import "syscall"

func apart(User) *syscall.SysProcAttr { return nil }
