package ebpf

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A refusal that stays is told, and the command can be started when it is gone.
func TestAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	if err := again(cmd); !errors.Is(err, os.ErrPermission) || cmd.Process != nil {
		t.Fatalf("%v, want permission denied", err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(path)
	if err := again(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("%v", err)
	}
}
