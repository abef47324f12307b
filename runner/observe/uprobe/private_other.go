//go:build !linux

package uprobe

import (
	"fmt"
	"syscall"
)

func apart() *syscall.SysProcAttr { return nil }

func tool() string { return fmt.Sprintf("ebpf %d", version) }
