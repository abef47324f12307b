package ebpf_test

import (
	"os"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

// childOf names, in the environment of a process that a test starts, the program to look at.
const childOf = "RT0LAB_TEST_PROGRAM"

// child is what such a process does instead of running tests.
var child = func(string) {}

func TestMain(m *testing.M) {
	if program := os.Getenv(childOf); program != "" {
		child(program)
		return
	}
	os.Exit(buildtest.Run(m))
}
