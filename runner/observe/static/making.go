package static

import "go.starlark.net/starlark"

// onMaking are the words for what a toolchain tells of its work.
var onMaking = map[string]word{
	"Built":    noArgs(func(s *session) (starlark.Value, error) { return starlark.Bool(s.account.Built), nil }),
	"Messages": noArgs(func(s *session) (starlark.Value, error) { return texts(s.account.Messages), nil }),
	"Commands": noArgs(commands),
}

// commands is [package, tool, [argument, …]] of every run of a tool.
func commands(s *session) (starlark.Value, error) {
	list := make([]starlark.Value, len(s.account.Commands))
	for i, c := range s.account.Commands {
		list[i] = starlark.NewList([]starlark.Value{starlark.String(c.Package), starlark.String(c.Tool), texts(c.Args)})
	}
	return starlark.NewList(list), nil
}
