package ebpf

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A refusal that stays is told after four; one that does not is forgotten, and the same command runs.
func TestAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ granted, starts int }{{1, 1}, {2, 2}, {4, 4}, {5, 4}} {
		path := filepath.Join(t.TempDir(), "program")
		syscall.ForkLock.RLock() // see InMemory
		err := os.WriteFile(path, []byte("#!/bin/sh\nexit 3\n"), 0o600)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
		cmd, starts := exec.Command(path), 0
		err = again(cmd, func(cmd *exec.Cmd) error {
			if starts++; starts == tt.granted {
				if err := os.Chmod(path, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			return cmd.Start()
		})
		if starts != tt.starts {
			t.Errorf("granted at start %d: started %d times, want %d", tt.granted, starts, tt.starts)
		}
		if tt.granted > tt.starts {
			if !errors.Is(err, os.ErrPermission) || cmd.Process != nil {
				t.Errorf("never granted: %v, want permission denied", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("granted at start %d: %v", tt.granted, err)
			continue
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("granted at start %d: %v", tt.granted, err)
		}
	}
}
