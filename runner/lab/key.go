package lab

import (
	"encoding/json"
	"maps"
	"slices"
)

// defaultGcflags is what a setup is compiled with unless it says otherwise.
const defaultGcflags = "-N -l"

// CompilerFlags returns the -gcflags of the setup: "-N -l" unless it says otherwise.
func (s *Setup) CompilerFlags() string {
	if s.Gcflags == nil {
		return defaultGcflags
	}
	return *s.Gcflags
}

// Key returns the content of the setup in canonical form: two setups with the same Key
// are built and run the same way, and one start answers the claims of both.
// What is left out and what is written as its default are the same.
func (s *Setup) Key() string {
	or := func(v, otherwise string) string {
		if v == "" {
			return otherwise
		}
		return v
	}
	env := make([][2]string, 0, len(s.Env))
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, [2]string{name, s.Env[name]})
	}
	tags := slices.Sorted(slices.Values(s.Tags))
	// Marshalling strings, bools and lists of these cannot fail.
	key, _ := json.Marshal([]any{
		"fixture", s.Fixture, "gcflags", s.CompilerFlags(), "ldflags", s.Ldflags, "tags", append([]string{}, tags...),
		"cgo", s.Cgo, "linkmode", s.Linkmode, "buildmode", s.Buildmode, "race", s.Race, "goexperiment", s.Goexperiment,
		"goos", or(s.Goos, "linux"), "goarch", or(s.Goarch, "amd64"), "goamd64", or(s.Goamd64, "v1"),
		"args", append([]string{}, s.Args...), "env", env, "go", s.Go,
	})
	return string(key)
}
