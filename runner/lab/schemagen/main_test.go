package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../../.."

func TestSchemaIsGenerated(t *testing.T) {
	t.Parallel()
	want, err := generate("../form")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(root + "/labs/lab.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("labs/lab.schema.json is not what package form says; run go generate ./runner/lab/form")
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(root + "/labs/lab.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestLabsKeepTheSchema(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	files, err := filepath.Glob(root + "/labs/*/lab.yaml")
	if err != nil {
		t.Fatal(err)
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
	schema := compiled(t)
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
