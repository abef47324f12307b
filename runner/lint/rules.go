package lint

import "github.com/rt0lab/rt0lab/runner/lab"

// Rule is one thing that the data must keep.
type Rule struct {
	ID   string
	Says string // one sentence
}

// The ids of the rules that only lint knows; those of the loader are in package lab.
const (
	ruleCatalogue  = "catalogue"
	ruleComplete   = "complete"
	rulePost       = "post"
	ruleText       = "text"
	ruleType       = "type"
	ruleOver       = "over"
	ruleRegexp     = "regexp"
	ruleConstraint = "constraint"
	ruleFixture    = "fixture"
	ruleReadme     = "readme"
	ruleOrphan     = "orphan"
	ruleScript     = "script"
	ruleStop       = "stop"
	ruleTable      = "table"
	ruleSpelled    = "spelled"
	ruleEdit       = "edit"
	ruleRefutes    = "refutes"
	ruleMutant     = "mutant"
	ruleNoMutant   = "no-mutant"
	ruleChanges    = "changes"
	ruleStale      = "stale"
	ruleRecorded   = "recorded"
	ruleTask       = "task"
	ruleLesson     = "lesson"
	ruleTerm       = "term"
)

// Rules is every rule there is, in the order of the data: files, claims, scripts, mutants, recordings.
func Rules() []Rule {
	return []Rule{
		{string(lab.RuleShape), "Data files are YAML of the documented shape: no unknown, missing or duplicate key, no wrong type, releases in quotes."},
		{string(lab.RuleName), "Labs, setups, claims, mutants, subjects and facts are named the agreed way."},
		{string(lab.RulePath), "Paths stay below their folder: relative, and without \"..\"."},
		{string(lab.RulePredicate), "Expect says exactly one well-formed thing of a fact."},
		{string(lab.RuleUnobservable), "A claim has a fact and an expect, or says why it is unobservable, and never both."},
		{string(lab.RuleSetup), "The keys of a setup go together: race and external linking need cgo, an archive a host in C, $beside what is beside; a tool is not built, and what starts no fixture is asked of static alone."},
		{string(lab.RuleUnique), "Claims, mutants, lab numbers, subjects, posts and releases are there once; a setup's name means the same in all labs."},
		{string(lab.RuleReference), "The setup and the fact of a claim and the claims a mutant refutes exist."},
		{string(lab.RuleExercise), "An exercise is of exactly one kind, has three hints, and has what its kind takes."},
		{ruleCatalogue, "A claim's id, or the part of it before the slash, is in labs/catalogue.yaml and belongs to that lab."},
		{ruleComplete, "Every claim of labs/catalogue.yaml stands in a lab."},
		{rulePost, "The posts of a claim are in labs/posts.yaml; the claims of a post's transcript and text name the post, and most of the transcript holds on the release it is said to be about."},
		{ruleText, "Sentences are there in English and in Chinese."},
		{ruleType, "What a claim expects can be a value of its fact's type."},
		{ruleOver, "What the values of several runs become fits the fact's type and is asked of setups with runs, and such setups are started by a witness."},
		{ruleRegexp, "Regular expressions compile."},
		{ruleConstraint, "A constraint on releases fits at least one of those the labs are recorded for."},
		{ruleFixture, "A setup's fixture exists, parses (but for files named .go.txt) and has a package main, and has nothing that go:embed drops."},
		{ruleReadme, "Every lab has a README.md that is more than a few sentences long."},
		{ruleLesson, "The lesson is there in both languages, with the same sections in the same order; what to know before, the walk, see it yourself, exercises and read on are among them."},
		{ruleTerm, "Chinese texts call a thing by the word of labs/glossary.yaml, and the glossary says what each word means."},
		{ruleOrphan, "Every file below labs, fixtures and scripts is known and used by something."},
		{ruleScript, "A witness that a claim asks has a script of the fact's subject, and the script parses and has a table of stops."},
		{ruleStop, "Stops are spelled so that they can be resolved."},
		{ruleTable, "The stops of a fact stand in the tables of the scripts that return it, and every stop of a table is that of some fact."},
		{ruleSpelled, "A script returns facts of its own subject that are in its catalogue, and every fact is returned by the scripts of its witnesses."},
		{ruleEdit, "An edit of a mutant changes a source file below GOROOT/src, and no two of one release want the same text."},
		{ruleRefutes, "A mutant refutes claims that expect something, each named once and not among those it lets hold."},
		{ruleMutant, "A claim that holds in an era is refuted by some mutant that fits a release of it (eras: 1.10–1.15, 1.16–1.20, 1.21–1.25, 1.26–1.27), or says why none can."},
		{ruleNoMutant, "A claim that says no mutant can refute it is refuted by none."},
		{ruleTask, "A lab has three exercises or more; what one asks for was seen on every release it is for and is the same on every machine, one choice is right, a solution does what it must."},
		{ruleChanges, "Wherever the recorded outcome or a comparable value changes, the claim says in changes why; of a list of which it names some elements, only the outcome."},
		{ruleRecorded, "Every claim is recorded on every release of labs/releases.yaml, by every witness it asks, once its lab is begun to be recorded; so is every boot trace."},
		{ruleStale, "Changes are only where the recordings change."},
	}
}
