package cli

import (
	"fmt"
	"os/exec"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
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
				if g, ok := w.(*gdb.Witness); ok {
					s.checkup("linux/arm64 by gdb and qemu", g.Emulates(c.Context))
				}
			}
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
