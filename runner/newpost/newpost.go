// Package newpost writes the folder that an author begins with: claims, facts,
// scripts in both languages, a fixture and a mutant, which pass lint and a run
// as they are.
package newpost

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"text/template"
)

//go:embed template
var templates embed.FS

// files are where the templates go, in the folder of the post.
var files = []struct{ template, to string }{
	{"lab.yaml", "labs/{{.Number}}-{{.Name}}/lab.yaml"},
	{"README.md", "labs/{{.Number}}-{{.Name}}/README.md"},
	{"posts.yaml", "labs/posts.yaml"},
	{"facts.yaml", "scripts/{{.Name}}.yaml"},
	{"script.star", "scripts/starlark/{{.Name}}.star"},
	{"script.py", "scripts/gdb/{{.Name}}.py"},
	{"fixture.go.txt", "fixtures/{{.Name}}/main.go"},
}

// Post is what the skeleton is made for.
type Post struct {
	Name    string // of the folder, the lab, the subject and the post: see ErrName
	Number  int    // of the lab, two digits, not that of another lab
	Release string // the release that the post is about, for a start: "go1.26.8"
}

// ErrName is returned for a name that cannot be that of a subject and of a lab.
var ErrName = errors.New("want a lower-case letter, then lower-case letters and digits")

// ErrExists is wrapped when there is something of that name already.
var ErrExists = errors.New("there is something already")

var name = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Write makes the folder in and returns its files. It is there as a whole or not at all.
func Write(in string, p Post) (written []string, err error) {
	if !name.MatchString(p.Name) {
		return nil, fmt.Errorf("new post %q: %w", p.Name, ErrName)
	}
	folder := filepath.Join(in, p.Name)
	if _, err := os.Lstat(folder); err == nil {
		return nil, fmt.Errorf("new post: %w at %s; take another name, or another folder", ErrExists, folder)
	}
	draft, err := os.MkdirTemp(in, "."+p.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("new post: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(draft)) }()
	for _, f := range files {
		text, err := fs.ReadFile(templates, "template/"+f.template)
		if err != nil {
			return nil, fmt.Errorf("new post: %w", err)
		}
		to, err := fill(f.to, p)
		if err != nil {
			return nil, err
		}
		content, err := fill(string(text), p)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(draft, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return nil, fmt.Errorf("new post: %w", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			return nil, fmt.Errorf("new post: %w", err)
		}
		written = append(written, filepath.Join(folder, filepath.FromSlash(to)))
	}
	if err := os.Chmod(draft, 0o755); err != nil { // MkdirTemp is for its owner only
		return nil, fmt.Errorf("new post: %w", err)
	}
	if err := os.Rename(draft, folder); err != nil {
		return nil, fmt.Errorf("new post: %w", err)
	}
	return written, nil
}

func fill(text string, p Post) (string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("new post: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return "", fmt.Errorf("new post: %w", err)
	}
	return b.String(), nil
}
