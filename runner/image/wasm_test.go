package image

import (
	"errors"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/lab"
)

// TestWASM: a module has names, and nothing that needs an address.
func TestWASM(t *testing.T) {
	t.Parallel()
	im, err := Open(buildtest.Build(t, "local", lab.Setup{Goos: "js", Goarch: "wasm"}))
	if err != nil {
		t.Fatal(err)
	}
	if im.Format != WASM || im.GOARCH != "wasm" {
		t.Errorf("%s for %s, want %s for wasm", im.Format, im.GOARCH, WASM)
	}
	for name, want := range map[string]bool{"runtime.main": true, "main.main": true, "runtime.nosuch": false} {
		s, ok, err := im.Symbol(name)
		if err != nil || ok != want || ok && !s.Func {
			t.Errorf("%s: %+v, %v, %v, want %v", name, s, ok, err, want)
		}
	}
	if f, ok, err := im.Func("runtime.main"); ok || err != nil {
		t.Errorf("runtime.main has a body: %+v, %v", f, err)
	}
}

func TestWASMStripped(t *testing.T) {
	t.Parallel()
	im, err := Open(buildtest.Build(t, "local", lab.Setup{Goos: "js", Goarch: "wasm", Ldflags: "-s"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := im.Symbol("runtime.main"); !errors.Is(err, ErrNoSymbols) {
		t.Errorf("stripped: %v, want %v", err, ErrNoSymbols)
	}
}

// TestWASMDamaged: lengths that lead out of the file, at every level.
func TestWASMDamaged(t *testing.T) {
	t.Parallel()
	const header = wasmMagic + "\x01\x00\x00\x00"
	for name, c := range map[string]struct {
		content string
		want    error // of New, or of Symbols
	}{
		"no names":         {header, ErrNoSymbols},
		"long section":     {header + "\x01\x7f", ErrDamaged},
		"no length":        {header + "\x01", ErrDamaged},
		"long part":        {header + "\x00\x07\x04name\x01\x7f", ErrDamaged},
		"long name":        {header + "\x00\x0a\x04name\x01\x03\x01\x00\x7f", ErrDamaged},
		"only other parts": {header + "\x00\x07\x04name\x02\x00", ErrNoSymbols},
		"one name":         {header + "\x00\x0b\x04name\x01\x04\x01\x07\x01f", nil},
	} {
		im, err := New(strings.NewReader(c.content), int64(len(c.content)))
		var all []Symbol
		if err == nil {
			all, err = im.Symbols()
		}
		if !errors.Is(err, c.want) || c.want == nil && (len(all) != 1 || all[0].Name != "f" || all[0].Addr != 7) {
			t.Errorf("%s: %v, %v, want %v", name, all, err, c.want)
		}
	}
}
