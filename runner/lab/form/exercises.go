package form

import "github.com/rt0lab/rt0lab/runner/lab/strict"

// Exercises are what a learner does in a lab: labs/NN-slug/exercises.yaml.
type Exercises struct {
	Lines strict.Lines `yaml:"-"`
	// Version of this file's shape.
	Schema int `yaml:"schema" jsonschema:"required,enum=1"`
	// The exercises, in the order in which they are done.
	Exercises []Exercise `yaml:"exercises" jsonschema:"required"`
}

// Exercise is one thing to do. Exactly one of answer, script, break and repair says what kind it is.
type Exercise struct {
	Lines strict.Lines `yaml:"-"`
	// Name, unique over all labs.
	ID string `yaml:"id" jsonschema:"required"`
	// A few words.
	Title Text `yaml:"title" jsonschema:"required"`
	// What is to be done.
	Ask Text `yaml:"ask" jsonschema:"required"`
	// Where to look for it: a stop, a file and function of the runtime, a command.
	Look Text `yaml:"look" jsonschema:"required"`
	// Three hints, each saying more than the one before.
	Hints []Text `yaml:"hints" jsonschema:"required,minItems=3,maxItems=3"`
	// Why it is so; shown when the exercise is passed and with its solution.
	Explain Text `yaml:"explain" jsonschema:"required"`
	// Releases it is for; every one when it is left out.
	Go Constraint `yaml:"go"`
	// Say a value, or choose one of several sentences.
	Answer *Answer `yaml:"answer"`
	// Write the table of a script that reports facts.
	Script *ScriptTask `yaml:"script"`
	// Edit the runtime so that a claim is refuted and the program still starts.
	Break *BreakTask `yaml:"break"`
	// Find out what a mutant does, and undo it.
	Repair *RepairTask `yaml:"repair"`
}

// Answer is right when it is the value that the fact of a claim has on the learner's release.
type Answer struct {
	Lines strict.Lines `yaml:"-"`
	// The claim whose fact is asked for. Whether it holds is no matter.
	Claim string `yaml:"claim" jsonschema:"required"`
	// Sentences to choose from, by letter: the one is right whose expect is true of the fact.
	Choices []Choice `yaml:"choices"`
}

// Choice is one of the sentences to choose from.
type Choice struct {
	Lines strict.Lines `yaml:"-"`
	// The sentence.
	Says Text `yaml:"says" jsonschema:"required"`
	// What must be true of the fact when the sentence is right.
	Expect *Expect `yaml:"expect" jsonschema:"required"`
}

// ScriptTask is passed by a table that reports what the project's own script reports, on the fixture and on mutants.
type ScriptTask struct {
	Lines strict.Lines `yaml:"-"`
	// The claims, of one setup and one subject, whose facts the table reports.
	Claims []string `yaml:"claims" jsonschema:"required"`
	// Mutants that give the facts other values, so that a constant does not pass.
	Mutants []string `yaml:"mutants" jsonschema:"required"`
}

// BreakTask is passed by an edit that refutes the claim.
type BreakTask struct {
	Lines strict.Lines `yaml:"-"`
	// The claim to refute.
	Claim string `yaml:"claim" jsonschema:"required"`
	// The mutant that is shown as the solution.
	Solution string `yaml:"solution" jsonschema:"required"`
}

// RepairTask is passed when what the mutant refutes holds again.
type RepairTask struct {
	Lines strict.Lines `yaml:"-"`
	// What is wrong with the runtime.
	Mutant string `yaml:"mutant" jsonschema:"required"`
}
