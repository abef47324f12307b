// Package strict reads YAML into Go structs without forgiving anything: an
// unknown key, a missing or a duplicate one, a wrong type, an anchor or a
// second document is an error with its line, and all errors of a file are
// found in one go.
//
// The struct is the one truth about the file: the names of its keys are the
// `yaml` tags, required keys and allowed words the `jsonschema` tags
// ("required", "enum=…"), from which the schema for editors is made as well.
package strict

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rt0lab/rt0lab/runner/lab/near"
)

// Error is one thing that is wrong with a file.
type Error struct {
	Line int
	Msg  string
}

// Lines is filled with the line of every key of a mapping, when its struct has
// a field of this type (tagged `yaml:"-"`); "" is the line where the mapping begins.
type Lines map[string]int

// Of returns the line of the key, or where the mapping begins when the key is not there.
func (l Lines) Of(key string) int {
	if n, ok := l[key]; ok {
		return n
	}
	return l[""]
}

// Scalar is a plain or quoted YAML scalar.
type Scalar struct {
	Text   string // as it is written, without quotes
	Raw    any    // nil, bool, int64, uint64, float64 or string
	Quoted bool
}

// ScalarReader is implemented by types that read themselves from a scalar. A
// struct that implements it may be written either way.
type ScalarReader interface{ ReadScalar(Scalar) error }

// RawReader is implemented by types that read themselves from any tree of nil,
// bool, int64, uint64, float64, string and []any.
type RawReader interface{ ReadRaw(raw any) error }

// Decode reads src into the struct that into points to and returns all errors
// in the order of their lines. What could be read is filled in, errors or not.
func Decode(src []byte, into any) []Error {
	d := decoder{}
	file, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return []Error{syntax(err)}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body == nil:
			body = doc.Body
		default:
			d.fail(line(doc.Body), "a second document begins here; keep one per file")
		}
	}
	if body == nil {
		return []Error{{1, "the file is empty"}}
	}
	d.value(body, reflect.ValueOf(into).Elem(), "the file", nil)
	slices.SortStableFunc(d.errs, func(a, b Error) int { return a.Line - b.Line })
	return d.errs
}

func syntax(err error) Error {
	var se *yaml.SyntaxError
	if errors.As(err, &se) && se.Token != nil {
		return Error{se.Token.Position.Line, "not YAML: " + se.Message}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return Error{1, "not YAML: " + first}
}

type decoder struct{ errs []Error }

func (d *decoder) fail(line int, format string, args ...any) {
	d.errs = append(d.errs, Error{line, fmt.Sprintf(format, args...)})
}

func line(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return line(m.Values[0])
	}
	if mv, ok := n.(*ast.MappingValueNode); ok {
		return line(mv.Key)
	}
	if t := n.GetToken(); t != nil {
		return t.Position.Line
	}
	return 1
}

// value reads n into v. The name says what n is, for messages; allowed are the
// words of its enum, nil for any.
func (d *decoder) value(n ast.Node, v reflect.Value, name string, allowed []string) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		d.fail(line(n), "%s: anchors, aliases, merge keys and tags are not read here; write the value out", name)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		if _, ok := v.Interface().(RawReader); !ok {
			d.value(n, v.Elem(), name, allowed)
			return
		}
		v = v.Elem()
	}
	if r, ok := v.Addr().Interface().(RawReader); ok {
		raw, err := tree(n)
		if err == nil {
			err = r.ReadRaw(raw)
		}
		if err != nil {
			d.fail(line(n), "%s: %v", name, err)
		}
		return
	}
	scalar, isScalar := scalarOf(n)
	if r, ok := v.Addr().Interface().(ScalarReader); ok && isScalar {
		if err := r.ReadScalar(scalar); err != nil {
			d.fail(line(n), "%s: %v", name, err)
		}
		return
	}
	if isScalar && allowed != nil && !slices.Contains(allowed, scalar.Text) && scalar.Raw != nil {
		d.fail(line(n), "%s: unknown word %q%s (accepted: %s)", name, scalar.Text, near.Hint(scalar.Text, allowed), strings.Join(allowed, ", "))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, name)
	case reflect.Map:
		d.mapping(n, v, name)
	case reflect.Slice:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			d.wrong(n, name, "a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
		for i, e := range seq.Values {
			d.value(e, v.Index(i), "an entry of "+name, allowed)
		}
	case reflect.String:
		s, ok := scalar.Raw.(string)
		if !isScalar || !ok {
			d.wrong(n, name, "a text")
			return
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := scalar.Raw.(bool)
		if !isScalar || !ok {
			d.wrong(n, name, "true or false")
			return
		}
		v.SetBool(b)
	case reflect.Int:
		// The parser gives uint64 to everything that is not negative.
		signed, isSigned := scalar.Raw.(int64)
		unsigned, isUnsigned := scalar.Raw.(uint64)
		if isUnsigned && unsigned <= math.MaxInt64 {
			signed, isSigned = int64(unsigned), true
		}
		if !isSigned {
			d.wrong(n, name, "an integer")
			return
		}
		v.SetInt(signed)
	default:
		panic("strict: no way to read a " + v.Type().String())
	}
}

func (d *decoder) wrong(n ast.Node, name, want string) {
	hint := ""
	if want == "a text" {
		if _, ok := scalarOf(n); ok {
			hint = "; put quotes around it"
		}
	}
	d.fail(line(n), "%s: want %s, saw %s%s", name, want, describe(n), hint)
}

// pairs returns the entries of a mapping; ok is false when n is none. Keys that
// are no texts and duplicates are reported and left out.
func (d *decoder) pairs(n ast.Node, name string) (keys []string, values map[string]ast.Node, lines Lines, ok bool) {
	var entries []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		entries = m.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{m}
	default:
		return nil, nil, nil, false
	}
	values, lines = map[string]ast.Node{}, Lines{"": line(n)}
	for _, e := range entries {
		at := line(e.Key)
		s, isScalar := scalarOf(e.Key)
		if !isScalar || e.Key.IsMergeKey() {
			d.fail(at, "%s: a key must be a plain word, saw %s", name, describe(e.Key))
			continue
		}
		if _, twice := values[s.Text]; twice {
			d.fail(at, "duplicate key %q in %s; it stands in line %d already", s.Text, name, lines[s.Text])
			continue
		}
		keys = append(keys, s.Text)
		values[s.Text], lines[s.Text] = e.Value, at
	}
	return keys, values, lines, true
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, name string) {
	keys, values, lines, ok := d.pairs(n, name)
	if !ok {
		d.wrong(n, name, "a mapping")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, k := range keys {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(values[k], e, strconv.Quote(k)+" in "+name, nil)
		if e.Kind() == reflect.Struct {
			if i := shapeOf(e.Type()).lines; i >= 0 && !e.Field(i).IsNil() {
				e.Field(i).Interface().(Lines)[""] = lines[k] // the entry begins with its key
			}
		}
		v.SetMapIndex(reflect.ValueOf(k), e)
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, name string) {
	keys, values, lines, ok := d.pairs(n, name)
	if !ok {
		d.wrong(n, name, "a mapping")
		return
	}
	shape := shapeOf(v.Type())
	if shape.lines >= 0 {
		v.Field(shape.lines).Set(reflect.ValueOf(lines))
	}
	for _, k := range keys {
		f, known := shape.fields[k]
		if !known {
			d.fail(lines[k], "unknown key %q in %s%s (accepted: %s)", k, name, near.Hint(k, shape.names), strings.Join(shape.names, ", "))
			continue
		}
		if _, null := values[k].(*ast.NullNode); null {
			d.fail(lines[k], "%q in %s has no value; leave the key out", k, name)
			continue
		}
		d.value(values[k], v.Field(f.index), strconv.Quote(k), f.enum)
	}
	for _, k := range shape.names {
		if _, there := values[k]; shape.fields[k].required && !there {
			d.fail(lines[""], "missing key %q in %s", k, name)
		}
	}
}

type field struct {
	index    int
	required bool
	enum     []string
}

type shape struct {
	names  []string // in the order of the struct
	fields map[string]field
	lines  int // index of the field of type Lines, -1 when there is none
}

func shapeOf(t reflect.Type) shape {
	s := shape{fields: map[string]field{}, lines: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == reflect.TypeFor[Lines]() {
			s.lines = i
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		entry := field{index: i}
		for part := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
			if part == "required" {
				entry.required = true
			}
			if word, ok := strings.CutPrefix(part, "enum="); ok {
				entry.enum = append(entry.enum, word)
			}
		}
		s.names = append(s.names, key)
		s.fields[key] = entry
	}
	return s
}

var hexadecimal = regexp.MustCompile(`^[-+]?0[xX]`)

func scalarOf(n ast.Node) (Scalar, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		t := x.Token.Type
		return Scalar{x.Value, x.Value, t == token.SingleQuoteType || t == token.DoubleQuoteType}, true
	case *ast.LiteralNode:
		return Scalar{x.Value.Value, x.Value.Value, true}, true
	case *ast.IntegerNode:
		return Scalar{x.Token.Value, x.Value, false}, true
	case *ast.FloatNode:
		return Scalar{x.Token.Value, x.Value, false}, true
	case *ast.BoolNode:
		return Scalar{x.Token.Value, x.Value, false}, true
	case *ast.NullNode:
		return Scalar{"", nil, false}, true
	case *ast.InfinityNode:
		return Scalar{x.Token.Value, x.Value, false}, true
	case *ast.NanNode:
		return Scalar{x.Token.Value, x.GetValue(), false}, true
	}
	return Scalar{}, false
}

// tree turns scalars and lists of them into Go values.
func tree(n ast.Node) (any, error) {
	if s, ok := scalarOf(n); ok {
		if n, isInt := s.Raw.(uint64); isInt && hexadecimal.MatchString(s.Text) {
			return "0x" + strconv.FormatUint(n, 16), nil // keeps how it is written
		}
		return s.Raw, nil
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, fmt.Errorf("want a value or a list of values, saw %s", describe(n))
	}
	list := make([]any, len(seq.Values))
	for i, e := range seq.Values {
		v, err := tree(e)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

func describe(n ast.Node) string {
	if s, ok := scalarOf(n); ok {
		switch s.Raw.(type) {
		case nil:
			return "nothing"
		case string:
			return "the text " + strconv.Quote(s.Text)
		case bool:
			return "the truth value " + s.Text
		}
		return "the number " + s.Text
	}
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	}
	return "a " + strings.ToLower(n.Type().String())
}
