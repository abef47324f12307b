package step_test

import (
	"os"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
)

func TestMain(m *testing.M) { os.Exit(buildtest.Run(m)) }
