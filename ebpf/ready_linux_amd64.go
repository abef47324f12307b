package ebpf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Ready returns nil when probes can be used here, or an error that wraps
// ErrRights or ErrFeature and says what is missing and how to get it. It asks
// for the things themselves, not for a kernel's number or a user's id, and once only.
func Ready() error { return probed() }

var probed = sync.OnceValue(probe)

func probe() error {
	if err := rights(); err != nil {
		return err
	}
	// A program that got its capabilities from its file may not look at itself in /proc,
	// where the loader reads the kernel's version. This gives nobody else a right: who traces needs the same capabilities.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("%w: the limit of locked memory cannot be lifted: %w (ulimit -l unlimited, as root)", ErrRights, err)
	}
	if _, err := kernelTypes.Kernel(); err != nil {
		return fmt.Errorf("%w: no BTF of the kernel in /sys/kernel/btf/vmlinux (%w); use a kernel built with CONFIG_DEBUG_INFO_BTF=y", ErrFeature, err)
	}
	for _, f := range []struct {
		what string
		have func() error
	}{
		{"kprobe programs (CONFIG_BPF_EVENTS=y, CONFIG_UPROBES=y)", func() error { return features.HaveProgramType(ebpf.Kprobe) }},
		{"ring buffers", func() error { return features.HaveMapType(ebpf.RingBuf) }},
		{"bpf_send_signal", func() error { return features.HaveProgramHelper(ebpf.Kprobe, asm.FnSendSignal) }},
		{"bpf_get_attach_cookie", func() error { return features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie) }},
	} {
		if err := f.have(); err != nil {
			return fmt.Errorf("%w: %s", diagnose(err), f.what)
		}
	}
	if features.HaveBPFLinkUprobeMulti() == nil {
		return nil
	}
	// Single probes are events of perf; without them cilium/ebpf uses tracefs.
	for _, way := range []string{"/sys/bus/event_source/devices/uprobe/type", "/sys/kernel/tracing/uprobe_events", "/sys/kernel/debug/tracing/uprobe_events"} {
		if _, err := os.Stat(way); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: neither uprobe_multi links nor events of perf nor tracefs (mount -t tracefs nodev /sys/kernel/tracing)", ErrFeature)
}

// capability is one of the rights that are needed.
type capability struct {
	name string
	bit  uint
}

var needed = []capability{{"CAP_BPF", unix.CAP_BPF}, {"CAP_PERFMON", unix.CAP_PERFMON}}

// rights names the capabilities that this process lacks.
func rights() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read the capabilities of this process: %w", err)
	}
	has := func(bit uint) bool { return data[bit/32].Effective&(1<<(bit%32)) != 0 }
	var missing []string
	for _, c := range needed {
		if !has(c.bit) && !has(unix.CAP_SYS_ADMIN) {
			missing = append(missing, c.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: this process lacks %s; %s", ErrRights, strings.Join(missing, " and "), getRights())
}

// getRights is what a person types.
func getRights() string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return fmt.Sprintf("run as root, or once: sudo setcap cap_bpf,cap_perfmon+ep %s (in a container: --cap-add BPF --cap-add PERFMON)", self)
}

// diagnose tells rights and features apart from what else may go wrong.
func diagnose(err error) error {
	switch {
	case errors.Is(err, ErrRights) || errors.Is(err, ErrFeature):
		return err
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w: %w", ErrFeature, err)
	case errors.Is(err, os.ErrPermission):
		// The capabilities are there, so something else forbids it: a container's seccomp profile, lockdown, a user namespace.
		return fmt.Errorf("%w: %w, in spite of CAP_BPF and CAP_PERFMON; in a container or a user namespace they must be the host's, and its seccomp profile must allow bpf and perf_event_open", ErrRights, err)
	}
	return err
}
