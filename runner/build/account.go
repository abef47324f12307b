package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rt0lab/rt0lab/runner/build/making"
	"github.com/rt0lab/rt0lab/runner/release/gocmd"
)

// accountFile is what a setup with Making has in the place of a binary.
const accountFile = "making.json"

// account tells how the toolchain makes the fixture, with the go command `run`
// ready but for its arguments. What it tells does not depend on what the caches have.
func (p *plan) account(ctx context.Context, run gocmd.Command, out string) (a making.Account, err error) {
	run.Args = p.args(out)
	says, err := gocmd.Printed(ctx, run)
	var failed *gocmd.Error
	var exit *exec.ExitError
	switch {
	case err == nil:
		// What the compiler was asked to tell, with -m; it tells it from the cache as well.
		a.Built, a.Messages = true, making.Messages(asInData(p.setup.Fixture, string(says)))
	case errors.As(err, &failed) && errors.As(err, &exit):
		a.Messages = making.Messages(asInData(p.setup.Fixture, failed.Says))
	default:
		return making.Account{}, err
	}
	// -n prints what would be run; -a as if nothing were cached; -p=1 in one order.
	run.Args = append([]string{"build", "-a", "-n", "-p=1"}, run.Args[1:]...)
	printed, err := gocmd.Printed(ctx, run)
	if err != nil && !errors.As(err, &failed) {
		return making.Account{}, err
	}
	a.Commands = making.Commands(string(printed), p.toolchain.GOROOT)
	return a, nil
}

// tell writes the account of a plan to a file.
func (p *plan) tell(ctx context.Context, run gocmd.Command, to string) error {
	dir := filepath.Dir(to)
	a, err := p.account(ctx, run, filepath.Join(dir, "program"))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := a.Write(&text); err != nil {
		return err
	}
	return os.WriteFile(to, text.Bytes(), 0o666)
}
