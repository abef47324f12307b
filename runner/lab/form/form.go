// Package form is the shape of the data files: which keys they have, how these
// are written and what they mean. The strict reader and the JSON Schema for
// editors are both made from these structs; package lab turns them into what
// the rest of the program works with.
package form

//go:generate go run ../schemagen . ../../../labs

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// Lab is a lesson: labs/NN-slug/lab.yaml.
type Lab struct {
	Lines strict.Lines `yaml:"-"`
	// Version of this file's shape.
	Schema int `yaml:"schema" jsonschema:"required,enum=1"`
	// Title of the lesson.
	Title Text `yaml:"title" jsonschema:"required"`
	// How fixtures are built and run, by name. The same name means the same content in all labs.
	Setups map[string]Setup `yaml:"setups"`
	// The boot trace that replay shows.
	Trace *Trace `yaml:"trace"`
	// What posts say, each as one predicate over one fact.
	Claims []Claim `yaml:"claims"`
	// Edits of the Go runtime that must refute claims.
	Mutants []Mutant `yaml:"mutants"`
}

// Text is a sentence in English and Chinese. A plain text is English only.
type Text struct {
	Lines strict.Lines `yaml:"-"`
	En    string       `yaml:"en" jsonschema:"required"`
	Zh    string       `yaml:"zh"`
}

// ReadScalar reads a plain text as English.
func (t *Text) ReadScalar(s strict.Scalar) error {
	text, ok := s.Raw.(string)
	if !ok {
		return fmt.Errorf("want a text or {en: …, zh: …}, saw %s", s.Text)
	}
	t.En = text
	return nil
}

// Setup is a fixture and how it is built and run.
type Setup struct {
	Lines strict.Lines `yaml:"-"`
	// Folder below fixtures/.
	Fixture string `yaml:"fixture"`
	// Instead of a fixture: look at a tool of the release itself, as it comes with it.
	Tool string `yaml:"tool" jsonschema:"enum=asm,enum=compile,enum=link"`
	// Look at how the toolchain makes the fixture, which may fail, and not at the binary.
	Making bool `yaml:"making"`
	// Build without modules, with the fixture in GOPATH/src or outside of it.
	Gopath string `yaml:"gopath" jsonschema:"enum=inside,enum=outside"`
	// Another setup of this lab that is built as well, so that static can compare the two, or so that the fixture can open it.
	Beside string `yaml:"beside"`
	// One -gcflags for go build; "-N -l" when it is left out, "" for the compiler's own defaults. May begin with "all=".
	Gcflags *string `yaml:"gcflags"`
	// Flags of the linker.
	Ldflags string `yaml:"ldflags"`
	// Build tags.
	Tags []string `yaml:"tags"`
	// Build with CGO_ENABLED=1; needs a C compiler.
	Cgo bool `yaml:"cgo"`
	// Which linker runs; the linker's own choice when it is left out.
	Linkmode string `yaml:"linkmode" jsonschema:"enum=internal,enum=external"`
	// Kind of binary; an executable when it is left out.
	Buildmode string `yaml:"buildmode" jsonschema:"enum=pie,enum=c-shared,enum=c-archive,enum=plugin"`
	// C file of the fixture, in a folder of its own, that the C compiler makes a program of together with the archive; needs buildmode c-archive.
	Host string `yaml:"host"`
	// Build with -race; needs cgo.
	Race bool `yaml:"race"`
	// GOEXPERIMENT at build time.
	Goexperiment string `yaml:"goexperiment"`
	// Operating system; linux when it is left out.
	Goos string `yaml:"goos"`
	// Architecture; amd64 when it is left out.
	Goarch string `yaml:"goarch"`
	// Level of amd64; v1 when it is left out.
	Goamd64 string `yaml:"goamd64" jsonschema:"enum=v1,enum=v2,enum=v3,enum=v4"`
	// Arguments the fixture is started with, without the name of the program. $beside stands for the path of what is built beside it.
	Args []string `yaml:"args"`
	// Environment of the fixture, besides the nearly empty one it gets.
	Env map[string]string `yaml:"env"`
	// How often a witness starts it, 2 to 50; once when it is left out. What varies from start to start says in its catalogue (over) what the values become.
	Runs int `yaml:"runs" jsonschema:"minimum=2,maximum=50"`
	// Releases the setup can be built for: ">=1.26" or ">=1.16 <1.21". On others its claims are untested.
	Go Constraint `yaml:"go"`
}

// Trace is a start that is recorded instruction by instruction.
type Trace struct {
	Lines strict.Lines `yaml:"-"`
	// The setup that is traced. Labs that trace the same one share its traces.
	Setup string `yaml:"setup" jsonschema:"required"`
	// The function at whose first instruction it ends.
	To string `yaml:"to" jsonschema:"required"`
}

// Claim is one sentence of a post.
type Claim struct {
	Lines strict.Lines `yaml:"-"`
	// An id of the catalogue of claims, or id/part.
	ID string `yaml:"id" jsonschema:"required"`
	// The sentence.
	Says Text `yaml:"says" jsonschema:"required"`
	// Where the sentence stands.
	Posts []Source `yaml:"posts"`
	// The fact it is about: SUBJECT.name, see scripts/SUBJECT.yaml.
	Fact string `yaml:"fact"`
	// The setup it is looked at in; "plain" when it is left out.
	Setup string `yaml:"setup"`
	// Who is asked; delve and gdb when it is left out.
	Witnesses []string `yaml:"witnesses" jsonschema:"enum=delve,enum=gdb,enum=static,enum=ebpf"`
	// What it says of the fact.
	Expect *Expect `yaml:"expect"`
	// Releases since which the fact or the outcome is another, and why.
	Changes []Change `yaml:"changes"`
	// Why nothing can see it; instead of fact and expect.
	Unobservable Text `yaml:"unobservable"`
	// Why no edit of the runtime can refute it.
	NoMutant Text `yaml:"no_mutant"`
}

// Source is where a claim stands in a post.
type Source struct {
	Lines strict.Lines `yaml:"-"`
	// Id of labs/posts.yaml.
	Post string `yaml:"post" jsonschema:"required"`
	// The function, section or paragraph.
	At string `yaml:"at"`
}

// Expect is what the claim says of the fact: exactly one key.
type Expect struct {
	Lines strict.Lines `yaml:"-"`
	// The fact is this value.
	Equals *Value `yaml:"equals"`
	// The fact is one of these values.
	OneOf []Value `yaml:"one_of"`
	// The fact is an integer from the first to the second, both included.
	Between []Value `yaml:"between"`
	// The whole text matches this regular expression (RE2).
	Matches *string `yaml:"matches"`
	// These elements stand in the list in this order; others may stand between.
	Ordered []Value `yaml:"ordered"`
	// The list has all of these.
	Has []Value `yaml:"has"`
	// The list has none of these.
	Lacks []Value `yaml:"lacks"`
	// The thing is gone from the release.
	Absent bool `yaml:"absent" jsonschema:"enum=true"`
	// The thing is there, whatever its value.
	Present bool `yaml:"present" jsonschema:"enum=true"`
}

// Change is a release since which the fact or the outcome is another.
type Change struct {
	Lines strict.Lines `yaml:"-"`
	// The first minor with the change: "go1.21".
	Since Minor `yaml:"since" jsonschema:"required"`
	// What was changed in Go.
	Why Text `yaml:"why" jsonschema:"required"`
}

// Mutant is a small edit of the Go runtime and the claims it must refute.
type Mutant struct {
	Lines strict.Lines `yaml:"-"`
	// Name, unique over all labs.
	ID string `yaml:"id" jsonschema:"required"`
	// What the edit does.
	Says Text `yaml:"says" jsonschema:"required"`
	// The edits, all those whose releases fit are made.
	Edits []Edit `yaml:"edits" jsonschema:"required"`
	// Ids of the claims, of any lab, that it refutes.
	Refutes []string `yaml:"refutes" jsonschema:"required"`
	// Ids of claims that are refuted without it and may hold with it: often the opposite of one that it refutes.
	LetsHold []string `yaml:"lets_hold"`
	// The mutated program does not reach main.main.
	Dies bool `yaml:"dies"`
	// The mutated program neither reaches main.main nor ends.
	Hangs bool `yaml:"hangs"`
}

// Edit replaces a text that stands exactly once in a file of GOROOT/src.
type Edit struct {
	Lines strict.Lines `yaml:"-"`
	// Releases it is for: ">=1.21"; every one when it is left out.
	Go Constraint `yaml:"go"`
	// Path below GOROOT/src.
	File string `yaml:"file" jsonschema:"required"`
	// The text that is there.
	Old string `yaml:"old" jsonschema:"required"`
	// The text that takes its place.
	New string `yaml:"new" jsonschema:"required"`
}

// Value is a value of a fact: an integer, a truth value, a text or a list of these.
type Value struct{ fact.Value }

// ReadRaw reads the value.
func (v *Value) ReadRaw(raw any) error {
	if raw == nil {
		return errors.New("no value here; use absent: true for what is gone from a release")
	}
	w, err := fact.Of(raw)
	if err != nil {
		return err
	}
	v.Value = w
	return nil
}

// Release is the quoted name of a release: "go1.26.8".
type Release string

// Minor is the quoted name of a release without a patch: "go1.21".
type Minor string

// Constraint is a quoted list of comparisons with releases: ">=1.16 <1.21".
type Constraint string

// How a Release and a Minor are written.
const (
	ReleasePattern = `^go1\.(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?$`
	MinorPattern   = `^go1\.(0|[1-9][0-9]*)$`
)

var (
	releaseName = regexp.MustCompile(ReleasePattern)
	minorName   = regexp.MustCompile(MinorPattern)
)

// ReadScalar reads the name and insists on the quotes: YAML takes 1.20 for the number 1.2.
func (r *Release) ReadScalar(s strict.Scalar) error {
	text, err := quoted(s, `a release like "go1.26.8"`)
	if err == nil && !releaseName.MatchString(text) {
		err = fmt.Errorf(`want a release like "go1.26.8", saw %q`, text)
	}
	*r = Release(text)
	return err
}

// ReadScalar reads the name and insists on the quotes.
func (m *Minor) ReadScalar(s strict.Scalar) error {
	text, err := quoted(s, `a release without its patch, like "go1.21"`)
	if err == nil && !minorName.MatchString(text) {
		err = fmt.Errorf(`want a release without its patch, like "go1.21", saw %q`, text)
	}
	*m = Minor(text)
	return err
}

// ReadScalar reads the text and insists on the quotes.
func (c *Constraint) ReadScalar(s strict.Scalar) error {
	text, err := quoted(s, `releases like ">=1.16 <1.21"`)
	if err == nil {
		_, err = constraint.Parse(text)
	}
	*c = Constraint(text)
	return err
}

func quoted(s strict.Scalar, want string) (string, error) {
	text, ok := s.Raw.(string)
	if !ok || !s.Quoted {
		return "", fmt.Errorf("want %s in quotes, saw %s without", want, s.Text)
	}
	return text, nil
}
