package build

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// abilities is what a toolchain says of itself in its own sources. Its tools
// are not asked: since 1.25 they are no longer in the distribution, and their words change.
type abilities struct {
	platforms   map[string]bool // "linux/amd64"; nil when it does not say
	experiments map[string]bool // "arenas"; nil before 1.17, where there are none to choose
}

// supports returns ErrUnsupported when the release does not know what the setup asks for.
func (b *Builder) supports(ctx context.Context, p *plan) error {
	can, err := b.abilities.Do(ctx, p.toolchain.GOROOT, func(context.Context) (abilities, error) {
		return abilitiesOf(p.toolchain.GOROOT)
	})
	if err != nil {
		return err
	}
	if platform := p.goos + "/" + p.goarch; can.platforms != nil && !can.platforms[platform] {
		return fmt.Errorf("%w: it does not know %s", ErrUnsupported, platform)
	}
	if level := p.setup.Goamd64; level != "" {
		switch {
		case !slices.Contains([]string{"v1", "v2", "v3", "v4"}, level):
			return fmt.Errorf("goamd64 %q: say v1, v2, v3 or v4", level)
		case p.minor < 18 && level != "v1":
			return fmt.Errorf("%w: GOAMD64 is known since 1.18", ErrUnsupported)
		}
	}
	for _, word := range strings.FieldsFunc(p.setup.Goexperiment, func(r rune) bool { return r == ',' }) {
		switch {
		case can.experiments == nil:
			return fmt.Errorf("%w: GOEXPERIMENT can be chosen since 1.17", ErrUnsupported)
		case word == "none", can.experiments[word], can.experiments[strings.TrimPrefix(word, "no")]:
		default:
			return fmt.Errorf("%w: it does not know GOEXPERIMENT %s", ErrUnsupported, word)
		}
	}
	return nil
}

func abilitiesOf(root string) (abilities, error) {
	var can abilities
	var err error
	if can.platforms, err = platformsOf(root); err != nil {
		return abilities{}, err
	}
	can.experiments, err = experimentsOf(root)
	return can, err
}

// platformsOf reads the table behind `go tool dist list`.
func platformsOf(root string) (map[string]bool, error) {
	file, err := parse(root, "cmd", "dist", "build.go")
	if file == nil {
		return nil, err
	}
	known := keysOf(file, "cgoEnabled")
	for _, bad := range []string{"incomplete", "broken"} {
		for key := range keysOf(file, bad) {
			delete(known, key)
		}
	}
	if len(known) == 0 {
		return nil, nil // written in another way: let the build find out
	}
	return known, nil
}

// keysOf returns the keys of a package-level map with literal strings as keys.
func keysOf(file *ast.File, variable string) map[string]bool {
	keys := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || spec.Names[0].Name != variable || len(spec.Values) != 1 {
			return true
		}
		lit, ok := spec.Values[0].(*ast.CompositeLit)
		if !ok {
			return false
		}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
					if s, err := strconv.Unquote(key.Value); err == nil {
						keys[s] = true
					}
				}
			}
		}
		return false
	})
	return keys
}

// experimentsOf reads the fields of internal/goexperiment.Flags, which name the experiments.
func experimentsOf(root string) (map[string]bool, error) {
	file, err := parse(root, "internal", "goexperiment", "flags.go")
	if file == nil {
		return nil, err
	}
	names := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		t, ok := n.(*ast.TypeSpec)
		if !ok || t.Name.Name != "Flags" {
			return true
		}
		if s, ok := t.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					names[strings.ToLower(name.Name)] = true
				}
			}
		}
		return false
	})
	return names, nil
}

// developed returns the minor of the release that a development tree will become.
func developed(root string) (int, error) {
	file, err := parse(root, "internal", "goversion", "goversion.go")
	if err != nil {
		return 0, err
	}
	minor := 0
	if file != nil {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && len(spec.Names) == 1 && spec.Names[0].Name == "Version" && len(spec.Values) == 1 {
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
					minor, _ = strconv.Atoi(lit.Value)
				}
			}
			return true
		})
	}
	if minor == 0 {
		return 0, fmt.Errorf("%s does not say which release it will become (src/internal/goversion)", root)
	}
	return minor, nil
}

// parse reads one file of GOROOT/src; nil without an error when it is not there.
func parse(root string, path ...string) (*ast.File, error) {
	name := filepath.Join(append([]string{root, "src"}, path...)...)
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the release can do: %w", err)
	}
	return file, nil
}
