package delve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"go/constant"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-delve/delve/pkg/dwarf/godwarf"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/linutil"
	"github.com/go-delve/delve/service/api"
	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/insn"
)

// takeover replaces, at the end of lib.star, what its words stand on by the
// built-ins below. They answer what lib.star's own answer in a stock dlv, 10
// to 1000 times faster: there is no connection in between, and what is read
// out of DWARF is kept.
const takeover = `
_release, _register, _tid = native_release, native_register, native_tid
_uint, _bytes = native_uint, native_bytes
_global, _describe, _constant = native_global, native_describe, native_constant
_is_function, _function, _code, _locate = native_is_function, native_function, native_code, native_locate
`

// native answers for one fixture. All addresses are those of the running process.
type native struct {
	*launched
	release string
	scope   *proc.EvalScope // for package variables; made once, the frame does not matter
	globals map[string]global
	types   map[string]starlark.Value
	code    map[string]starlark.Value
}

// global is what Delve knows by a package-level name.
type global struct {
	variable starlark.Value // (address, type), or None
	constant starlark.Value // a number, or None
}

func newNative(l *launched, release string) *native {
	n := &native{launched: l, release: release}
	n.forget()
	return n
}

// forget drops what was read of a fixture that has been started anew since.
func (n *native) forget() {
	n.scope, n.globals, n.types, n.code = nil, map[string]global{}, map[string]starlark.Value{}, map[string]starlark.Value{}
}

// stands is an error when there is no fixture to look at any more.
func (n *native) stands() error {
	if ok, err := n.target.Valid(); !ok {
		return err
	}
	if n.target.CurrentThread() == nil {
		return errors.New("no thread is left to look at")
	}
	return nil
}

// register makes the built-ins visible to the library. Delve's environment
// offers no way to add one, but everything in Starlark's universe is in it.
func (n *native) register() {
	text := func(name string, f func(string) (starlark.Value, error)) {
		starlark.Universe[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var s string
			if err := starlark.UnpackPositionalArgs(b.Name(), args, kw, 1, &s); err != nil {
				return nil, err
			}
			if err := n.stands(); err != nil {
				return nil, err
			}
			return f(s)
		})
	}
	none := func(name string, f func() starlark.Value) {
		starlark.Universe[name] = starlark.NewBuiltin(name, func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			if err := n.stands(); err != nil {
				return nil, err
			}
			return f(), nil
		})
	}
	memory := func(name string, f func(addr uint64, size int) (starlark.Value, error)) {
		starlark.Universe[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var addr, size starlark.Int
			if err := starlark.UnpackPositionalArgs(b.Name(), args, kw, 2, &addr, &size); err != nil {
				return nil, err
			}
			a, ok1 := addr.Uint64()
			s, ok2 := size.Uint64()
			if !ok1 || !ok2 || s > maxRead {
				return nil, fmt.Errorf("read %s bytes at %s: no such memory", size, addr)
			}
			if err := n.stands(); err != nil {
				return nil, err
			}
			return f(a, int(s))
		})
	}
	none("native_release", func() starlark.Value { return starlark.String(n.release) })
	none("native_tid", func() starlark.Value { return starlark.MakeInt(n.target.CurrentThread().ThreadID()) })
	text("native_register", n.reg)
	memory("native_uint", n.uint)
	memory("native_bytes", n.bytes)
	text("native_global", func(s string) (starlark.Value, error) { return n.global(s).variable, nil })
	text("native_constant", func(s string) (starlark.Value, error) { return n.global(s).constant, nil })
	text("native_describe", n.describe)
	text("native_is_function", func(s string) (starlark.Value, error) {
		return starlark.Bool(len(n.target.BinInfo().LookupFunc()[s]) > 0), nil
	})
	text("native_function", func(s string) (starlark.Value, error) {
		fn := n.body(s)
		if fn == nil {
			return starlark.None, nil
		}
		return starlark.Tuple{starlark.MakeUint64(fn.Entry), starlark.MakeUint64(fn.End)}, nil
	})
	text("native_code", n.instructions)
	starlark.Universe["native_locate"] = starlark.NewBuiltin("native_locate", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
		var addr starlark.Int
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kw, 1, &addr); err != nil {
			return nil, err
		}
		pc, ok := addr.Uint64()
		if !ok {
			return starlark.None, nil
		}
		file, line, fn := n.target.BinInfo().PCToLine(pc)
		name := ""
		if fn != nil {
			name = fn.Name
		}
		return starlark.Tuple{starlark.String(name), starlark.String(file), starlark.MakeInt(line)}, nil
	})
}

// maxRead bounds one read of the fixture's memory, in bytes.
const maxRead = 16 << 20

// read reads the fixture's memory as it is without breakpoints.
func (n *native) read(addr uint64, size int) ([]byte, error) {
	buf := make([]byte, size)
	if got, err := n.target.Memory().ReadMemory(buf, addr); err != nil || got != size {
		return nil, fmt.Errorf("read %d bytes at %#x: not readable", size, addr)
	}
	for _, bp := range n.target.Breakpoints().M {
		for i, b := range bp.OriginalData {
			if at := bp.Addr + uint64(i) - addr; at < uint64(size) {
				buf[at] = b
			}
		}
	}
	return buf, nil
}

func (n *native) uint(addr uint64, size int) (starlark.Value, error) {
	if size > 8 {
		return nil, fmt.Errorf("read a number of %d bytes: at most 8", size)
	}
	buf, err := n.read(addr, size)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(binary.LittleEndian.Uint64(append(buf, 0, 0, 0, 0, 0, 0, 0, 0))), nil
}

func (n *native) bytes(addr uint64, size int) (starlark.Value, error) {
	buf, err := n.read(addr, size)
	return starlark.String(buf), err
}

// reg returns a 64-bit register of the current thread by its lower-case name, or None.
func (n *native) reg(name string) (starlark.Value, error) {
	regs, err := n.target.CurrentThread().Registers()
	if err != nil {
		return nil, fmt.Errorf("read the registers: %w", err)
	}
	r, ok := regs.(*linutil.AMD64Registers)
	if !ok || name == "" {
		return starlark.None, nil
	}
	field := strings.ToUpper(name[:1]) + name[1:]
	switch name {
	case "rflags":
		field = "Eflags"
	case "eflags", "orig_rax":
		return starlark.None, nil
	}
	v := reflect.ValueOf(r.Regs).Elem().FieldByName(field)
	if !v.IsValid() || v.Kind() != reflect.Uint64 {
		return starlark.None, nil
	}
	return starlark.MakeUint64(v.Uint()), nil
}

// global evaluates a package-level name once.
func (n *native) global(name string) global {
	if g, ok := n.globals[name]; ok {
		return g
	}
	g := global{starlark.None, starlark.None}
	if v := n.eval(name); v != nil {
		switch {
		case v.Flags&proc.VariableConstant != 0:
			if i, exact := constant.Int64Val(v.Value); exact {
				g.constant = starlark.MakeInt64(i)
			} else if u, exact := constant.Uint64Val(v.Value); exact {
				g.constant = starlark.MakeUint64(u)
			}
		case v.Name == name: // not that of a package whose path ends so
			g.variable = starlark.Tuple{starlark.MakeUint64(v.Addr), starlark.String(api.PrettyTypeName(v.DwarfType))}
		}
	}
	n.globals[name] = g
	return g
}

// eval returns a variable or constant, nil when there is none.
func (n *native) eval(name string) *proc.Variable {
	slash := strings.LastIndexByte(name, '/')
	dot := strings.IndexByte(name[slash+1:], '.')
	if dot < 0 || len(n.target.BinInfo().LookupFunc()[name]) > 0 {
		return nil
	}
	if n.scope == nil {
		scope, err := proc.ThreadScope(n.target, n.target.CurrentThread())
		if err != nil {
			return nil
		}
		n.scope = scope
	}
	dot += slash + 1
	v, err := n.scope.EvalExpression(strconv.Quote(name[:dot])+name[dot:], proc.LoadConfig{})
	if err != nil {
		return nil // Delve does not tell one reason from another; there is only one for a bare name
	}
	return v
}

// describe returns (kind, size, [(field, type, offset)]) of a type, or None.
func (n *native) describe(name string) (starlark.Value, error) {
	if v, ok := n.types[name]; ok {
		return v, nil
	}
	n.types[name] = starlark.None
	typ, err := n.target.BinInfo().FindType(name)
	if err != nil {
		return starlark.None, nil
	}
	fields := []starlark.Value{}
	if s, ok := godwarf.ResolveTypedef(typ).(*godwarf.StructType); ok && typ.Common().ReflectKind == reflect.Struct {
		for _, f := range s.Field {
			fields = append(fields, starlark.Tuple{starlark.String(f.Name), starlark.String(api.PrettyTypeName(f.Type)), starlark.MakeInt64(f.ByteOffset)})
		}
	}
	v := starlark.Tuple{starlark.String(typ.Common().ReflectKind.String()), starlark.MakeInt64(typ.Common().Size()), starlark.NewList(fields)}
	v.Freeze()
	n.types[name] = v
	return v, nil
}

// body returns the real body of a function, never the wrapper between ABIs
// that has the same name in DWARF; nil when there is none.
func (n *native) body(name string) *proc.Function {
	bi := n.target.BinInfo()
	var wrapper *proc.Function
	for _, fn := range bi.LookupFunc()[name] {
		if fn.Entry == 0 {
			continue // only inlined
		}
		if file, _ := bi.EntryLineForFunc(fn); file != "<autogenerated>" {
			return fn
		}
		wrapper = fn
	}
	return wrapper
}

// instructions returns [address, text] of a function's body, or None.
func (n *native) instructions(name string) (starlark.Value, error) {
	if v, ok := n.code[name]; ok {
		return v, nil
	}
	fn := n.body(name)
	if fn == nil {
		return starlark.None, nil
	}
	code, err := n.read(fn.Entry, int(fn.End-fn.Entry))
	if err != nil {
		return nil, err
	}
	insts, err := insn.Decode("amd64", code, fn.Entry, nil)
	if err != nil {
		return nil, err
	}
	list := make([]starlark.Value, len(insts))
	for i, in := range insts {
		list[i] = starlark.NewList([]starlark.Value{starlark.MakeUint64(in.Addr), starlark.String(in.Intel)})
	}
	v := starlark.NewList(list)
	v.Freeze()
	n.code[name] = v
	return v, nil
}
