package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command in front of its arguments and global
// flags in front of the command, so that `verify 03 --go all --data .` means
// what it says: the library stops to look for flags at the first argument.
// Whatever it does not know stays where it is and is refused later.
// A flag at the end that wants a value is an error here: once it is moved, it
// would take the first argument for one.
func flagsFirst(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 || slices.Contains(args, "--generate-bash-completion") {
		return args, nil
	}
	var global, own, rest []string
	var cmd *cli.Command
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i:]...)
			i = len(args)
		case len(arg) > 1 && arg[0] == '-':
			name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			list := &own
			flag := lookFor(cmd, name)
			if flag == nil {
				if flag = among(app.Flags, name); flag != nil || cmd == nil {
					list = &global
				}
			}
			*list = append(*list, arg)
			if flag != nil && takesValue(flag) && !hasValue {
				if i++; i == len(args) {
					return nil, fmt.Errorf("%w: %s wants a value (see rt0lab help)", errUsage, arg)
				}
				*list = append(*list, args[i])
			}
		case cmd == nil:
			if cmd = app.Command(arg); cmd == nil {
				return args, nil
			}
			rest = append(rest, arg)
		default:
			rest = append(rest, arg)
		}
	}
	if cmd == nil {
		return args, nil
	}
	return slices.Concat(args[:1], global, rest[:1], own, rest[1:]), nil
}

func lookFor(cmd *cli.Command, name string) cli.Flag {
	if cmd == nil {
		return nil
	}
	return among(cmd.Flags, name)
}

func among(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
