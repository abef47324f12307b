package lab

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// defaultGcflags keeps variables and frames of the fixture as they are in the
// source; the runtime stays as every user has it.
const defaultGcflags = "-N -l"

// CompilerFlags returns the -gcflags of the setup: "-N -l" unless it says otherwise.
func (s *Setup) CompilerFlags() string {
	if s.Gcflags == nil {
		return defaultGcflags
	}
	return *s.Gcflags
}

// System returns the operating system and the architecture the setup is built for.
func (s *Setup) System() (goos, goarch string) {
	return cmp.Or(s.Goos, "linux"), cmp.Or(s.Goarch, "amd64")
}

// Level returns the level of amd64 the setup is built for, whatever its architecture.
func (s *Setup) Level() string { return cmp.Or(s.Goamd64, "v1") }

// Key returns the content of the setup in canonical form: two setups with the same Key
// are built and run the same way, and one start answers the claims of both.
// What is left out and what is written as its default are the same.
func (s *Setup) Key() string {
	goos, goarch := s.System()
	env := make([][2]string, 0, len(s.Env))
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, [2]string{name, s.Env[name]})
	}
	tags := slices.Sorted(slices.Values(s.Tags))
	beside := ""
	if s.Beside != nil {
		beside = s.Beside.Key()
	}
	// Marshalling strings, bools and lists of these cannot fail.
	key, _ := json.Marshal([]any{
		"tool", s.Tool, "making", s.Making, "gopath", s.Gopath, "beside", beside,
		"fixture", s.Fixture, "gcflags", s.CompilerFlags(), "ldflags", s.Ldflags, "tags", append([]string{}, tags...),
		"cgo", s.Cgo, "linkmode", s.Linkmode, "buildmode", s.Buildmode, "host", s.Host, "race", s.Race, "goexperiment", s.Goexperiment,
		"goos", goos, "goarch", goarch, "goamd64", s.Level(),
		"args", append([]string{}, s.Args...), "env", env, "runs", max(s.Runs, 1), "go", s.Go,
	})
	return string(key)
}
