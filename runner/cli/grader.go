package cli

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/course"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/observe/delve"
	"github.com/rt0lab/rt0lab/runner/release"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
	"github.com/rt0lab/rt0lab/runner/verify"
)

// workVariable names the folder for the work files when --work does not.
const workVariable = "RT0LAB_WORK"

func workFlag() cli.Flag {
	return &cli.StringFlag{Name: "work", Usage: "the folder with your work files and progress", EnvVars: []string{workVariable}, Value: "rt0lab-work"}
}

// gradeFlags say how exercises are graded; see grader.
func gradeFlags() []cli.Flag {
	return append(jobsFlags(), workFlag(),
		oneGoFlag(), recordedFlag(),
	)
}

func oneGoFlag() cli.Flag {
	return &cli.StringFlag{Name: "go", Usage: "the release to do the exercises on: local, go1.27.4, 1.27, or the path of a GOROOT", DefaultText: "local"}
}

func recordedFlag() cli.Flag {
	return &cli.BoolFlag{Name: "recorded", Usage: "hold answers against the recordings; nothing is run"}
}

// noRuns says why only answers can be checked, "" when everything can.
func (s *session) noRuns(c *cli.Context) string {
	if c.Bool("recorded") {
		return "--recorded"
	}
	if err := delve.New(delveSelf).Ready(c.Context); err != nil {
		return err.Error()
	}
	return ""
}

// possible tells the exercises that can be checked here: when runs cannot be made, answers only, and
// those that are for the release. Where that is not known all are for it.
func (s *session) possible(c *cli.Context, data *lab.Data, noRuns string) func(*lab.Exercise) bool {
	name := cmp.Or(c.String("go"), "local")
	if noRuns != "" {
		name, _ = recordedRelease(data, name)
	} else if tc, err := s.store().Resolve(c.Context, name); err == nil {
		name = tc.Name
	}
	return func(e *lab.Exercise) bool {
		fits, err := constraint.Fits(e.Go, name)
		return (fits || err != nil) && (noRuns == "" || e.Answer != nil)
	}
}

// grader grades on the release that the flags name. Where nothing can be run (another system than
// Linux, no right to trace, --recorded) it has the recordings only.
func (s *session) grader(c *cli.Context) (*course.Grader, error) {
	data, err := s.data()
	if err != nil {
		return nil, err
	}
	name := c.String("go")
	if name == "" {
		name = "local"
	}
	if s.noRuns(c) != "" {
		name, err := recordedRelease(data, name)
		return s.graderOf(data, name), err
	}
	tc, err := s.store().Resolve(c.Context, name)
	if err != nil {
		return nil, fmt.Errorf("%w (with --recorded no toolchain is needed)", err)
	}
	return s.graderOn(c, tc)
}

// graderOf grades by the recordings of a release.
func (s *session) graderOf(data *lab.Data, release string) *course.Grader {
	return &course.Grader{
		Data: data, Lang: s.lang, Release: release, Scripts: s.files,
		Recorded: func(claim *lab.Claim) (*judge.Recorded, error) {
			book, err := s.book(labOf(data, claim).ID)
			if err != nil {
				return nil, err
			}
			goos, goarch := data.SetupOf(claim).System()
			return book.Recorded(claim, release, goos, goarch), nil
		},
	}
}

// graderOn grades by runs on a release, too.
func (s *session) graderOn(c *cli.Context, tc release.Toolchain) (*course.Grader, error) {
	e, err := s.engine(c)
	if err != nil {
		return nil, err
	}
	g := s.graderOf(e.Data, tc.Name)
	g.Toolchain = tc
	g.Engine = func(scripts fs.FS) *verify.Engine {
		return &verify.Engine{
			Data: e.Data, Scripts: scripts, Builder: e.Builder, Places: e.Places, Witnesses: e.Witnesses,
			Jobs: e.Jobs, Timeout: e.Timeout, Progress: e.Progress,
		}
	}
	return g, nil
}

// recordedRelease is the release of a name when no toolchain is asked: "local" is the newest recorded.
func recordedRelease(data *lab.Data, name string) (string, error) {
	if name == "local" && len(data.Releases) > 0 {
		return data.Releases[len(data.Releases)-1], nil
	}
	names, err := release.Expand([]string{name}, data.Releases)
	if err != nil || len(names) != 1 {
		return "", fmt.Errorf("%w: --go %s: name one release", errUsage, name)
	}
	if !strings.HasPrefix(names[0], "go") {
		return "go" + names[0], nil
	}
	return names[0], nil
}
