package table

import (
	"encoding/json"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/rt0lab/rt0lab/runner/fact"
)

// plainOf turns a Starlark value into what encoding/json writes.
func plainOf(v starlark.Value) (any, error) {
	switch x := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(x), nil
	case starlark.String:
		return string(x), nil
	case starlark.Int:
		return json.Number(x.String()), nil
	case starlark.Float:
		return json.Number(x.String()), nil // no fact's value: Collect says so
	case *starlark.Dict:
		m := make(map[string]any, x.Len())
		for _, item := range x.Items() {
			key, ok := starlark.AsString(item[0])
			if !ok {
				return nil, fmt.Errorf("the key %s is no name of a fact", item[0])
			}
			var err error
			if m[key], err = plainOf(item[1]); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return m, nil
	case starlark.Sequence: // list, tuple, set
		list := make([]any, 0, x.Len())
		for e := range starlark.Elements(x) {
			p, err := plainOf(e)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%w: %s (use an integer, a bool, a string, None or a list of these)", fact.ErrValue, v.Type())
}

// starlarkOf turns a fact's value into what a script may work with.
func starlarkOf(v fact.Value) starlark.Value {
	switch v.Kind() {
	case fact.Int:
		return starlark.MakeBigInt(v.Big())
	case fact.Bool:
		return starlark.Bool(v.Bool())
	case fact.Text:
		return starlark.String(v.Text())
	case fact.List:
		list := v.List()
		values := make([]starlark.Value, len(list))
		for i, e := range list {
			values[i] = starlarkOf(e)
		}
		return starlark.NewList(values)
	}
	return starlark.None
}
