// Package fact holds what a witness can see: named values with a unit, and the
// catalogue that says what each name means and how two values are compared.
//
// It imports no process, file or debugger package; everything right of it in
// the flow of data (judge, recording, report) speaks in its terms.
package fact

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of a Value. The zero Value is Invalid and never leaves a witness.
const (
	Invalid Kind = iota
	Int          // an integer of any sign, up to 64 bits
	Bool         // true or false
	Text         // a string that is neither "absent" nor a hexadecimal number
	List         // an ordered list of values
	Absent       // the function, variable, type or instruction is gone from this release
)

// AbsentWord is how an Absent value is written in scripts, recordings and JSON lines.
const AbsentWord = "absent"

// maxExactJSON is the largest integer every JSON reader keeps exactly (2^53).
const maxExactJSON = 1 << 53

var hexNumber = regexp.MustCompile(`^-?0x[0-9a-fA-F]+$`)

// ErrValue is returned when something is not a value of a fact: a float, a map, a null inside a list …
var ErrValue = errors.New("not a fact's value")

// Value is one value of one fact in canonical form, so that what Delve, gdb
// and the static reader saw can be compared. It is immutable.
type Value struct {
	kind Kind
	neg  bool   // Int: the sign
	mag  uint64 // Int: the magnitude; Bool: 0 or 1
	hex  bool   // Int: written as "0x…"; not part of the value
	text string
	list []Value
}

// IntOf returns n as a Value.
func IntOf(n int64) Value {
	if n < 0 {
		return Value{kind: Int, neg: true, mag: uint64(-(n + 1)) + 1}
	}
	return Value{kind: Int, mag: uint64(n)}
}

// UintOf returns n as a Value.
func UintOf(n uint64) Value { return Value{kind: Int, mag: n} }

// AddressOf returns n as a Value that is written as "0x…".
func AddressOf(n uint64) Value { return Value{kind: Int, mag: n, hex: true} }

// BoolOf returns b as a Value.
func BoolOf(b bool) Value {
	if b {
		return Value{kind: Bool, mag: 1}
	}
	return Value{kind: Bool}
}

// TextOf returns s as a Value: the word "absent" gives Absent and a
// hexadecimal number ("0x1f") the Int it spells, because that is how these two
// are written in JSON.
func TextOf(s string) Value {
	if s == AbsentWord {
		return AbsentValue()
	}
	if hexNumber.MatchString(s) {
		digits := strings.TrimPrefix(s, "-")
		if n, err := strconv.ParseUint(digits[2:], 16, 64); err == nil {
			return Value{kind: Int, neg: len(digits) != len(s) && n != 0, mag: n, hex: true}
		}
	}
	return Value{kind: Text, text: s}
}

// ListOf returns the values as one List value.
func ListOf(vs ...Value) Value { return Value{kind: List, list: append([]Value{}, vs...)} }

// AbsentValue is the value of a fact whose function, variable or type is gone from the release.
func AbsentValue() Value { return Value{kind: Absent} }

// Kind tells what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsValid reports whether v was made by one of the constructors.
func (v Value) IsValid() bool { return v.kind != Invalid }

// IsAbsent reports whether v is the value of something gone from the release.
func (v Value) IsAbsent() bool { return v.kind == Absent }

// Bool returns the truth of a Bool value, false for every other kind.
func (v Value) Bool() bool { return v.kind == Bool && v.mag == 1 }

// Text returns the string of a Text value, "" for every other kind.
func (v Value) Text() string { return v.text }

// List returns a copy of the elements of a List value, nil for every other kind.
func (v Value) List() []Value { return append([]Value(nil), v.list...) }

// Uint returns an Int value as an unsigned number; ok is false for other kinds and negative numbers.
func (v Value) Uint() (n uint64, ok bool) { return v.mag, v.kind == Int && !v.neg }

// Big returns an Int value, nil for every other kind. For ordering values: see Compare.
func (v Value) Big() *big.Int {
	if v.kind != Int {
		return nil
	}
	n := new(big.Int).SetUint64(v.mag)
	if v.neg {
		n.Neg(n)
	}
	return n
}

// Hex returns v, written as "0x…" when it is an Int (or a list of them).
func (v Value) Hex() Value {
	switch v.kind {
	case Int:
		v.hex = true
	case List:
		l := make([]Value, len(v.list))
		for i, e := range v.list {
			l[i] = e.Hex()
		}
		v.list = l
	}
	return v
}

// Equal reports whether both are the same value, however they are written.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.neg != w.neg || v.mag != w.mag || v.text != w.text || len(v.list) != len(w.list) {
		return false
	}
	for i := range v.list {
		if !v.list[i].Equal(w.list[i]) {
			return false
		}
	}
	return true
}

// Compare orders two Int values as -1, 0 or 1; ok is false when one is of another kind.
func (v Value) Compare(w Value) (order int, ok bool) {
	a, b := v.Big(), w.Big()
	if a == nil || b == nil {
		return 0, false
	}
	return a.Cmp(b), true
}

// String writes v for people: numbers in decimal, or in hexadecimal when the
// catalogue calls them addresses; texts without quotes; lists in brackets.
func (v Value) String() string {
	switch v.kind {
	case Int:
		sign := ""
		if v.neg {
			sign = "-"
		}
		if v.hex {
			return sign + "0x" + strconv.FormatUint(v.mag, 16)
		}
		return sign + strconv.FormatUint(v.mag, 10)
	case Bool:
		return strconv.FormatBool(v.mag == 1)
	case Text:
		return v.text
	case List:
		parts := make([]string, len(v.list))
		for i, e := range v.list {
			parts[i] = e.String()
		}
		return "[" + strings.Join(parts, " ") + "]"
	case Absent:
		return AbsentWord
	}
	return "invalid"
}

// MarshalJSON writes addresses and integers beyond 2^53 as strings "0x…" and Absent as "absent".
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case Int:
		if v.hex || v.mag > maxExactJSON {
			return json.Marshal(v.Hex().String())
		}
		return []byte(v.String()), nil
	case Bool:
		return json.Marshal(v.mag == 1)
	case Text:
		return json.Marshal(v.text)
	case List:
		if len(v.list) == 0 {
			return []byte("[]"), nil
		}
		return json.Marshal(v.list)
	case Absent:
		return json.Marshal(AbsentWord)
	}
	return nil, fmt.Errorf("write fact: %w", ErrValue)
}

// UnmarshalJSON reads what MarshalJSON writes; null is read as Absent, because
// that is what a script returns for something it did not find.
func (v *Value) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("read fact: %w", err)
	}
	w, err := Of(raw)
	if err != nil {
		return fmt.Errorf("read fact: %w", err)
	}
	*v = w
	return nil
}

// Of turns a decoded JSON or YAML value (nil, bool, string, json.Number, the
// integer types, a list of these) into a Value. A float, a map or a null
// inside a list is ErrValue.
func Of(raw any) (Value, error) {
	switch x := raw.(type) {
	case nil:
		return AbsentValue(), nil
	case Value:
		return x, nil
	case bool:
		return BoolOf(x), nil
	case string:
		return TextOf(x), nil
	case int:
		return IntOf(int64(x)), nil
	case int64:
		return IntOf(x), nil
	case uint64:
		return UintOf(x), nil
	case json.Number:
		return ofNumber(x.String())
	case *big.Int:
		return ofNumber(x.String())
	case []any:
		list := make([]Value, 0, len(x))
		for i, e := range x {
			if e == nil {
				return Value{}, fmt.Errorf("%w: element %d of the list is null", ErrValue, i)
			}
			w, err := Of(e)
			if err != nil {
				return Value{}, err
			}
			list = append(list, w)
		}
		return Value{kind: List, list: list}, nil
	}
	return Value{}, fmt.Errorf("%w: %T (use an integer, a bool, a string or a list of these)", ErrValue, raw)
}

func ofNumber(s string) (Value, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return IntOf(n), nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return Value{}, fmt.Errorf("%w: %s does not fit 64 bits or is no integer", ErrValue, s)
	}
	return UintOf(n), nil
}
