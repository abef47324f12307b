package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe"
	"github.com/rt0lab/rt0lab/runner/recording"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func (s *session) recordCommand() *cli.Command {
	return &cli.Command{
		Name:      "record",
		Usage:     "run labs and write what was seen; --check compares only",
		ArgsUsage: "LAB|all",
		Flags: append(jobsFlags(), goFlag(),
			&cli.BoolFlag{Name: "check", Usage: "write nothing: exit with 1 when a run sees something else than what is recorded"},
		),
		Action: func(c *cli.Context) error {
			data, err := s.data()
			if err != nil {
				return err
			}
			if c.Args().Len() != 1 {
				return fmt.Errorf("%w: record wants one lab, or all", errUsage)
			}
			labs, err := labsOf(data, c.Args().First())
			if err != nil {
				return err
			}
			for _, l := range labs {
				if !c.Bool("check") && s.files.of(l.File).dir == "" {
					return fmt.Errorf("%w: record writes into a data folder: name it with --data DIR (or compare only, with --check)", errUsage)
				}
			}
			e, err := s.engine(c)
			if err != nil {
				return err
			}
			drift := false
			failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
				changed, err := s.record(c, e, labs, tc)
				drift = drift || changed
				return err
			})
			s.progressDone()
			switch {
			case err != nil:
				return err
			case failed:
				return errReported
			case drift:
				return errDrift
			}
			return nil
		},
	}
}

// record runs the labs on one release and writes or compares their recordings.
func (s *session) record(c *cli.Context, e *verify.Engine, labs []*lab.Lab, tc release.Toolchain) (changed bool, err error) {
	var claims []*lab.Claim
	for _, l := range labs {
		claims = append(claims, l.Claims...)
	}
	res, err := e.Run(c.Context, verify.Ask{Claims: claims, Toolchain: tc})
	if err != nil {
		return false, err
	}
	for _, l := range labs {
		for _, platform := range platforms(e.Data, l) {
			differs, err := s.recordOne(l, platform, res, c.Bool("check"))
			if err != nil {
				return changed, err
			}
			changed = changed || differs
		}
	}
	differs, err := s.recordTraces(c.Context, e.Builder, labs, tc, c.Bool("check"))
	return changed || differs, err
}

func (s *session) recordOne(l *lab.Lab, p recording.Platform, res *verify.Result, check bool) (changed bool, err error) {
	var lacking []string
	if check {
		lacking = s.lacking(res)
		l = without(l, lacking)
	}
	rec, leftOut, err := recording.Make(s.input(l, p, res))
	if err != nil {
		return false, err
	}
	if !s.verbose {
		leftOut = nil // nobody claims anything of these facts
	}
	for _, why := range leftOut {
		fmt.Fprintf(s.stderr, "rt0lab: not recorded, and no claim asks for it: %s\n", why)
	}
	if !check {
		path, err := rec.Write(s.files.of(l.File).dir)
		if err != nil {
			return false, err
		}
		fmt.Fprintln(s.stdout, path)
		return false, nil
	}
	book, err := s.book(l.ID)
	if err != nil {
		return false, err
	}
	old, exact := book.At(res.Release, p.GOOS, p.GOARCH)
	if old == nil || !exact {
		fmt.Fprintf(s.stdout, "%s on %s: nothing is recorded; write it with rt0lab --data DIR record\n", l.ID, res.Release)
		return true, nil
	}
	for _, d := range recording.Compare(old.Without(lacking), rec.Without(lacking), s.loaded.Catalogue) {
		fmt.Fprintf(s.stdout, "%s on %s: %s\n", l.ID, res.Release, d)
		changed = true
	}
	return changed, nil
}

// lacking are the witnesses that this machine does not have, each told of once:
// a comparison is good without them, a recording is not.
func (s *session) lacking(res *verify.Result) (names []string) {
	for _, start := range res.Starts {
		for name, err := range start.Errs {
			if !errors.Is(err, observe.ErrMachine) || slices.Contains(names, name) {
				continue
			}
			names = append(names, name)
			s.tellOnce(name, err)
		}
	}
	return names
}

// tellOnce says without whom a comparison was made.
func (s *session) tellOnce(name string, err error) {
	if !s.told[name] {
		fmt.Fprintf(s.stderr, "rt0lab: compared without %s: %v\n", name, err)
	}
	if s.told == nil {
		s.told = map[string]bool{}
	}
	s.told[name] = true
}

// without is the lab as if its claims did not ask the witnesses.
func without(l *lab.Lab, witnesses []string) *lab.Lab {
	if len(witnesses) == 0 {
		return l
	}
	lean := *l
	lean.Claims = nil
	for _, c := range l.Claims {
		d := *c
		d.Witnesses = slices.DeleteFunc(slices.Clone(c.Witnesses), func(w string) bool { return slices.Contains(witnesses, w) })
		if len(d.Witnesses) > 0 || c.Unobservable.En != "" {
			lean.Claims = append(lean.Claims, &d)
		}
	}
	return &lean
}

// input gathers what the witnesses saw in the setups of one lab and platform.
func (s *session) input(l *lab.Lab, p recording.Platform, res *verify.Result) recording.Input {
	in := recording.Input{
		Lab: l, Catalogue: s.loaded.Catalogue, Release: res.Release, GOOS: p.GOOS, GOARCH: p.GOARCH,
		Tools: map[string]string{}, Host: host(), Setups: map[string]recording.Observed{},
	}
	for name, setup := range l.Setups {
		start := res.Starts[setup.Key()]
		if start == nil || recording.PlatformOf(setup) != p {
			continue
		}
		obs := recording.Observed{Digest: start.Binary.Digest, Facts: map[string]map[string]observe.Seen{}}
		if errors.Is(start.BuildErr, build.ErrUnsupported) {
			obs.Unsupported = start.BuildErr.Error()
		}
		subjects, witnesses := map[string]bool{}, map[string]bool{}
		for _, c := range l.Claims {
			if c.Setup != name || c.Unobservable.En != "" {
				continue
			}
			subjects[fact.Subject(c.Fact)] = true
			for _, witness := range c.Witnesses {
				witnesses[witness] = true
				put(obs.Facts, c.Fact, witness, start.Seen(witness, c.Fact))
			}
		}
		// Of the same start, other labs may have asked other witnesses about other subjects: a
		// recording is the same whether its lab was recorded alone or with all.
		for witness, o := range start.Observations {
			if !witnesses[witness] {
				continue
			}
			in.Tools[witness] = o.Tool
			for name, seen := range o.Facts {
				if subjects[fact.Subject(name)] {
					put(obs.Facts, name, witness, seen)
				}
			}
		}
		in.Setups[name] = obs
	}
	return in
}

// platforms are the systems that the setups of a lab's claims are built for.
func platforms(data *lab.Data, l *lab.Lab) []recording.Platform {
	var list []recording.Platform
	for _, c := range l.Claims {
		if c.Unobservable.En != "" {
			continue
		}
		if p := recording.PlatformOf(data.SetupOf(c)); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

func put(facts map[string]map[string]observe.Seen, name, witness string, seen observe.Seen) {
	if facts[name] == nil {
		facts[name] = map[string]observe.Seen{}
	}
	facts[name][witness] = seen
}

// host is this machine, for people who read the recording.
func host() recording.Host {
	var h recording.Host
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		h.Kernel = strings.TrimSpace(string(release))
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return h
	}
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			h.CPU = strings.TrimSpace(value)
			break
		}
	}
	return h
}
