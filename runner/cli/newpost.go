package cli

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/newpost"
)

// Labs of one's own are numbered from here on, so that they never meet those
// that rt0lab will have.
const firstOwnLab = 50

func (s *session) newCommand() *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "begin a folder of one's own for --with: rt0lab new post NAME",
		ArgsUsage: "post NAME",
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 2 || c.Args().First() != "post" {
				return fmt.Errorf("%w: say rt0lab new post NAME", errUsage)
			}
			data, err := s.data()
			if err != nil {
				return err
			}
			name := c.Args().Get(1)
			if data.Subjects[name] != "" {
				return fmt.Errorf("%w: new post %s: there is a subject of that name (%s); take another name", errUsage, name, data.Subjects[name])
			}
			post := newpost.Post{Name: name, Number: firstOwnLab}
			for slices.ContainsFunc(data.Labs, func(l *lab.Lab) bool { return l.Number == post.Number }) {
				post.Number++
			}
			if n := len(data.Releases); n > 0 {
				post.Release = data.Releases[n-1]
			}
			files, err := newpost.Write(".", post)
			if err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintln(s.stdout, f)
			}
			fmt.Fprintf(s.stdout, "\nNext: rt0lab --with %s lint, then rt0lab --with %s verify %d\n", name, name, post.Number)
			return nil
		},
	}
}
