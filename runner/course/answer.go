package course

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/judge"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// answer holds what was typed against the fact.
func (g *Grader) answer(e *lab.Exercise, all *answers, r *Result) error {
	if err := all.problem; err != nil {
		r.State, r.Says = Failed, []string{err.Error()}
		return nil
	}
	given := all.given(e.ID)
	if given == "" {
		r.State, r.Says = Untouched, []string{g.t(MsgUntouched, all.file)}
		return nil
	}
	value, by, err := g.Value(e)
	if err != nil {
		return err
	}
	r.By = by
	right, kind, err := g.right(e, given, value)
	if err != nil {
		return err
	}
	if right {
		r.State, r.Says = Passed, []string{e.Explain.In(g.Lang)}
		return nil
	}
	r.State, r.Says = Failed, []string{g.t(MsgGot, given), g.t(MsgWantedKind, kind), g.t(MsgLook, e.Look.In(g.Lang))}
	return nil
}

// Value is what the fact of an answer exercise is on the release: by the run when one was
// made and saw it, else by the recording. By is "run" or the release of the recording.
func (g *Grader) Value(e *lab.Exercise) (value fact.Value, by string, err error) {
	c := g.Data.Claim(e.Answer.Claim)
	if v, ok := g.live[c.ID].Value(); ok {
		return v, "run", nil
	}
	recorded, err := g.Recorded(c)
	if err != nil {
		return fact.Value{}, "", err
	}
	if recorded == nil || !recorded.Value.IsValid() {
		reason := g.live[c.ID].Reason
		if reason == "" {
			reason = g.t(MsgNotRecorded, c.ID)
		}
		return fact.Value{}, "", impossible(reason)
	}
	return recorded.Value, recorded.Release, nil
}

// right reports whether what was typed is the value; kind says what kind of thing is wanted.
func (g *Grader) right(e *lab.Exercise, given string, value fact.Value) (right bool, kind string, err error) {
	if choices := e.Answer.Choices; len(choices) > 0 {
		i, err := g.choice(e, value)
		kind = g.t(MsgKindChoice, letter(len(choices)-1))
		return strings.EqualFold(given, letter(i)), kind, err
	}
	spec := g.Data.Catalogue[g.Data.Claim(e.Answer.Claim).Fact]
	return same(spec.Type, given, value), g.kind(spec), nil
}

// choice is the number of the one choice that is true of the value.
func (g *Grader) choice(e *lab.Exercise, value fact.Value) (int, error) {
	right := -1
	for i, c := range e.Answer.Choices {
		ok, err := judge.Test(c.Expect, value)
		if err != nil {
			return 0, fmt.Errorf("%s:%d: exercise %s: %w", e.File, c.Line, e.ID, err)
		}
		if ok && right >= 0 {
			return 0, fmt.Errorf("%s:%d: exercise %s: the choices %s and %s are both right on %s", e.File, c.Line, e.ID, letter(right), letter(i), g.Release)
		}
		if ok {
			right = i
		}
	}
	if right < 0 {
		return 0, fmt.Errorf("%s:%d: exercise %s: no choice is right on %s", e.File, e.Line, e.ID, g.Release)
	}
	return right, nil
}

func letter(i int) string { return string(rune('a' + i)) }

// kind says in words what is to be typed for a fact.
func (g *Grader) kind(spec fact.Spec) string {
	m := map[fact.Type]Message{
		fact.TypeInt: MsgKindInt, fact.TypeAddress: MsgKindAddress, fact.TypeBool: MsgKindBool,
		fact.TypeText: MsgKindText, fact.TypeList: MsgKindList, fact.TypeHexList: MsgKindList,
	}[spec.Type]
	kind := g.t(m)
	if spec.Unit != "" && spec.Type == fact.TypeInt {
		kind = g.t(MsgKindUnit, kind, spec.Unit)
	}
	return kind
}

// gone are the words for what a release does not have.
var gone = []string{fact.AbsentWord, "none", "gone", "没有", "不存在"}

var truths = map[string]bool{
	"true": true, "yes": true, "y": true, "1": true, "是": true, "对": true,
	"false": false, "no": false, "n": false, "0": false, "否": false, "不是": false,
}

// same reports whether the text that was typed is the value of a fact of type t, whatever way
// it is written: decimal or hexadecimal, true or yes, elements with spaces or commas between.
func same(t fact.Type, given string, value fact.Value) bool {
	given = strings.TrimSpace(given)
	for _, word := range gone {
		if strings.EqualFold(given, word) {
			return value.IsAbsent()
		}
	}
	switch value.Kind() {
	case fact.Int:
		return number(given, value)
	case fact.Bool:
		b, ok := truths[strings.ToLower(given)]
		return ok && b == value.Bool()
	case fact.Text:
		return unquoted(given) == value.Text()
	case fact.List:
		typed, want := words(given), wanted(value)
		if len(typed) != len(want) {
			return false
		}
		for i, w := range want {
			if !same(t, typed[i], w) {
				return false
			}
		}
		return true
	}
	return false
}

// words are the parts of a list as it was typed: with commas or spaces between, in brackets or not.
func words(list string) []string {
	if inner, ok := strings.CutPrefix(list, "["); ok {
		list = strings.TrimSuffix(inner, "]")
	}
	return strings.FieldsFunc(list, between)
}

func between(r rune) bool { return strings.ContainsRune(" ,;\t\n，、；", r) }

// wanted are the elements of a list; a text of several words counts as that many, for nobody can
// see in what was typed where such an element ends.
func wanted(list fact.Value) (all []fact.Value) {
	for _, v := range list.List() {
		if v.Kind() != fact.Text {
			all = append(all, v)
			continue
		}
		for _, word := range strings.FieldsFunc(v.Text(), between) {
			all = append(all, fact.TextOf(word))
		}
	}
	return all
}

// number reads decimal, 0x…, 0b…, 0o… and digits with _ or , between groups.
func number(given string, value fact.Value) bool {
	text := strings.ReplaceAll(given, ",", "")
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return fact.UintOf(n).Equal(value)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	return err == nil && fact.IntOf(n).Equal(value)
}

func unquoted(s string) string {
	for _, q := range []string{`"`, "'", "`"} {
		if len(s) >= 2 && strings.HasPrefix(s, q) && strings.HasSuffix(s, q) {
			return s[1 : len(s)-1]
		}
	}
	return s
}
