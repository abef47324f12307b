package form

import "github.com/rt0lab/rt0lab/runner/lab/strict"

// Facts is the catalogue of one subject: scripts/SUBJECT.yaml.
type Facts struct {
	Lines strict.Lines `yaml:"-"`
	// Version of this file's shape.
	Schema int `yaml:"schema" jsonschema:"required,enum=1"`
	// The name of the file and of the scripts.
	Subject string `yaml:"subject" jsonschema:"required"`
	// The facts by name: SUBJECT.something.
	Facts map[string]Fact `yaml:"facts" jsonschema:"required"`
}

// Fact is what the catalogue says of one fact.
type Fact struct {
	Lines strict.Lines `yaml:"-"`
	// What kind of value it has.
	Type string `yaml:"type" jsonschema:"required,enum=int,enum=address,enum=bool,enum=text,enum=list,enum=hexlist"`
	// Unit of the value: bytes, count, …
	Unit string `yaml:"unit"`
	// How two recordings are compared; exact when it is left out.
	Compare string `yaml:"compare" jsonschema:"enum=exact,enum=host,enum=run"`
	// What the values of a setup's runs become: the smallest or largest integer, true when any or when every run says so, the union of lists.
	Over string `yaml:"over" jsonschema:"enum=min,enum=max,enum=any,enum=every,enum=union"`
	// The stop, or the stops, at which a script may return it.
	At Stops `yaml:"at" jsonschema:"required"`
	// What it is, in English.
	En string `yaml:"en" jsonschema:"required"`
	// What it is, in Chinese.
	Zh string `yaml:"zh"`
}

// Stops is one stop or a list of stops.
type Stops []string

// ReadScalar reads a single stop.
func (s *Stops) ReadScalar(v strict.Scalar) error {
	*s = Stops{v.Text}
	return nil
}

// Posts is labs/posts.yaml: the posts by id.
type Posts struct {
	Lines  strict.Lines    `yaml:"-"`
	Schema int             `yaml:"schema" jsonschema:"required,enum=1"`
	Posts  map[string]Post `yaml:"posts" jsonschema:"required"`
}

// Post is a source of claims.
type Post struct {
	Lines   strict.Lines `yaml:"-"`
	Title   string       `yaml:"title" jsonschema:"required"`
	Site    string       `yaml:"site"`
	Release Release      `yaml:"release" jsonschema:"required"`
	System  string       `yaml:"system" jsonschema:"required"`
	// What a debugger printed on the author's machine, as claims.
	Transcript []string `yaml:"transcript"`
	// What the post quotes or says of the runtime's source, as claims.
	Text []string `yaml:"text"`
}

// Releases is labs/releases.yaml.
type Releases struct {
	Lines    strict.Lines `yaml:"-"`
	Schema   int          `yaml:"schema" jsonschema:"required,enum=1"`
	Releases []Release    `yaml:"releases" jsonschema:"required"`
}

// Known is labs/catalogue.yaml: the ids of all claims there are to check.
type Known struct {
	Lines  strict.Lines `yaml:"-"`
	Schema int          `yaml:"schema" jsonschema:"required,enum=1"`
	Groups []Group      `yaml:"groups" jsonschema:"required"`
}

// Group is a section of the catalogue of claims, or a part of one.
type Group struct {
	Lines strict.Lines `yaml:"-"`
	// Letter of the section.
	Section string `yaml:"section" jsonschema:"required"`
	Title   Text   `yaml:"title" jsonschema:"required"`
	// Number of the lab the claims belong to; none yet when it is left out.
	Lab int `yaml:"lab"`
	// Every one of them stands in a lab.
	Claims []string `yaml:"claims" jsonschema:"required"`
}

// Glossary is labs/glossary.yaml: the words of the lessons.
type Glossary struct {
	Lines  strict.Lines `yaml:"-"`
	Schema int          `yaml:"schema" jsonschema:"required,enum=1"`
	Terms  []Term       `yaml:"terms" jsonschema:"required"`
}

// Term is one thing and its word in each language.
type Term struct {
	Lines strict.Lines `yaml:"-"`
	En    string       `yaml:"en" jsonschema:"required"`
	Zh    string       `yaml:"zh" jsonschema:"required"`
	// What it must not be called in Chinese.
	Not   []string `yaml:"not"`
	Means Text     `yaml:"means" jsonschema:"required"`
}
