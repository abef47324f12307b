package strict_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

type file struct {
	Lines strict.Lines     `yaml:"-"`
	Name  string           `yaml:"name" jsonschema:"required"`
	Kind  string           `yaml:"kind" jsonschema:"enum=one,enum=two"`
	Count int              `yaml:"count"`
	On    bool             `yaml:"on"`
	List  []string         `yaml:"list" jsonschema:"enum=a,enum=b"`
	Map   map[string]entry `yaml:"map"`
	Maybe *string          `yaml:"maybe"`
	Left  string
}

type entry struct {
	Lines strict.Lines `yaml:"-"`
	Text  string       `yaml:"text" jsonschema:"required"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var f file
	const src = `# a comment
name: "1.20"
kind: one
count: -3
on: true
list: [a, b]
map:
  x:
    text: |
      two
      lines
  "y": {text: 'z'}
maybe: ""
`
	if errs := strict.Decode([]byte(src), &f); errs != nil {
		t.Fatal(errs)
	}
	empty := ""
	want := file{
		Lines: strict.Lines{"": 2, "name": 2, "kind": 3, "count": 4, "on": 5, "list": 6, "map": 7, "maybe": 13},
		Name:  "1.20", Kind: "one", Count: -3, On: true, List: []string{"a", "b"}, Maybe: &empty,
		Map: map[string]entry{
			"x": {Lines: strict.Lines{"": 8, "text": 9}, Text: "two\nlines\n"},
			"y": {Lines: strict.Lines{"": 12, "text": 12}, Text: "z"},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"empty":           {"", "1: the file is empty"},
		"only a comment":  {"# a\n", "1: the file is empty"},
		"not a mapping":   {"- a\n", "1: the file: want a mapping, saw a list"},
		"not YAML":        {"name: a\nkind: [\n", "2: not YAML: sequence end token ']' not found"},
		"missing":         {"count: 1\n", `1: missing key "name" in the file`},
		"no value":        {"name:\n", `1: "name" in the file has no value; leave the key out`},
		"null":            {"name: ~\n", `1: "name" in the file has no value; leave the key out`},
		"duplicate":       {"name: a\nname: b\n", `2: duplicate key "name" in the file; it stands in line 1 already`},
		"number":          {"name: 1.20\n", `1: "name": want a text, saw the number 1.20; put quotes around it`},
		"truth":           {"name: true\n", `1: "name": want a text, saw the truth value true; put quotes around it`},
		"text for number": {"name: a\ncount: '1'\n", `2: "count": want an integer, saw the text "1"`},
		"part":            {"name: a\ncount: 1.5\n", `2: "count": want an integer, saw the number 1.5`},
		"huge":            {"name: a\ncount: 18446744073709551615\n", `2: "count": want an integer, saw the number 18446744073709551615`},
		"text for truth":  {"name: a\non: yes\n", `2: "on": want true or false, saw the text "yes"`},
		"word":            {"name: a\nkind: ones\n", `2: "kind": unknown word "ones"; did you mean "one"? (accepted: one, two)`},
		"word in a list":  {"name: a\nlist:\n  - a\n  - c\n", `4: an entry of "list": unknown word "c" (accepted: a, b)`},
		"no list":         {"name: a\nlist: a\n", `2: "list": want a list, saw the text "a"`},
		"list":            {"name: [a]\n", `1: "name": want a text, saw a list`},
		"in a map":        {"name: a\nmap:\n  x:\n    txt: a\n", `4: unknown key "txt" in "x" in "map"; did you mean "text"? (accepted: text)` + "\n" + `4: missing key "text" in "x" in "map"`},
		"anchor":          {"name: &a a\n", `1: "name": anchors, aliases, merge keys and tags are not read here; write the value out`},
		"alias":           {"name: a\nmap:\n  x: *a\n", `3: "x" in "map": anchors, aliases, merge keys and tags are not read here; write the value out`},
		"tag":             {"name: !!str 1\n", `1: "name": anchors, aliases, merge keys and tags are not read here; write the value out`},
		"merge key":       {"name: a\nmap:\n  x:\n    <<: {text: a}\n    text: b\n", `4: "x" in "map": a key must be a plain word, saw a mergekey`},
		"two documents":   {"name: a\n---\nname: b\n", "3: a second document begins here; keep one per file"},
		"untagged field":  {"name: a\nLeft: b\n", `2: unknown key "Left" in the file; did you mean "list"? (accepted: name, kind, count, on, list, map, maybe)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f file
			var got []string
			for _, e := range strict.Decode([]byte(c.src), &f) {
				got = append(got, fmt.Sprintf("%d: %s", e.Line, e.Msg))
			}
			if s := strings.Join(got, "\n"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// Whatever a file holds, reading it ends in errors, not in a crash.
func FuzzDecode(f *testing.F) {
	for _, src := range []string{"name: a\n", "map: {x: {text: a}}", "- a", "name: &a [*a]", "? a\n: b", "a: |\n b\n", "{", "name: !!x y", "%", "---\n...", "<<: a"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(_ *testing.T, src []byte) {
		var into file
		strict.Decode(src, &into)
	})
}
