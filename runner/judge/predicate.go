package judge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// errPredicate is what test returns when a predicate cannot be asked of a
// value: the claim is wrongly written, it is not refuted.
var errPredicate = errors.New("the predicate does not fit")

// plain matches a text that is read as one word without quotes around it.
var plain = regexp.MustCompile(`^[A-Za-z_./*(){}<>:+@%-][\w./*(){}<>:+@%-]*$`)

var kindNames = map[fact.Kind]string{
	fact.Int:    "a number",
	fact.Bool:   "true or false",
	fact.Text:   "a text",
	fact.List:   "a list",
	fact.Absent: "absent",
}

// Write writes v for a sentence, so that the number 1, the text "1" and a
// list of one element cannot be taken for one another.
func Write(v fact.Value) string {
	switch v.Kind() {
	case fact.Text:
		s := v.Text()
		if plain.MatchString(s) && s != "true" && s != "false" {
			return s
		}
		return strconv.Quote(s)
	case fact.List:
		return "[" + list(v.List(), " ") + "]"
	}
	return v.String()
}

func list(vs []fact.Value, sep string) string {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = Write(v)
	}
	return strings.Join(parts, sep)
}

// Describe writes a predicate in words: "equals 65432", "between 1 and 3".
func Describe(p lab.Predicate) string {
	switch {
	case p.Equals != nil:
		return "equals " + Write(*p.Equals)
	case p.OneOf != nil:
		return "one of " + list(p.OneOf, ", ")
	case len(p.Between) == 2:
		return "between " + Write(p.Between[0]) + " and " + Write(p.Between[1])
	case p.Between != nil:
		return "between " + list(p.Between, ", ")
	case p.Matches != "":
		return "matches " + strconv.Quote(p.Matches)
	case p.Ordered != nil:
		return "ordered " + list(p.Ordered, ", ")
	case p.Has != nil:
		return "has " + list(p.Has, ", ")
	case p.Lacks != nil:
		return "lacks " + list(p.Lacks, ", ")
	case p.Absent:
		return "absent"
	case p.Present:
		return "present"
	}
	return "nothing"
}

// Test asks the predicate of a value. Absent is a value: it refutes every
// predicate that does not name it. An error means that the question makes no
// sense (between on a text), which is no refutation.
func Test(p lab.Predicate, v fact.Value) (holds bool, err error) {
	if n := count(p); n != 1 {
		return false, fmt.Errorf("%w: a claim has exactly one predicate, this one has %d", errPredicate, n)
	}
	switch {
	case p.Absent:
		return v.IsAbsent(), nil
	case p.Present:
		return !v.IsAbsent(), nil
	case p.Equals != nil:
		return among([]fact.Value{*p.Equals}, v)
	case p.OneOf != nil:
		return among(p.OneOf, v)
	case p.Between != nil:
		return between(p.Between, v)
	case p.Matches != "":
		return matches(p.Matches, v)
	}
	return elements(p, v)
}

// count says how many predicates are set.
func count(p lab.Predicate) int {
	n := 0
	for _, set := range []bool{
		p.Equals != nil, p.OneOf != nil, p.Between != nil, p.Matches != "", p.Ordered != nil,
		p.Has != nil, p.Lacks != nil, p.Absent, p.Present,
	} {
		if set {
			n++
		}
	}
	return n
}

func among(wanted []fact.Value, v fact.Value) (bool, error) {
	sameKind := v.IsAbsent()
	onlyAbsent := true
	for _, w := range wanted {
		if w.Equal(v) {
			return true, nil
		}
		sameKind = sameKind || w.Kind() == v.Kind()
		onlyAbsent = onlyAbsent && w.IsAbsent()
	}
	if len(wanted) == 0 {
		return false, fmt.Errorf("%w: it names no value", errPredicate)
	}
	if !sameKind && !onlyAbsent {
		return false, mismatch(v, kindNames[wanted[0].Kind()])
	}
	return false, nil
}

func between(limits []fact.Value, v fact.Value) (bool, error) {
	if len(limits) != 2 {
		return false, fmt.Errorf("%w: between needs two limits, not %d", errPredicate, len(limits))
	}
	if order, ok := limits[0].Compare(limits[1]); !ok || order > 0 {
		return false, fmt.Errorf("%w: between needs two numbers, the smaller one first, not %s", errPredicate, list(limits, ", "))
	}
	if v.IsAbsent() {
		return false, nil
	}
	low, ok := limits[0].Compare(v)
	if !ok {
		return false, mismatch(v, kindNames[fact.Int])
	}
	high, _ := v.Compare(limits[1])
	return low <= 0 && high <= 0, nil
}

func matches(expr string, v fact.Value) (bool, error) {
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errPredicate, err)
	}
	switch v.Kind() {
	case fact.Absent:
		return false, nil
	case fact.Text:
		return re.MatchString(v.Text()), nil
	}
	return false, mismatch(v, kindNames[fact.Text])
}

// elements asks ordered, has and lacks of a list.
func elements(p lab.Predicate, v fact.Value) (bool, error) {
	wanted := slices.Concat(p.Ordered, p.Has, p.Lacks)
	if len(wanted) == 0 {
		return false, fmt.Errorf("%w: it names no element", errPredicate)
	}
	switch v.Kind() {
	case fact.Absent:
		return false, nil
	case fact.List:
	default:
		return false, mismatch(v, kindNames[fact.List])
	}
	have := v.List()
	// A list of numbers lacks every text: without this, a claim that compares
	// the wrong things would hold for ever.
	for _, w := range wanted {
		same := func(e fact.Value) bool { return e.Kind() == w.Kind() }
		if len(have) > 0 && !slices.ContainsFunc(have, same) {
			return false, fmt.Errorf("%w: wanted %s (%s) in a list that has no such element: %s",
				errPredicate, kindNames[w.Kind()], Write(w), Write(v))
		}
	}
	if p.Ordered != nil {
		return inOrder(have, wanted), nil
	}
	for _, w := range wanted {
		if slices.ContainsFunc(have, w.Equal) != (p.Has != nil) {
			return false, nil
		}
	}
	return true, nil
}

// inOrder reports whether the wanted elements stand in have in their order;
// others may stand between them.
func inOrder(have, wanted []fact.Value) bool {
	for _, e := range have {
		if len(wanted) > 0 && wanted[0].Equal(e) {
			wanted = wanted[1:]
		}
	}
	return len(wanted) == 0
}

func mismatch(v fact.Value, wanted string) error {
	return fmt.Errorf("%w: it wants %s, the witnesses saw %s (%s)", errPredicate, wanted, kindNames[v.Kind()], Write(v))
}
