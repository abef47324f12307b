package build

import (
	"context"
	"path/filepath"

	"github.com/rt0lab/rt0lab/runner/release/gocmd"
)

// archive is the file, in the fixture's folder, that a host is linked with.
const archive = "go.a"

// hostArgs are the C compiler's, run in the fixture's folder. Without -O, and with -g, for
// the same reason as Go's "-N -l".
func (p *plan) hostArgs(out string) []string {
	return []string{"-g", "-o", out, filepath.FromSlash(p.setup.Host), archive, "-lpthread"}
}

// link makes an archive of the fixture and of that and its host a program, with the go
// command `run` ready but for its arguments.
func (p *plan) link(ctx context.Context, run gocmd.Command, out string) error {
	run.Args = p.args(filepath.Join(run.Dir, archive))
	if _, err := gocmd.Run(ctx, run); err != nil {
		return err
	}
	run.Path, run.Args = p.compiler.path, p.hostArgs(out)
	_, err := gocmd.Run(ctx, run)
	return err
}
