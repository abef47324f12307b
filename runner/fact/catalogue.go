package fact

import "strings"

// Type is the declared type of a fact.
type Type string

// The types a fact can have in scripts/SUBJECT.yaml.
const (
	TypeInt     Type = "int"
	TypeAddress Type = "address" // an integer written as "0x…"
	TypeBool    Type = "bool"
	TypeText    Type = "text"
	TypeList    Type = "list"    // a list of ints, bools or texts
	TypeHexList Type = "hexlist" // a list of integers written as "0x…"
)

// Comparison says how a value is held against the recorded one.
type Comparison string

// How two recordings of the same release are compared.
const (
	CompareExact Comparison = "exact" // the value itself must be the recorded one
	CompareHost  Comparison = "host"  // differs from machine to machine: only outcomes are compared
	CompareRun   Comparison = "run"   // differs from run to run: only outcomes are compared
)

// Spec is what the catalogue says of one fact.
type Spec struct {
	Name    string
	Type    Type
	Unit    string // "bytes", "count", … ; "" where there is none
	Compare Comparison
	// Over is how the values of a setup's runs become one; "" means that they must be equal.
	Over Over
	// At lists the stops at which a debugger's script may return the fact
	// ("image" for the static witness). A later stop overrides an earlier one.
	At []string
	En string // what the fact is
	Zh string
	// Line is where the fact is declared in its file, for messages.
	Line int
}

// Catalogue holds the facts of all subjects by name.
type Catalogue map[string]Spec

// Subject returns the part of a fact's name before the first dot: the name of its scripts.
func Subject(name string) string {
	s, _, _ := strings.Cut(name, ".")
	return s
}

// Fits reports whether v may be the value of a fact of type t. Absent fits every type.
func (t Type) Fits(v Value) bool {
	switch v.Kind() {
	case Absent:
		return true
	case Int:
		return t == TypeInt || t == TypeAddress
	case Bool:
		return t == TypeBool
	case Text:
		return t == TypeText
	case List:
		return t == TypeList || t == TypeHexList
	}
	return false
}

// Write returns v as a fact of type t is written: addresses in hexadecimal.
func (t Type) Write(v Value) Value {
	if t == TypeAddress || t == TypeHexList {
		return v.Hex()
	}
	return v
}
