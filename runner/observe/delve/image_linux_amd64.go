package delve

import (
	"debug/elf"
	"fmt"

	"github.com/rt0lab/rt0lab/runner/observe"
)

// debuggable returns ErrRelease when Delve cannot look at the binary here: it
// runs it, and needs its DWARF.
func debuggable(req observe.Request) error {
	if req.GOOS != "" && req.GOOS != "linux" || req.GOARCH != "" && req.GOARCH != "amd64" {
		return fmt.Errorf("look with Delve: %w: a %s/%s program (Delve runs linux/amd64 here)", observe.ErrRelease, req.GOOS, req.GOARCH)
	}
	f, err := elf.Open(req.Binary)
	if err != nil {
		return fmt.Errorf("look with Delve: %w", err)
	}
	defer f.Close()
	switch {
	case f.Machine != elf.EM_X86_64:
		return fmt.Errorf("look with Delve: %w: the binary is for %s", observe.ErrRelease, f.Machine)
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		return fmt.Errorf("look with Delve: %w: the binary is no program (%s)", observe.ErrRelease, f.Type)
	case f.Section(".debug_info") == nil && f.Section(".zdebug_info") == nil:
		return fmt.Errorf("look with Delve: %w: the binary has no DWARF (linked with -w or -s)", observe.ErrRelease)
	}
	return nil
}
