package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/rt0lab/rt0lab/runner/release/gocmd"
)

// cCompiler is the C compiler, which is the linker's helper as well.
type cCompiler struct {
	name    string // as CC has it
	path    string
	version string // its first line
}

// crossCompilers are the names under which distributions have compilers for other platforms.
var crossCompilers = map[string]string{
	"linux/386":     "i686-linux-gnu-gcc",
	"linux/amd64":   "x86_64-linux-gnu-gcc",
	"linux/arm64":   "aarch64-linux-gnu-gcc",
	"windows/amd64": "x86_64-w64-mingw32-gcc",
}

// needsCompiler reports whether the toolchain will call a C compiler.
func (p *plan) needsCompiler() bool {
	switch p.setup.Buildmode {
	case "", "exe", "default":
	case "pie":
		// The linker of 1.15 and later makes one by itself on linux/amd64 and arm64.
		if p.minor < 15 {
			return true
		}
	default:
		return true
	}
	return p.cgo || p.setup.Linkmode == "external"
}

// cCompiler finds a compiler for the platform.
func (b *Builder) cCompiler(ctx context.Context, goos, goarch string) (cCompiler, error) {
	platform := goos + "/" + goarch
	return b.compilers.Do(ctx, platform, func(ctx context.Context) (cCompiler, error) {
		names, hint := []string{"gcc", "clang"}, "apt install gcc"
		if platform != runtime.GOOS+"/"+runtime.GOARCH {
			cross := crossCompilers[platform]
			if cross == "" {
				return cCompiler{}, fmt.Errorf("%w: none is known for %s on %s/%s", ErrNoCompiler, platform, runtime.GOOS, runtime.GOARCH)
			}
			names, hint = []string{cross}, "apt install "+crossPackage(cross)
		}
		for _, name := range names {
			path, err := exec.LookPath(name)
			if err != nil {
				continue
			}
			out, err := gocmd.Run(ctx, gocmd.Command{Path: path, Args: []string{"--version"}, Env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}})
			if err != nil {
				continue
			}
			first, _, _ := strings.Cut(string(out), "\n")
			return cCompiler{name: name, path: path, version: first}, nil
		}
		if ctx.Err() != nil {
			return cCompiler{}, context.Cause(ctx)
		}
		return cCompiler{}, fmt.Errorf("%w: no %s in PATH (%s)", ErrNoCompiler, strings.Join(names, " or "), hint)
	})
}

// crossPackage is the Debian package of a cross compiler: its gcc comes first in the package's name.
func crossPackage(command string) string {
	triple := strings.TrimSuffix(command, "-gcc")
	if strings.Contains(triple, "mingw") {
		return "gcc-mingw-w64-x86-64"
	}
	return "gcc-" + strings.ReplaceAll(triple, "_", "-")
}
