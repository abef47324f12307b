package fact

import (
	"cmp"
	"slices"
)

// Over says what the values of several runs of one setup become.
type Over string

// What the runs of a setup (lab.Setup.Runs) are reduced to. The zero Over asks
// that all runs saw the same.
const (
	OverMin   Over = "min"   // the smallest integer
	OverMax   Over = "max"   // the largest integer
	OverAny   Over = "any"   // true when some run says true
	OverEvery Over = "every" // true when every run says true
	OverUnion Over = "union" // all elements of the lists, each once, sorted
)

// Fits reports whether values of the type can be reduced so.
func (o Over) Fits(t Type) bool {
	switch o {
	case OverMin, OverMax:
		return t == TypeInt || t == TypeAddress
	case OverAny, OverEvery:
		return t == TypeBool
	case OverUnion:
		return t == TypeList || t == TypeHexList
	}
	return o == ""
}

// Of reduces the values of all runs, at least one and none of them absent, to
// one. Values of a type that does not fit give the first of them.
func (o Over) Of(runs []Value) Value {
	one := runs[0]
	for _, v := range runs[1:] {
		switch order, ok := v.Compare(one); {
		case o == OverMin && ok && order < 0, o == OverMax && ok && order > 0:
			one = v
		case o == OverAny && v.Bool(), o == OverEvery && !v.Bool():
			one = v
		case o == OverUnion:
			one = ListOf(append(one.List(), v.List()...)...)
		}
	}
	if o != OverUnion {
		return one
	}
	elements := one.List()
	slices.SortFunc(elements, func(a, b Value) int {
		if order, ok := a.Compare(b); ok {
			return order
		}
		return cmp.Or(cmp.Compare(a.Kind(), b.Kind()), cmp.Compare(a.String(), b.String()))
	})
	return ListOf(slices.CompactFunc(elements, Value.Equal)...)
}
