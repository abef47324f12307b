// Package lab reads the data of rt0lab: labs with their setups, claims and
// mutants, the catalogue of facts, the posts, the list of releases. Reading is
// strict: an unknown key, a wrong type or a duplicate is an error with file
// and line. The package knows an fs.FS and nothing else: no process, no
// debugger, no path of this machine.
package lab

import (
	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab/strict"
)

// Text is a sentence in the languages of the project. En is never empty.
type Text struct {
	En string
	Zh string
}

// In returns the text in the language ("en", "zh"), English where there is no other.
func (t Text) In(lang string) string {
	if lang == "zh" && t.Zh != "" {
		return t.Zh
	}
	return t.En
}

// Data is everything below one data folder (or several: --with).
type Data struct {
	Labs      []*Lab // in the order of their numbers
	Catalogue fact.Catalogue
	Posts     map[string]Post // by id: "S1"
	Releases  []string        // the releases labs are recorded for, oldest first: "go1.10" …
	// Known are all claims there are to check, by section; the labs are held against it.
	Known []Group
	// Glossary are the words of the lessons.
	Glossary []Term
	// Subjects are the catalogues' files by subject: "g0" → "scripts/g0.yaml".
	Subjects map[string]string
}

// Group is a section, or a part of one, of the list of all claims in labs/catalogue.yaml: each of them
// must stand in a lab.
type Group struct {
	Section string // "F"
	Title   Text
	Lab     int // number of the lab the claims belong to, 0 while they have none
	Claims  []string
	File    string
	Line    int
}

// Term is one thing and its word in each language.
type Term struct {
	Word  Text
	Not   []string // what it must not be called in Chinese
	Means Text
	Line  int
}

// Post is a source that claims are taken from.
type Post struct {
	ID      string
	Title   string
	Site    string // where it stands, "" when unknown
	Release string // the release it is really about
	System  string // "linux/amd64"
	// Transcript and Text are claims that together tell the release: of what a
	// debugger printed for the author, and of the source that the post quotes.
	Transcript []string
	Text       []string
	Line       int
	Lines      strict.Lines
}

// Lab is a lesson: one folder below labs/.
type Lab struct {
	ID      string // the folder's name: "03-g0"
	Number  int
	Title   Text
	Setups  map[string]*Setup
	Trace   *Trace // nil when there is none
	Claims  []*Claim
	Mutants []*Mutant
	// Exercises are from exercises.yaml beside File.
	Exercises []*Exercise
	File      string // "labs/03-g0/lab.yaml"
}

// Trace is a start that is recorded instruction by instruction.
type Trace struct {
	Setup string
	To    string // the function at whose first instruction it ends
	File  string
	Line  int
}

// BesideArg is the argument of a fixture that stands for the path of what is built beside it, which
// only the builder knows.
const BesideArg = "$beside"

// Setup is a fixture and how it is built and run. Two setups with the same
// content (Name and Line aside) are one setup, whatever lab they stand in: see Key.
type Setup struct {
	Name    string // unique over all labs: the same name means the same content
	Fixture string // folder below fixtures/; "" when Tool is set
	// Tool is set instead of Fixture to look at a tool of the release itself: "compile", "asm", "link".
	// It comes with the release and is not built.
	Tool string
	// Making is set to look at how the toolchain makes the fixture instead of at the
	// binary: which commands it runs, what it says, whether it succeeds.
	Making bool
	// Gopath builds without modules: "inside" has the fixture in GOPATH/src, "outside" elsewhere.
	Gopath string
	// Beside is built as well, for what is compared with it, or opened by it: see BesideArg. It is
	// nil for most setups, a setup of the same lab, and has none itself.
	Beside *Setup
	// Gcflags is handed to go build as one -gcflags. Nil means "-N -l", the
	// default; "" means the compiler's own defaults. It may begin with "all=".
	Gcflags *string
	Ldflags string
	// Tags are extra build tags.
	Tags      []string
	Cgo       bool   // CGO_ENABLED=1, needs a C compiler
	Linkmode  string // "" (the linker's choice), "internal", "external"
	Buildmode string // "" (exe), "pie", "c-shared", "c-archive", "plugin"
	// Host is a C file of the fixture; the program is made of it and the c-archive that the
	// toolchain makes of the fixture. "" for what the toolchain makes alone.
	Host string
	Race bool // -race; needs Cgo
	// Goexperiment is GOEXPERIMENT at build time, e.g. "norandomizedheapbase64".
	Goexperiment string
	Goos         string // "" = linux
	Goarch       string // "" = amd64
	Goamd64      string // "" = v1
	Args         []string
	Env          map[string]string // added to the fixture's (otherwise nearly empty) environment
	// Runs is how often a witness that starts the fixture does so; 0 and 1 mean once.
	// See fact.Over for what the values become.
	Runs int
	// Go limits the setup to releases: ">=1.26", ">=1.16 <1.21". Outside of it
	// every claim of the setup is untested (cause release).
	Go   string
	File string
	Line int
	// Lines are the lines of the keys, for messages.
	Lines strict.Lines
}

// Claim is one sentence of a post, as one predicate over one fact of one setup.
type Claim struct {
	ID    string // an id of the catalogue of claims, or id/part
	Says  Text
	Posts []Source
	Fact  string
	Setup string // "" in the file means "plain"
	// Witnesses that are asked: delve, gdb, static, ebpf. Default: delve and gdb.
	Witnesses []string
	Expect    Predicate
	Changes   []Change
	// Unobservable is set instead of Fact and Expect when nothing can see it:
	// the claim is untested for ever, and this says why.
	Unobservable Text
	// NoMutant says why no edit of the runtime can refute the claim.
	NoMutant Text
	File     string
	Line     int
	// Lines are the lines of the keys, for messages.
	Lines strict.Lines
}

// Source is where a claim stands in a post.
type Source struct {
	Post string
	At   string // the function, section or paragraph
	Line int
}

// Change is a release since which the fact or the outcome is another, and why.
type Change struct {
	Since string // "go1.21"
	Why   Text
	Line  int
}

// Predicate is what the claim says of the fact: exactly one field is set.
type Predicate struct {
	Equals  *fact.Value
	OneOf   []fact.Value
	Between []fact.Value // two Ints, both included
	Matches string       // a regular expression (RE2) over the whole Text
	Ordered []fact.Value // these elements stand in the list in this order, others may stand between
	Has     []fact.Value // the list has all of these, in any order
	Lacks   []fact.Value // the list has none of these
	Absent  bool         // the thing is gone
	Present bool         // the thing is there, whatever its value
}

// Mutant is a small edit of the Go runtime and the claims it must refute.
type Mutant struct {
	ID    string
	Says  Text // what the edit does
	Edits []Edit
	// Refutes are the ids of claims (of any lab) that go from holds to refuted,
	// where they hold and where an edit fits the release. No other outcome may change.
	Refutes []string
	// LetsHold are the ids of claims that are refuted without the mutant and may
	// hold with it, which is no change that nobody expects: often the opposite of
	// one that it refutes.
	LetsHold []string
	// Dies is set when the mutated program does not reach main.main: facts behind the place
	// where it ends are then not seen, and that does not count as a change.
	Dies bool
	// Hangs is set when it does not end either: who waits for a place behind the one where it
	// hangs gives up, and that does not count as a change.
	Hangs bool
	File  string
	Line  int
	// Lines are the lines of the keys, for messages.
	Lines strict.Lines
}

// Edit replaces Old by New in one file of GOROOT/src. Old must stand there exactly once.
type Edit struct {
	Go   string // a constraint like Setup.Go; "" = every release
	File string // "runtime/asm_amd64.s"
	Old  string
	New  string
	Line int
}
