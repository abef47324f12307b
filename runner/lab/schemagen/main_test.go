package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../../.."

func TestSchemaIsGenerated(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		want, err := generate("../form", k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, "labs", k.file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("labs/%s is not what package form says; run go generate ./runner/lab/form", k.file)
		}
	}
}

func compiled(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "labs", file))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestLabsKeepTheSchema(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		schema := compiled(t, k.file)
		name, _, _ := strings.Cut(k.file, ".")
		files, err := filepath.Glob(root + "/labs/*/" + name + ".yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s: %v", k.file, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(schema, src); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func validate(schema *jsonschema.Schema, src []byte) error {
	asJSON, err := yaml.YAMLToJSON(src)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// What the strict reader refuses, an editor underlines as well.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiled(t, "lab.schema.json")
	const head = "schema: 1\ntitle: {en: a, zh: b}\n"
	const claim = head + "claims:\n  - {id: a, says: b, fact: a.b, "
	cases := map[string]struct {
		src string
		ok  bool
	}{
		"good":               {claim + `expect: {equals: 1}, changes: [{since: "go1.21", why: c}]}`, true},
		"good list":          {claim + `expect: {has: [1, a, true, [2]]}}`, true},
		"unknown key":        {claim + `expect: {equals: 1}, fcat: c}`, false},
		"two predicates":     {claim + `expect: {equals: 1, absent: true}}`, false},
		"no predicate":       {claim + `expect: {}}`, false},
		"absent: false":      {claim + `expect: {absent: false}}`, false},
		"unquoted release":   {claim + `expect: {equals: 1}, changes: [{since: 1.20, why: c}]}`, false},
		"patch in since":     {claim + `expect: {equals: 1}, changes: [{since: "go1.21.3", why: c}]}`, false},
		"unknown witness":    {claim + `expect: {equals: 1}, witnesses: [lldb]}`, false},
		"missing title":      {"schema: 1\n", false},
		"other version":      {"schema: 2\ntitle: a\n", false},
		"setup no fixture":   {head + "setups: {plain: {}}", false},
		"setup, tool":        {head + `setups: {linker: {tool: link}}`, true},
		"setup, two things":  {head + `setups: {linker: {tool: link, fixture: hello}}`, false},
		"setup, other tool":  {head + `setups: {linker: {tool: vet}}`, false},
		"setup":              {head + `setups: {plain: {fixture: hello, go: ">=1.16 <1.21", env: {A: b}, gcflags: ""}}`, true},
		"setup, constraint":  {head + `setups: {plain: {fixture: hello, go: "1.16+"}}`, false},
		"setup, unknown key": {head + `setups: {plain: {fixture: hello, arch: arm64}}`, false},
		"mutant no refutes":  {head + `mutants: [{id: a, says: b, edits: [{file: a, old: b, new: c}]}]`, false},
		"edit without file":  {head + `mutants: [{id: a, says: b, refutes: [a], edits: [{old: b, new: c}]}]`, false},
		"text without en":    {"schema: 1\ntitle: {zh: b}\n", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := validate(schema, []byte(c.src))
			if (err == nil) != c.ok {
				t.Errorf("valid: %v, want %v (%v)", err == nil, c.ok, err)
			}
		})
	}
}

func TestExerciseSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiled(t, "exercises.schema.json")
	const head = "schema: 1\nexercises:\n  - {id: a, title: b, ask: c, look: d, explain: e, hints: [f, g, h]"
	for name, c := range map[string]struct {
		src string
		ok  bool
	}{
		"answer":          {head + ", answer: {claim: a}}", true},
		"choices":         {head + ", answer: {claim: a, choices: [{says: b, expect: {equals: 1}}, {says: c, expect: {absent: true}}]}}", true},
		"two kinds":       {head + ", answer: {claim: a}, repair: {mutant: m}}", false},
		"no kind":         {head + "}", false},
		"unknown key":     {head + ", answer: {fact: a.b}}", false},
		"break, no way":   {head + ", break: {claim: a}}", false},
		"no hints":        {"schema: 1\nexercises:\n  - {id: a, title: b, ask: c, look: d, explain: e, answer: {claim: a}}", false},
		"two hints":       {strings.Replace(head, ", h]", "]", 1) + ", answer: {claim: a}}", false},
		"a choice, bare":  {head + ", answer: {claim: a, choices: [{says: b}]}}", false},
		"script, nothing": {head + ", script: {claims: [a]}}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := validate(schema, []byte(c.src)); (err == nil) != c.ok {
				t.Errorf("valid: %v, want %v (%v)", err == nil, c.ok, err)
			}
		})
	}
}
