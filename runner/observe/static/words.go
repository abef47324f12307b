package static

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/image"
)

// maxText bounds a C string that Text reads.
const maxText = 1 << 20

// word is the body of a word: args are unpacked by the caller's pattern.
type word func(s *session, args starlark.Tuple) (starlark.Value, error)

// The words of a static script; those that delve and gdb have, too, mean the
// same here. common are there for every setup, onImage for those that look at
// a binary, onMaking for those that look at how it is made.
var common = map[string]word{
	"Minor":  noArgs(minor),
	"Goos":   noArgs(func(s *session) (starlark.Value, error) { return starlark.String(s.goos), nil }),
	"Goarch": noArgs(func(s *session) (starlark.Value, error) { return starlark.String(s.goarch), nil }),
	"Making": noArgs(func(s *session) (starlark.Value, error) { return starlark.Bool(s.account != nil), nil }),
	"Walk": func(*session, starlark.Tuple) (starlark.Value, error) {
		return nil, errors.New("a static script walks nothing: only its table is used")
	},
}

var onImage = map[string]word{
	// the file
	"Entry":      noArgs(func(s *session) (starlark.Value, error) { return starlark.MakeUint64(s.im.Entry), nil }),
	"FileByte":   ofAddr(fileByte),
	"FileSize":   noArgs(fileSize),
	"BesideSize": noArgs(besideSize),
	"Interp":     noArgs(interp),
	"Needed":     noArgs(needed),
	"Sections":   noArgs(sections),
	"Section":    ofText(section),
	"SectionOf":  ofAddr(sectionOf),
	"HasSymbol":  ofText(hasSymbol),
	"SymbolAddr": ofText(symbolAddr),
	"SymbolSize": ofText(symbolSize),
	"Local":      ofText(local),
	"Contains":   ofText(contains),
	"Word":       ofAddr(integer(8)),
	"Dword":      ofAddr(integer(4)),
	"Byte":       ofAddr(integer(1)),
	"Text":       ofAddr(text),

	// names
	"Addr":   ofText(addr),
	"Has":    ofText(has),
	"TypeOf": ofText(typeOf),
	"Size":   ofText(size),
	"Offset": offset,
	"Const":  ofText(constant),

	// functions
	"Disasm":    ofText(disasm),
	"Code":      ofText(code),
	"GoDisasm":  ofText(goDisasm),
	"Calls":     ofText(calls),
	"Symbol":    ofAddr(symbol),
	"Line":      ofAddr(line),
	"Params":    ofText(params),
	"FuncFlags": ofText(funcFlags),
	"Producer":  ofText(producer),
	"Inlined":   ofText(inlined),
	"Packages":  noArgs(packages),
	"Source":    ofAddr(source),
}

// words returns the vocabulary as builtins bound to this binary.
func (s *session) words() starlark.StringDict {
	d := make(starlark.StringDict, len(common)+len(onImage)+len(onMaking))
	s.give(d, common)
	if s.account == nil {
		s.give(d, onImage)
		s.give(d, refusing(onMaking, errors.New("this setup looks at the binary, not at how it is made (making: true)")))
	} else {
		s.give(d, onMaking)
		s.give(d, refusing(onImage, errors.New("this setup looks at how the fixture is made: there is no binary")))
	}
	return d
}

// refusing are words that are known, so that the script is loaded, and cannot be used.
func refusing(words map[string]word, why error) map[string]word {
	none := make(map[string]word, len(words))
	for name := range words {
		none[name] = func(*session, starlark.Tuple) (starlark.Value, error) { return nil, why }
	}
	return none
}

func (s *session) give(d starlark.StringDict, words map[string]word) {
	for name, f := range words {
		d[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if len(kwargs) > 0 {
				return nil, fmt.Errorf("%s: its arguments have no names", b.Name())
			}
			v, err := f(s, args)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name(), err)
			}
			return v, nil
		})
	}
}

func noArgs(f func(*session) (starlark.Value, error)) word {
	return func(s *session, args starlark.Tuple) (starlark.Value, error) {
		if len(args) != 0 {
			return nil, fmt.Errorf("it takes no argument, not %d", len(args))
		}
		return f(s)
	}
}

func ofText(f func(*session, string) (starlark.Value, error)) word {
	return func(s *session, args starlark.Tuple) (starlark.Value, error) {
		if len(args) != 1 {
			return nil, fmt.Errorf("it takes one string, not %d arguments", len(args))
		}
		t, ok := starlark.AsString(args[0])
		if !ok {
			return nil, fmt.Errorf("it takes a string, not %s", args[0].Type())
		}
		return f(s, t)
	}
}

func ofAddr(f func(*session, uint64) (starlark.Value, error)) word {
	return func(s *session, args starlark.Tuple) (starlark.Value, error) {
		if len(args) != 1 {
			return nil, fmt.Errorf("it takes one address, not %d arguments", len(args))
		}
		n, isInt := args[0].(starlark.Int)
		if !isInt {
			return nil, fmt.Errorf("it takes an address, not %s", args[0].Type())
		}
		a, fits := n.Uint64()
		if !fits {
			return nil, fmt.Errorf("%s is no address", n)
		}
		return f(s, a)
	}
}

var releaseName = regexp.MustCompile(`\bgo1\.(\d+)`)

// minorOf returns 26 for "go1.26.8" and 28 for "devel go1.28-abcdef".
func minorOf(release string) (int, bool) {
	m := releaseName.FindStringSubmatch(release)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

func minor(s *session) (starlark.Value, error) {
	n, ok := minorOf(s.release)
	if !ok {
		return nil, fmt.Errorf("the release %q has no minor version", s.release)
	}
	return starlark.MakeInt(n), nil
}

// fileByte reads at an offset of the file, not at an address.
func fileByte(s *session, offset uint64) (starlark.Value, error) {
	b, err := s.im.FileByte(int64(offset))
	return starlark.MakeInt(int(b)), err
}

func fileSize(s *session) (starlark.Value, error) {
	return starlark.MakeInt64(s.im.FileSize()), nil
}

// besideSize is None where the setup is compared with no other.
func besideSize(s *session) (starlark.Value, error) {
	if s.beside == "" {
		return starlark.None, nil
	}
	other, err := image.Open(s.beside)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt64(other.FileSize()), nil
}

func interp(s *session) (starlark.Value, error) {
	if s.im.Interp == "" {
		return starlark.None, nil
	}
	return starlark.String(s.im.Interp), nil
}

func needed(s *session) (starlark.Value, error) {
	libs, err := s.im.Needed()
	if err != nil {
		return nil, err
	}
	return texts(libs), nil
}

func sections(s *session) (starlark.Value, error) {
	var names []string
	for _, sect := range s.im.Sections {
		if sect.Allocated {
			names = append(names, sect.Name)
		}
	}
	return texts(names), nil
}

// section finds sections that are not allocated, too.
func section(s *session, name string) (starlark.Value, error) {
	sect, ok := s.im.Section(name)
	if !ok {
		return starlark.None, nil
	}
	d := starlark.NewDict(3)
	for _, item := range []struct {
		key   string
		value starlark.Value
	}{{"addr", starlark.MakeUint64(sect.Addr)}, {"size", starlark.MakeUint64(sect.Size)}, {"flags", starlark.String(sect.Flags)}} {
		if err := d.SetKey(starlark.String(item.key), item.value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func sectionOf(s *session, a uint64) (starlark.Value, error) {
	if sect, ok := s.im.SectionAt(a); ok {
		return starlark.String(sect.Name), nil
	}
	return starlark.None, nil
}

func hasSymbol(s *session, name string) (starlark.Value, error) {
	_, ok, err := s.im.Symbol(name)
	return starlark.Bool(ok), err
}

// local says whether only the object file that a symbol comes from sees it.
func local(s *session, name string) (starlark.Value, error) {
	sym, ok, err := s.im.Symbol(name)
	return orNone(ok, starlark.Bool(sym.Local), err)
}

func symbolAddr(s *session, name string) (starlark.Value, error) {
	sym, ok, err := s.im.Symbol(name)
	return orNone(ok, starlark.MakeUint64(sym.Addr), err)
}

// symbolSize is None for a symbol that is not there; ELF alone keeps sizes.
func symbolSize(s *session, name string) (starlark.Value, error) {
	sym, ok, err := s.im.Symbol(name)
	return orNone(ok, starlark.MakeUint64(sym.Size), err)
}

func contains(s *session, b string) (starlark.Value, error) {
	ok, err := s.im.Contains([]byte(b))
	return starlark.Bool(ok), err
}

func integer(bytes int) func(*session, uint64) (starlark.Value, error) {
	return func(s *session, a uint64) (starlark.Value, error) {
		n, err := s.im.Uint(a, bytes)
		return starlark.MakeUint64(n), err
	}
}

func text(s *session, a uint64) (starlark.Value, error) {
	t, err := s.im.Text(a, maxText)
	return starlark.String(t), err
}

func texts(list []string) *starlark.List {
	values := make([]starlark.Value, len(list))
	for i, t := range list {
		values[i] = starlark.String(t)
	}
	return starlark.NewList(values)
}

// addr looks for a function first, then for a symbol, then in DWARF: the same
// name never means two things in one package.
func addr(s *session, expr string) (starlark.Value, error) {
	f, ok, err := s.im.Func(expr)
	if err == nil && ok {
		return starlark.MakeUint64(f.Entry), nil
	}
	if sym, ok, err := s.im.Symbol(expr); err == nil && ok {
		return starlark.MakeUint64(sym.Addr), nil
	}
	p, ok, err := s.im.Variable(expr)
	return orNone(ok, starlark.MakeUint64(p.Addr), err)
}

func has(s *session, name string) (starlark.Value, error) {
	if _, ok, err := s.im.Func(name); err == nil && ok {
		return starlark.True, nil
	}
	if _, ok, err := s.im.Symbol(name); err == nil && ok {
		return starlark.True, nil
	}
	// Types, constants and functions that were inlined everywhere are in DWARF alone.
	ok, err := s.im.Declared(name)
	return starlark.Bool(ok), err
}

func typeOf(s *session, expr string) (starlark.Value, error) {
	p, ok, err := s.im.Variable(expr)
	if err == nil && ok && p.Type == "" {
		return nil, image.ErrNoDWARF
	}
	return orNone(ok, starlark.String(p.Type), err)
}

func size(s *session, typeName string) (starlark.Value, error) {
	n, ok, err := s.im.Sizeof(typeName)
	return orNone(ok, starlark.MakeUint64(n), err)
}

func offset(s *session, args starlark.Tuple) (starlark.Value, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("it takes a type and a field, not %d arguments", len(args))
	}
	typeName, ok1 := starlark.AsString(args[0])
	field, ok2 := starlark.AsString(args[1])
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("it takes two strings, not %s and %s", args[0].Type(), args[1].Type())
	}
	n, ok, err := s.im.Offset(typeName, field)
	return orNone(ok, starlark.MakeUint64(n), err)
}

func constant(s *session, name string) (starlark.Value, error) {
	n, ok, err := s.im.Constant(name)
	if err != nil || !ok {
		return starlark.None, err
	}
	return starlark.MakeBigInt(n), nil
}

// orNone returns v, or None for what does not exist in this build.
func orNone(ok bool, v starlark.Value, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	if !ok {
		return starlark.None, nil
	}
	return v, nil
}
