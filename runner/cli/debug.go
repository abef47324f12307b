package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/debugger"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/mutant"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/observe/gdb"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func (s *session) debugCommand() *cli.Command {
	return &cli.Command{
		Name:      "debug",
		Usage:     "a real debugger at a stop of a lab, with the lab's scripts and the runtime's source",
		ArgsUsage: "LAB | EXERCISE | MUTANT",
		Description: "Of an exercise that edits the runtime, and of a mutant, it is the program with the edited runtime;\n" +
			"what you have written for the exercise so far is in it.\n" +
			"The commands are those of Delve or gdb, and three more: say EXPRESSION (a word of the lab's\n" +
			"scripts), facts, stops. Commands can also be piped in. Delve is built in; gdb is the machine's.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "with", Usage: "the debugger: dlv or gdb", Value: "dlv"},
			&cli.StringFlag{Name: "at", Usage: "where to begin: a `STOP`, such as runtime.schedinit or \"runtime.rt0_go: CPUID\"", DefaultText: "the first one of the lab"},
			&cli.StringFlag{Name: "setup", Usage: "the setup of the lab to start", DefaultText: "that of the first claim"},
			&cli.StringFlag{Name: "go", Usage: "a release: local, go1.27.4, 1.27 (its newest patch), or the path of a GOROOT", Value: "local"},
			workFlag(),
			&cli.DurationFlag{Name: "patience", Usage: "how long the program may take to come to the stop", Value: debugger.Patience},
			&cli.StringFlag{Name: "overlay", Usage: "debug a patched runtime: a `FILE` as go build -overlay takes it"},
		},
		Action: s.debug,
	}
}

// debuggers are the names of the command line and those of the witnesses.
var debuggers = map[string]string{"dlv": delve.Name, "gdb": "gdb"}

func (s *session) debug(c *cli.Context) error {
	witness, ok := debuggers[c.String("with")]
	if !ok {
		return fmt.Errorf("%w: --with %s: use dlv or gdb", errUsage, c.String("with"))
	}
	data, err := s.data()
	if err != nil {
		return err
	}
	if c.Args().Len() != 1 {
		return fmt.Errorf("%w: debug wants one lab, exercise or mutant; see rt0lab list", errUsage)
	}
	what, err := topicOf(data, c.Args().First(), &course.Work{Dir: c.String("work")})
	if err != nil {
		return err
	}
	view, err := viewOf(data, what, witness, c.String("setup"))
	if err != nil {
		return err
	}
	if d := c.Duration("patience"); d <= 0 {
		return fmt.Errorf("%w: --patience %s: give a time such as 30s", errUsage, d)
	}
	var overlay map[string][]byte
	if file := c.String("overlay"); file != "" {
		if overlay, err = build.UserOverlay(file); err != nil {
			return err
		}
	}
	if err := s.trust(); err != nil {
		return err
	}
	names, err := release.Expand([]string{c.String("go")}, data.Releases)
	if err == nil && len(names) != 1 {
		err = fmt.Errorf("--go %s: debug wants one release", c.String("go"))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	tc, err := s.store().Resolve(c.Context, names[0])
	if err != nil {
		return err
	}
	if what.edits != nil {
		if overlay != nil {
			return fmt.Errorf("%w: --overlay: %s is an edited runtime already", errUsage, c.Args().First())
		}
		if overlay, err = editsFor(what.edits, tc); err != nil {
			return err
		}
	}
	d := newDebugger(witness)
	// Before minutes of building: is there anything to do it with?
	if err := d.Ready(c.Context); err != nil {
		return s.instead(what.lab, err)
	}
	bin, err := s.buildOne(c.Context, build.Input{Setup: view.setup, Toolchain: tc, Overlay: overlay})
	if err != nil {
		return err
	}
	var beside build.Binary
	if view.setup.Beside != nil {
		if beside, err = s.buildOne(c.Context, build.Input{Setup: view.setup.Beside, Toolchain: tc, Overlay: overlay}); err != nil {
			return err
		}
	}
	ask, err := s.sitting(view, bin, beside, c.String("at"))
	if err != nil {
		return err
	}
	ask.Patience = c.Duration("patience")
	return s.instead(what.lab, debugger.Start(c.Context, d, ask))
}

// instead says what serves where no program can be traced.
func (s *session) instead(l *lab.Lab, err error) error {
	if errors.Is(err, observe.ErrMachine) {
		return fmt.Errorf("%w; without a debugger, rt0lab replay %02d walks through what was recorded", err, l.Number)
	}
	return err
}

func newDebugger(witness string) debugger.Debugger {
	if witness == delve.Name {
		return delve.NewDebugger(delveSelf)
	}
	return gdb.New("")
}

func (s *session) buildOne(ctx context.Context, in build.Input) (build.Binary, error) {
	builder, err := s.builder()
	if err != nil {
		return build.Binary{}, err
	}
	builder.Building = func(setup *lab.Setup, release string) {
		fmt.Fprintf(s.stderr, "building %s with %s …\n", setup.Fixture, release)
	}
	return builder.Build(ctx, in)
}

// topic is what is to be debugged.
type topic struct {
	lab    *lab.Lab
	name   string       // for the title: of the exercise or mutant, "" of a lab
	claims []*lab.Claim // what is looked at
	edits  *lab.Mutant  // of the runtime; nil for the release's own
}

// topicOf finds a lab, an exercise or a mutant.
func topicOf(data *lab.Data, arg string, work *course.Work) (*topic, error) {
	l, notLab := data.LabOf(arg)
	if notLab == nil {
		return &topic{lab: l, claims: l.Claims}, nil
	}
	if l, e := data.ExerciseOf(arg); e != nil {
		edits, err := work.Edits(data, l, e)
		if err != nil {
			return nil, err
		}
		return &topic{lab: l, name: e.ID, claims: data.About(e), edits: edits}, nil
	}
	var known []string
	for _, l := range data.Labs {
		for _, m := range l.Mutants {
			if m.ID == arg {
				return &topic{lab: l, name: m.ID, claims: claimsOf(data, m.Refutes), edits: m}, nil
			}
			known = append(known, m.ID)
		}
		for _, e := range l.Exercises {
			known = append(known, e.ID)
		}
	}
	if hint := near.Hint(arg, known); hint != "" {
		return nil, fmt.Errorf("%w: no lab, exercise or mutant %q%s", lab.ErrUnknown, arg, hint)
	}
	return nil, notLab
}

func claimsOf(data *lab.Data, ids []string) (claims []*lab.Claim) {
	for _, id := range ids {
		if c := data.Claim(id); c != nil {
			claims = append(claims, c)
		}
	}
	return claims
}

// editsFor applies the edits to the release.
func editsFor(m *lab.Mutant, tc release.Toolchain) (map[string][]byte, error) {
	fits, err := mutant.Fits(m, tc.Name)
	if err != nil {
		return nil, err
	}
	if !fits && len(m.Edits) > 0 {
		return nil, fmt.Errorf("%w: the edits of %s are not for %s; choose another release with --go", errUsage, m.ID, tc.Name)
	}
	return mutant.Overlay(m, tc)
}

// view is what one debugger can see of a topic in one setup.
type view struct {
	*topic
	data     *lab.Data
	witness  string
	setup    *lab.Setup
	subjects []string
	first    []string // stops to begin at, the best first
}

// viewOf chooses the setup, "" for the first that the witness is asked about.
func viewOf(data *lab.Data, what *topic, witness, setup string) (*view, error) {
	v := &view{topic: what, data: data, witness: witness}
	var claims []*lab.Claim
	setups := map[string]bool{}
	for _, c := range what.claims {
		if c.Fact == "" || !slices.Contains(c.Witnesses, witness) {
			continue
		}
		is := data.SetupOf(c)
		goos, goarch := is.System()
		if is.Making || is.Tool != "" || goos != "linux" || goarch != "amd64" && (goarch != "arm64" || witness == delve.Name) {
			continue
		}
		setups[c.Setup] = true
		if setup == "" {
			setup = c.Setup
		}
		if c.Setup == setup {
			v.setup = is
			claims = append(claims, c)
		}
	}
	if l := what.lab; len(setups) == 0 && what.name != "" {
		// What it is about is seen without running a program; the lab may have more.
		return viewOf(data, &topic{lab: l, claims: l.Claims, edits: what.edits}, witness, setup)
	}
	there := slices.Sorted(maps.Keys(setups))
	switch {
	case len(setups) == 0:
		return nil, fmt.Errorf("%w: lab %s has nothing that %s can start and look at; its claims are seen without running a program (rt0lab verify %02d)", errUsage, what.lab.ID, witness, what.lab.Number)
	case v.setup == nil && what.lab.Setups[setup] != nil:
		goos, goarch := what.lab.Setups[setup].System()
		return nil, fmt.Errorf("%w: %s has nothing to look at in the setup %s (%s/%s): Delve starts what is built for linux/amd64, gdb linux/arm64 as well, by qemu (there are %s)",
			errUsage, witness, setup, goos, goarch, strings.Join(there, ", "))
	case v.setup == nil:
		return nil, fmt.Errorf("%w: %s looks at no setup %q of lab %s%s (there are %s)", errUsage, witness, setup, what.lab.ID, near.Hint(setup, there), strings.Join(there, ", "))
	}
	v.subjects = verify.SubjectsOf(claims)
	for _, c := range claims {
		for _, stop := range data.Catalogue[c.Fact].At {
			if stop != place.Image && stop != place.Exit && !slices.Contains(v.first, stop) {
				v.first = append(v.first, stop)
			}
		}
	}
	return v, nil
}

// sitting puts a session together: places, scripts, sources.
func (s *session) sitting(v *view, bin, beside build.Binary, at string) (debugger.Session, error) {
	specs := verify.Specs(v.data.Catalogue, v.subjects)
	lib, scripts, err := verify.ReadScripts(s.files, v.witness, v.subjects)
	if err != nil {
		return debugger.Session{}, err
	}
	r, err := place.Open(bin.Path)
	if err != nil {
		return debugger.Session{}, err
	}
	stops := stopsOf(specs, scripts)
	places, err := r.Places(stops)
	if err != nil {
		return debugger.Session{}, err
	}
	if at != "" && !slices.Contains(stops, at) {
		p := r.Place(at)
		if p.State != place.Placed {
			return debugger.Session{}, fmt.Errorf("%w: --at: %s%s; the stops of lab %s are:\n  %s", errUsage,
				p.Reason, near.Hint(at, stops), v.lab.ID, strings.Join(stops, "\n  "))
		}
		places = append(places, p)
	}
	if at == "" {
		at = firstPlaced(v.first, places)
	}
	ask := debugger.Session{
		Request: observe.Request{
			Binary: bin.Path, Args: verify.Arguments(v.setup, beside), Env: verify.Environment(v.setup),
			Release: bin.Release, GOOS: bin.GOOS, GOARCH: bin.GOARCH,
			Lib: lib, Scripts: scripts, Places: places, Specs: specs,
		},
		At: at, Lang: s.lang,
		Title: fmt.Sprintf("%s: %s · %s · %s/%s · %s", cmp.Or(v.name, v.lab.ID), v.lab.Title.In(s.lang), bin.Release, bin.GOOS, bin.GOARCH, v.setup.Name),
		Stdin: s.stdin, Stdout: s.terminal, Stderr: s.stderr,
	}
	if p := ask.Place(); p.State != place.Placed {
		return debugger.Session{}, fmt.Errorf("%w: --at %s: %s: %s; the stops of lab %s are:\n  %s", errUsage, at, bin.Release, p.Reason, v.lab.ID, strings.Join(stops, "\n  "))
	}
	return ask, s.findSources(&ask, r, bin, v.setup)
}

// firstPlaced is the first of the stops that is in the binary; the first instruction when none is.
func firstPlaced(stops []string, places []place.Place) string {
	for _, stop := range stops {
		for _, p := range places {
			if p.Stop == stop && p.State == place.Placed {
				return stop
			}
		}
	}
	return "exec"
}

// stopsOf are the stops of the subjects, and exec.
func stopsOf(specs fact.Catalogue, scripts []observe.Script) []string {
	seen := fact.Catalogue{}
	for name, spec := range specs {
		if slices.ContainsFunc(scripts, func(s observe.Script) bool { return s.Subject == fact.Subject(name) }) {
			seen[name] = spec
		}
	}
	stops := verify.Stops(seen)
	if !slices.Contains(stops, "exec") {
		stops = append([]string{"exec"}, stops...)
	}
	return stops
}

// findSources says where the sources are that the binary names: the runtime's in
// the GOROOT it was built with, the fixture's in the data.
func (s *session) findSources(ask *debugger.Session, r *place.Resolver, bin build.Binary, setup *lab.Setup) error {
	img, err := image.Open(bin.Path)
	if err != nil {
		return err
	}
	source := func(stop string) string {
		p := r.Place(stop)
		if p.State != place.Placed || len(p.Addrs) == 0 {
			return ""
		}
		file, _, _ := img.SourcePath(p.Addrs[0]) // no file is one that is not found
		return file
	}
	if dir, _, ok := strings.Cut(source("runtime.schedinit"), "/src/runtime/"); ok && dir != bin.GOROOT {
		ask.Sources = append(ask.Sources, debugger.Source{From: dir + "/src", To: path.Join(bin.GOROOT, "src")})
	}
	if file := source("main.main"); file != "" && setup.Fixture != "" {
		if ask.Files, err = fs.Sub(s.files, "fixtures/"+setup.Fixture); err != nil {
			return fmt.Errorf("open the fixture's sources: %w", err)
		}
		ask.FilesAt = path.Dir(file)
	}
	return nil
}
