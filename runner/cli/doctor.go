package cli

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
)

// doctorCommand says what this machine can and cannot see, and how to see more.
func (s *session) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "what this machine can see, and how to see more",
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			fmt.Fprintf(s.stdout, "rt0lab on %s/%s, %d CPUs\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
			e, err := s.engine(c)
			if err != nil {
				return err
			}
			for _, w := range e.Witnesses {
				s.checkup(w.Name(), w.Ready(c.Context))
			}
			s.checkup("uprobes by eBPF", probesReady())
			_, err = exec.LookPath("gcc")
			if err != nil {
				err = fmt.Errorf("%w: install gcc (apt install gcc) for the setups with cgo", build.ErrNoCompiler)
			}
			s.checkup("C compiler", err)
			tc, err := s.store().Resolve(c.Context, "local")
			if err != nil {
				s.checkup("local release", err)
				return errReported
			}
			fmt.Fprintf(s.stdout, "  ok  local release: %s at %s\n", tc.Name, tc.GOROOT)
			cache, err := s.cacheDir()
			if err != nil {
				s.checkup("cache", err)
				return errReported
			}
			size, err := build.Size(cache)
			if err != nil {
				s.checkup("cache", err)
				return errReported
			}
			fmt.Fprintf(s.stdout, "  ok  cache: %s, %d MB (rt0lab clean empties it)\n", cache, size>>20)
			return nil
		},
	}
}

func (s *session) checkup(what string, err error) {
	if err != nil {
		fmt.Fprintf(s.stdout, "  --  %s: %v\n", what, err)
		return
	}
	fmt.Fprintf(s.stdout, "  ok  %s\n", what)
}

// probesReady asks the kernel for what uprobes by eBPF need: the feature
// itself, not a kernel version or a user id.
func probesReady() error {
	if runtime.GOOS != "linux" {
		return errors.New("eBPF needs Linux")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("lift the limit of locked memory: %w (run as root, or setcap cap_bpf,cap_perfmon+ep rt0lab)", err)
	}
	if err := features.HaveProgramType(ebpf.Kprobe); err != nil {
		return fmt.Errorf("load a probe program: %w (run as root, or setcap cap_bpf,cap_perfmon+ep rt0lab)", err)
	}
	return nil
}
