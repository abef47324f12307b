package course

import (
	"testing"

	"github.com/rt0lab/rt0lab/runner/fact"
)

func TestSame(t *testing.T) {
	t.Parallel()
	names := fact.ListOf(fact.TextOf("runtime.check"), fact.TextOf("runtime.args"))
	files := fact.ListOf(fact.TextOf("0 arena.go"), fact.TextOf("4 mstats.go"))
	code := fact.ListOf(fact.TextOf("cmp rsp,[r14+0x10]"))
	for _, tt := range []struct {
		name  string
		kind  fact.Type
		given string
		value fact.Value
		want  bool
	}{
		{"decimal", fact.TypeInt, "65536", fact.IntOf(65536), true},
		{"hexadecimal", fact.TypeInt, "0x10000", fact.IntOf(65536), true},
		{"upper case", fact.TypeInt, "0X1ABC", fact.IntOf(0x1abc), true},
		{"grouped", fact.TypeInt, "65,536", fact.IntOf(65536), true},
		{"negative", fact.TypeInt, "-8", fact.IntOf(-8), true},
		{"beyond int64", fact.TypeAddress, "0xffffffffffffffff", fact.UintOf(1<<64 - 1), true},
		{"another number", fact.TypeInt, "65432", fact.IntOf(65536), false},
		{"no number", fact.TypeInt, "64 KiB", fact.IntOf(65536), false},
		{"a fraction", fact.TypeInt, "64.0", fact.IntOf(64), false},
		{"nothing", fact.TypeInt, "", fact.IntOf(0), false},
		{"yes", fact.TypeBool, "Yes", fact.BoolOf(true), true},
		{"true", fact.TypeBool, "true", fact.BoolOf(true), true},
		{"in Chinese", fact.TypeBool, "否", fact.BoolOf(false), true},
		{"no for true", fact.TypeBool, "no", fact.BoolOf(true), false},
		{"perhaps", fact.TypeBool, "perhaps", fact.BoolOf(false), false},
		{"name", fact.TypeText, "runtime.check", fact.TextOf("runtime.check"), true},
		{"quoted", fact.TypeText, `"runtime.check"`, fact.TextOf("runtime.check"), true},
		{"another case", fact.TypeText, "runtime.Check", fact.TextOf("runtime.check"), false},
		{"list", fact.TypeList, "runtime.check, runtime.args", names, true},
		{"list in brackets", fact.TypeList, "[runtime.check runtime.args]", names, true},
		{"list with Chinese commas", fact.TypeList, "runtime.check、runtime.args", names, true},
		{"list in another order", fact.TypeList, "runtime.args runtime.check", names, false},
		{"too short", fact.TypeList, "runtime.check", names, false},
		{"list of texts with spaces", fact.TypeList, "0 arena.go, 4 mstats.go", files, true},
		{"one of its words is missing", fact.TypeList, "0 arena.go, mstats.go", files, false},
		{"list of texts with commas and brackets", fact.TypeList, "cmp rsp, [r14+0x10]", code, true},
		{"in brackets of its own", fact.TypeList, "[cmp rsp,[r14+0x10]]", code, true},
		{"another number in it", fact.TypeList, "cmp rsp,[r14+0x18]", code, false},
		{"gone", fact.TypeInt, "gone", fact.AbsentValue(), true},
		{"absent", fact.TypeInt, "absent", fact.AbsentValue(), true},
		{"a number for what is gone", fact.TypeInt, "0", fact.AbsentValue(), false},
		{"gone, and it is there", fact.TypeInt, "none", fact.IntOf(0), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := same(tt.kind, tt.given, tt.value); got != tt.want {
				t.Errorf("same(%s, %q, %s) = %v", tt.kind, tt.given, tt.value, got)
			}
		})
	}
}
