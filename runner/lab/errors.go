package lab

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// DataError is one thing that is wrong with a data file.
type DataError struct {
	File string // as fs.FS names it: "labs/03-g0/lab.yaml"
	Line int    // 0 when the file itself is the matter
	Rule Rule
	Msg  string
}

// Rule names the kind of a DataError, for rt0lab lint --rules.
type Rule string

// The rules that reading and merging data holds.
const (
	RuleShape        Rule = "shape"        // YAML of the documented shape
	RuleName         Rule = "name"         // names are spelled the agreed way
	RulePath         Rule = "path"         // paths stay below their folder
	RulePredicate    Rule = "predicate"    // expect says exactly one well-formed thing
	RuleUnobservable Rule = "unobservable" // a claim has fact and expect, or a reason why it has none
	RuleSetup        Rule = "setup"        // the keys of a setup go together
	RuleUnique       Rule = "unique"       // what must be there once is there once
	RuleReference    Rule = "reference"    // setups, facts and refuted claims exist
	RuleExercise     Rule = "exercise"     // an exercise is of one kind and has what that kind takes
)

// Error returns "file:line: message".
func (e *DataError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// DataErrors returns the DataErrors that were joined into err.
func DataErrors(err error) []*DataError {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*DataError
		for _, e := range many.Unwrap() {
			all = append(all, DataErrors(e)...)
		}
		return all
	}
	var one *DataError
	if errors.As(err, &one) {
		return []*DataError{one}
	}
	return nil
}

// collector gathers what is wrong with the files while they are read.
type collector struct{ errs []*DataError }

func (c *collector) fail(rule Rule, file string, line int, format string, args ...any) {
	c.errs = append(c.errs, &DataError{File: file, Line: line, Rule: rule, Msg: fmt.Sprintf(format, args...)})
}

// join returns all errors in the order of files and lines as one, nil when there is none.
func (c *collector) join() error {
	slices.SortStableFunc(c.errs, func(a, b *DataError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Msg, b.Msg))
	})
	all := make([]error, len(c.errs))
	for i, e := range c.errs {
		all[i] = e
	}
	return errors.Join(all...)
}
