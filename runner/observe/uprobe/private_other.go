//go:build !linux

package uprobe

import (
	"fmt"
	"os"
	"syscall"

	"github.com/rt0lab/rt0lab/ebpf"
)

func copyOf(*os.File) (*os.File, error) { return nil, ebpf.Ready() }

func apart() *syscall.SysProcAttr { return nil }

func tool() string { return fmt.Sprintf("ebpf %d", version) }
