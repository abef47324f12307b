package cli

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
)

// noArgs refuses arguments of a command that takes none.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("%w: %s takes no argument, got %q", errUsage, c.Command.Name, c.Args().First())
	}
	return nil
}

func (s *session) cleanCommand() *cli.Command {
	return &cli.Command{
		Name:  "clean",
		Usage: "remove the built fixtures and their build cache (fetched toolchains stay: go clean -modcache)",
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			cache, err := s.cacheDir()
			if err != nil {
				return err
			}
			size, err := build.Size(cache)
			if err != nil {
				return err
			}
			if err := build.Clean(cache); err != nil {
				return err
			}
			fmt.Fprintf(s.stdout, "removed %s (%d MB)\n", cache, size>>20)
			return nil
		},
	}
}

func (s *session) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "the versions of rt0lab and of what it is made with",
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("read the build information: there is none; build rt0lab in module mode")
			}
			version := info.Main.Version
			if version == "" {
				version = "(devel)"
			}
			fmt.Fprintf(s.stdout, "rt0lab %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			for _, m := range info.Deps {
				switch m.Path {
				case "github.com/go-delve/delve", "github.com/cilium/ebpf", "go.starlark.net":
					fmt.Fprintf(s.stdout, "%s %s\n", m.Path, m.Version)
				}
			}
			return nil
		},
	}
}

// The completion scripts ask the program itself, so they know every command
// and flag without being generated anew.
const (
	bashCompletion = `_rt0lab() {
  local words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  local cur="${COMP_WORDS[COMP_CWORD]}"
  [[ "$cur" == -* ]] && words+=("$cur")
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _rt0lab rt0lab
`
	zshCompletion = `#compdef rt0lab
_rt0lab() {
  local -a opts
  opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  if [[ "${opts[1]}" != "" ]]; then _describe 'values' opts; else _files; fi
}
compdef _rt0lab rt0lab
`
)

func (s *session) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			switch shell := c.Args().First(); shell {
			case "bash":
				fmt.Fprint(s.stdout, bashCompletion)
			case "zsh":
				fmt.Fprint(s.stdout, zshCompletion)
			case "fish":
				script, err := c.App.ToFishCompletion()
				if err != nil {
					return fmt.Errorf("write the fish completion: %w", err)
				}
				fmt.Fprint(s.stdout, script)
			default:
				return fmt.Errorf("%w: %s: name a shell: bash, zsh or fish", errUsage, strings.TrimSpace("completion "+shell))
			}
			return nil
		},
	}
}

// splitList reads "a,b" and repeated flags alike.
func splitList(values []string) []string {
	var list []string
	for _, v := range values {
		for _, e := range strings.Split(v, ",") {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
	}
	return list
}
