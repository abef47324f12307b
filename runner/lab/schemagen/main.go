// Command schemagen writes the JSON Schemas of lab.yaml and exercises.yaml, for editors, from the
// structs that the strict reader uses: go generate ./runner/lab/form.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/rt0lab/rt0lab/runner/lab/form"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: schemagen FOLDER-OF-FORM FOLDER-OF-SCHEMAS")
		os.Exit(2)
	}
	for _, k := range kinds {
		schema, err := generate(os.Args[1], k)
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[2], k.file), schema, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "write schema:", err)
			os.Exit(2)
		}
	}
}

// kind is a data file that has a schema.
type kind struct {
	file, title string
	form        any
}

var kinds = []kind{
	{"lab.schema.json", "rt0lab: a lab", &form.Lab{}},
	{"exercises.schema.json", "rt0lab: the exercises of a lab", &form.Exercises{}},
}

// generate returns the schema; the comments of the structs in the folder become its descriptions.
func generate(folder string, k kind) ([]byte, error) {
	comments := jsonschema.Reflector{}
	if err := comments.AddGoComments("", folder); err != nil {
		return nil, fmt.Errorf("read comments of package form: %w", err)
	}
	here := path.Join("", filepath.ToSlash(folder)) // AddGoComments names packages by folder
	r := jsonschema.Reflector{
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		ExpandedStruct:             true,
		Anonymous:                  true,
		Mapper:                     written,
		LookupComment: func(t reflect.Type, field string) string {
			name := t.Name()
			if field != "" {
				name += "." + field
			}
			return comments.CommentMap[here+"."+name]
		},
	}
	schema := r.Reflect(k.form)
	schema.Title = k.title
	one := uint64(1)
	expect := schema.Definitions["Expect"]
	expect.MinProperties, expect.MaxProperties = &one, &one
	if setup := schema.Definitions["Setup"]; setup != nil {
		setup.OneOf = []*jsonschema.Schema{{Required: []string{"fixture"}}, {Required: []string{"tool"}}}
	}
	if e := schema.Definitions["Exercise"]; e != nil {
		for _, one := range []string{"answer", "script", "break", "repair"} {
			e.OneOf = append(e.OneOf, &jsonschema.Schema{Required: []string{one}})
		}
	}
	for _, key := range []string{"absent", "present"} {
		p, _ := expect.Properties.Get(key)
		p.Enum = []any{true}
	}
	// A sentence may be plain text, which is English.
	def := schema.Definitions["Text"]
	schema.Definitions["Text"] = &jsonschema.Schema{
		Description: def.Description,
		OneOf:       []*jsonschema.Schema{{Type: "string"}, {Ref: "#/$defs/Translated"}},
	}
	def.Description = ""
	schema.Definitions["Translated"] = def

	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return out.Bytes(), nil
}

// written returns the schema of the types that read themselves.
func written(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[form.Value]():
		scalar := []*jsonschema.Schema{{Type: "integer"}, {Type: "boolean"}, {Type: "string"}}
		list := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{AnyOf: scalar}}
		return &jsonschema.Schema{AnyOf: append([]*jsonschema.Schema{list}, scalar...)}
	case reflect.TypeFor[form.Release]():
		return &jsonschema.Schema{Type: "string", Pattern: form.ReleasePattern}
	case reflect.TypeFor[form.Minor]():
		return &jsonschema.Schema{Type: "string", Pattern: form.MinorPattern}
	case reflect.TypeFor[form.Constraint]():
		bound := `(>=|<=|>|<|=)(go)?1\.[0-9]+(\.[0-9]+)?`
		return &jsonschema.Schema{Type: "string", Pattern: "^(" + bound + "( +" + bound + ")*)?$"}
	}
	return nil
}
