package course

import "testing"

func TestTabsArePasted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, old, new string }{
		{"plain", "edits:\n  - file: a.s\n    old: CALL\tx(SB)\n    new: NOP\n", "CALL\tx(SB)", "NOP"},
		{"double quotes", "edits:\n  - file: a.s\n    old: \"CALL\tx(SB)\"\n    new: \"NOP\\n\\tCALL\tx(SB)\"\n", "CALL\tx(SB)", "NOP\n\tCALL\tx(SB)"},
		{"single quotes", "edits:\n  - file: a.s\n    old: 'CALL\tx(SB)'\n    new: ''\n", "CALL\tx(SB)", ""},
		{"a block", "edits:\n  - file: a.s\n    old: |-\n      \tCALL\tx(SB)\n      \tRET\n    new: |\n      \tRET\n", "\tCALL\tx(SB)\n\tRET", "\tRET\n"},
		{"behind a key", "edits:\n  - file:\ta.s\n    old:\tCALL\tx(SB)\n    new: NOP\n", "CALL\tx(SB)", "NOP"},
		{"at the end of a line", "edits:\t\n  - file: a.s\t\n    old: CALL\tx(SB)\t\r\n    new: NOP \t \n", "CALL\tx(SB)", "NOP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			edits, err := readEdits("x.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if len(edits) != 1 || edits[0].File != "a.s" || edits[0].Old != tt.old || edits[0].New != tt.new {
				t.Errorf("read %+v, want old %q and new %q", edits, tt.old, tt.new)
			}
		})
	}
}

func TestIndentedByTabs(t *testing.T) {
	t.Parallel()
	if edits, err := readEdits("x.yaml", []byte("edits:\n\t- file: a.s\n\t  old: a\n\t  new: b\n")); err == nil {
		t.Errorf("read %+v, want an error: YAML is not indented by tabs", edits)
	}
}
