package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/place"
)

// requests makes one request per witness of the plan. All of them share the
// places, so that every witness stops at the same addresses.
func (e *Engine) requests(ask Ask, p *plan, bin build.Binary) (map[string]observe.Request, error) {
	specs := Specs(e.Data.Catalogue, p.subjects)
	var places []place.Place
	if slices.ContainsFunc(p.witnesses, func(w string) bool { return !lab.ScriptsOf[w].Still }) && bin.GOOS == "linux" && (bin.GOARCH == "amd64" || bin.GOARCH == "arm64") {
		var err error
		if places, err = e.Places(bin, Stops(specs)); err != nil {
			return nil, fmt.Errorf("resolve the stops of %s on %s: %w", p.setup.Name, ask.Toolchain.Name, err)
		}
	}
	reqs := map[string]observe.Request{}
	for _, name := range p.witnesses {
		lib, scripts, err := ReadScripts(e.Scripts, name, p.subjects)
		if err != nil {
			return nil, err
		}
		for _, s := range scripts {
			p.start.Scripts[name] = append(p.start.Scripts[name], s.Subject)
		}
		timeout := e.Timeout
		if timeout == 0 {
			timeout = DefaultTimeout
		}
		reqs[name] = observe.Request{
			Binary: bin.Path, Args: Arguments(p.setup, p.start.Beside), Env: Environment(p.setup),
			Release: bin.Release, GOOS: bin.GOOS, GOARCH: bin.GOARCH,
			Making: p.setup.Making, Beside: p.start.Beside.Path, Lib: lib, Scripts: scripts, Places: places, Specs: specs, Timeout: timeout,
		}
	}
	return reqs, nil
}

// ReadScripts reads the library and the tables of the subjects for one
// witness. A subject that has no script for this witness is left out: lint
// knows whether that is right.
func ReadScripts(fsys fs.FS, witness string, subjects []string) (lib observe.Script, scripts []observe.Script, err error) {
	where, ok := lab.ScriptsOf[witness]
	if !ok {
		return lib, nil, nil
	}
	read := func(subject, path string) (observe.Script, error) {
		src, err := fs.ReadFile(fsys, path)
		if err != nil {
			return observe.Script{}, fmt.Errorf("read script: %w", err)
		}
		return observe.Script{Subject: subject, Path: path, Source: string(src)}, nil
	}
	if where.Library != "" {
		if lib, err = read("", where.Library); err != nil {
			return lib, nil, err
		}
	}
	for _, s := range subjects {
		script, err := read(s, where.File(s))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return lib, nil, err
		}
		scripts = append(scripts, script)
	}
	return lib, scripts, nil
}

// Specs are the facts of the subjects.
func Specs(all fact.Catalogue, subjects []string) fact.Catalogue {
	specs := fact.Catalogue{}
	for name, spec := range all {
		if slices.Contains(subjects, fact.Subject(name)) {
			specs[name] = spec
		}
	}
	return specs
}

// Stops are the places at which a debugger looks for the facts, sorted.
func Stops(specs fact.Catalogue) []string {
	set := map[string]bool{}
	for _, spec := range specs {
		for _, stop := range spec.At {
			set[stop] = true
		}
	}
	delete(set, place.Image)
	delete(set, place.Exit)
	return slices.Sorted(maps.Keys(set))
}

// Arguments are those of the setup, with the path of what was built beside it.
func Arguments(s *lab.Setup, beside build.Binary) []string {
	args := slices.Clone(s.Args)
	for i, arg := range args {
		if arg == lab.BesideArg {
			args[i] = beside.Path
		}
	}
	return args
}

// Environment is the whole environment a fixture is started with. It is small and
// fixed, because the size of the environment moves the stack.
func Environment(s *lab.Setup) []string {
	env := map[string]string{"PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C"}
	maps.Copy(env, s.Env)
	var list []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// SubjectsOf are the subjects of the claims' facts, sorted.
func SubjectsOf(claims []*lab.Claim) []string {
	var subjects []string
	for _, c := range claims {
		if c.Fact != "" {
			subjects = append(subjects, fact.Subject(c.Fact))
		}
	}
	return unique(subjects)
}
