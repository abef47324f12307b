package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/build/buildtest"
	"github.com/rt0lab/rt0lab/runner/build/making"
	"github.com/rt0lab/rt0lab/runner/observe/static"
)

func TestMaking(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "making.json")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	account := making.Account{Messages: []string{"a.go:1: no"}, Commands: []making.Command{{Package: "p", Tool: "asm", Args: []string{"-o", "a.o"}}}}
	if err := account.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	const source = `
def at_image(seen):
    package, tool, args = Commands()[0]
    return {
        "x.list.all": [Making(), Built(), Minor(), Goos()],
        "x.list.messages": Messages(),
        "x.list.command": [package, tool] + args,
    }

stops = {"image": at_image}
`
	req := request(t, file, "1.17", source)
	req.Making = true
	got, err := static.Witness{}.Observe(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"x.list.all": "[true false 17 linux]", "x.list.messages": "[a.go:1: no]", "x.list.command": "[p asm -o a.o]"} {
		if s := say(got.Facts[name]); s != want {
			t.Errorf("%s = %s, want %s", name, s, want)
		}
	}
	req = request(t, file, "1.17", "def at_image(seen):\n    return {\"x.int.entry\": Entry()}\n\nstops = {\"image\": at_image}\n")
	req.Making = true
	if got, err = (static.Witness{}).Observe(t.Context(), req); err != nil || !strings.Contains(say(got.Facts["x.int.entry"]), "there is no binary") {
		t.Errorf("a word for binaries: %s, %v", say(got.Facts["x.int.entry"]), err)
	}
}

func TestImageWords(t *testing.T) {
	t.Parallel()
	const source = `
def at_image(seen):
    return {
        "x.list.elf": [FileByte(1), FileByte(4)],
        "x.bool.sizes": FileSize() > 500000 and BesideSize() == FileSize(),
        "x.list.symbol": [SymbolSize("runtime.mainPC"), SymbolAddr("runtime.mainPC") == Addr("runtime.mainPC"), SymbolSize("nosuch") == None, SymbolAddr("nosuch") == None],
        "x.text.source": Source(Entry()),
        "x.bool.packages": "runtime" in Packages() and "net" not in Packages(),
        "x.bool.inlined": len(Inlined("runtime.schedinit")) > 0 and Inlined("runtime.nosuch") == None,
        "x.bool.making": Making(),
    }

stops = {"image": at_image}
`
	req := request(t, buildtest.Hello(t, "local"), "local", source)
	req.Beside = req.Binary
	got, err := static.Witness{}.Observe(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"x.list.elf": "[69 2]", "x.bool.sizes": "true", "x.list.symbol": "[8 true true true]", "x.text.source": "runtime/rt0_linux_amd64.s",
		"x.bool.packages": "true", "x.bool.inlined": "true", "x.bool.making": "false",
	} {
		if s := say(got.Facts[name]); s != want {
			t.Errorf("%s = %s, want %s", name, s, want)
		}
	}
	req = request(t, req.Binary, "local", "def at_image(seen):\n    return {\"x.bool.built\": Built()}\n\nstops = {\"image\": at_image}\n")
	if got, err = (static.Witness{}).Observe(t.Context(), req); err != nil || !strings.Contains(say(got.Facts["x.bool.built"]), "looks at the binary") {
		t.Errorf("a word for makings: %s, %v", say(got.Facts["x.bool.built"]), err)
	}
}
