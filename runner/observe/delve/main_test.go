package delve_test

import (
	"os"
	"testing"

	"github.com/rt0lab/rt0lab/runner/observe/delve"
)

// childArg makes this test binary the Delve half of the witness.
const childArg = "__delve"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(delve.Child())
	}
	os.Exit(m.Run())
}

func self() (string, []string) {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return exe, []string{childArg}
}
