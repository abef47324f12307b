package course

import (
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, new string }{
		{"begins with a tab", "\tgcenable()\n", "\n"},
		{"begins with an empty line", "\n\tgcenable()\n", "\tgcenable()\n\n"},
		{"one line", "(-64*1024)(SP), BX", "(-32*1024)(SP), BX"},
		{"quotes and a middle dot", "\tCALL\truntime·args(SB)\n", "throw(\"a: \\\"b\\\"\") # c\n"},
		{"nothing instead", "x", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := written([]lab.Edit{{File: "runtime/proc.go", Old: tt.old, New: tt.new}})
			edits, err := readEdits("x.yaml", []byte(text))
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			if len(edits) != 1 || edits[0].File != "runtime/proc.go" || edits[0].Old != tt.old || edits[0].New != tt.new {
				t.Errorf("read %+v from\n%s", edits, text)
			}
		})
	}
}
