package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/ebpf"
	"github.com/rt0lab/rt0lab/runner/build"
	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/verify"
)

func (s *session) stopsCommand() *cli.Command {
	return &cli.Command{
		Name:      "stops",
		Usage:     "where the stops of subjects are in a built fixture; what a stock dlv or gdb needs to run their scripts by hand",
		ArgsUsage: "SUBJECT …",
		Flags: []cli.Flag{
			goFlag(),
			&cli.StringFlag{Name: "setup", Usage: "the setup to look at", Value: "plain"},
			&cli.StringFlag{Name: "format", Usage: "text, starlark (for dlv) or python (for gdb)", Value: "text"},
		},
		Action: s.stops,
	}
}

func (s *session) stops(c *cli.Context) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	format := c.String("format")
	if !slices.Contains([]string{"text", "starlark", "python"}, format) {
		return fmt.Errorf("%w: --format %s: use text, starlark or python", errUsage, format)
	}
	if !c.Args().Present() {
		return fmt.Errorf("%w: stops wants a subject: the part of a fact's name before the first dot, such as g0", errUsage)
	}
	for _, subject := range c.Args().Slice() {
		if data.Subjects[subject] == "" {
			return fmt.Errorf("%w: no subject %q (no scripts/%s.yaml)", errUsage, subject, subject)
		}
	}
	setup := setupNamed(data, c.String("setup"))
	if setup == nil {
		return fmt.Errorf("%w: no lab has a setup %q", errUsage, c.String("setup"))
	}
	builder, err := s.builder()
	if err != nil {
		return err
	}
	stops := verify.Stops(verify.Specs(data.Catalogue, c.Args().Slice()))
	failed, err := s.toolchains(c.Context, releasesOf(c), func(tc release.Toolchain) error {
		bin, err := builder.Build(c.Context, build.Input{Setup: setup, Toolchain: tc})
		if err != nil {
			return err
		}
		r, err := place.Open(bin.Path)
		if err != nil {
			return err
		}
		places, err := r.Places(stops)
		if err != nil {
			return err
		}
		choose, err := chooser(bin, places)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.stdout, "# %s %s/%s: %s\n", bin.Release, bin.GOOS, bin.GOARCH, bin.Path)
		if slices.Contains(setup.Args, lab.BesideArg) {
			beside, err := builder.Build(c.Context, build.Input{Setup: setup.Beside, Toolchain: tc})
			if err != nil {
				return err
			}
			fmt.Fprintf(s.stdout, "# beside it: %s\n", beside.Path)
		}
		s.printPlaces(format, places, choose)
		return nil
	})
	if err == nil && failed {
		err = errReported
	}
	return err
}

// chooser chooses the sites of probes, nil where there are no probes.
func chooser(bin build.Binary, places []place.Place) (*ebpf.Chooser, error) {
	if bin.GOOS != "linux" || bin.GOARCH != "amd64" {
		return nil, nil
	}
	img, err := image.Open(bin.Path)
	if err != nil {
		return nil, err
	}
	var asked []uint64
	for _, p := range places {
		asked = append(asked, p.Addrs...)
	}
	return ebpf.NewChooser(img, asked), nil
}

// probed says where the probes for a place stand, for people.
func probed(choose *ebpf.Chooser, p place.Place) string {
	if choose == nil {
		return ""
	}
	sites, err := choose.Sites(p)
	if err != nil {
		return "; no probe: " + err.Error()
	}
	text := ""
	for _, site := range sites {
		text += fmt.Sprintf("; probe at %#x, %s", site.Addr, site.Inst)
		if !site.Cheap {
			text += " (single-stepped: slow)"
		}
	}
	return text
}

func (s *session) printPlaces(format string, places []place.Place, choose *ebpf.Chooser) {
	if format != "text" {
		fmt.Fprintln(s.stdout, "PLACES = {")
	}
	for _, p := range places {
		addrs := make([]string, 0, len(p.Addrs))
		for _, a := range p.Addrs {
			addrs = append(addrs, fmt.Sprintf("%#x", a))
		}
		if format == "text" {
			where := strings.Join(addrs, " ")
			if p.Exec {
				where = "the first instruction after execve"
			}
			if p.State == place.Placed {
				where += probed(choose, p)
			} else {
				where = fmt.Sprintf("%s: %s", p.State, p.Reason)
			}
			fmt.Fprintf(s.stdout, "%-40s %s\n", p.Stop, where)
			continue
		}
		if p.State != place.Placed {
			continue
		}
		key, _ := json.Marshal(p.Stop) // a string always marshals
		to := make([]string, 0, len(p.To))
		for _, a := range p.To {
			to = append(to, fmt.Sprintf("%#x", a))
		}
		truth := map[bool]string{true: "True", false: "False"}
		fmt.Fprintf(s.stdout, "    %s: {\"addrs\": [%s], \"to\": [%s], \"hit\": %d, \"exec\": %s, \"any_thread\": %s},\n",
			key, strings.Join(addrs, ", "), strings.Join(to, ", "), p.Hit, truth[p.Exec], truth[p.AnyThread])
	}
	if format != "text" {
		fmt.Fprintln(s.stdout, "}")
	}
}

func setupNamed(data *lab.Data, name string) *lab.Setup {
	for _, l := range data.Labs {
		if s := l.Setups[name]; s != nil {
			return s
		}
	}
	return nil
}
