package lab_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rt0lab/rt0lab/runner/lab"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	cpu := strings.NewReplacer("g0-stack-lo/size", "cpu-vendor", "g0-guards", "cpu-leaf", "g0-half", "cpu-half").Replace(g0)
	known := "schema: 1\ngroups:\n  - {section: T, title: a, claims: [gc-periodic]}\n"
	d := load(t, "labs/04-cpu/lab.yaml", cpu, "labs/03-g0/lab.yaml", g0, "labs/posts.yaml", posts, "labs/catalogue.yaml", known)
	for _, c := range []struct {
		args string
		post string
		want string // ids, or a part of the error
		err  bool
	}{
		{"", "", "g0-stack-lo/size g0-guards cpu-vendor cpu-leaf", false},
		{"all", "", "g0-stack-lo/size g0-guards cpu-vendor cpu-leaf", false},
		{"all", "S1", "g0-stack-lo/size cpu-vendor", false},
		{"all 7", "", `no lab and no claim "7"`, true},
		{"03", "", "g0-stack-lo/size g0-guards", false},
		{"3", "", "g0-stack-lo/size g0-guards", false},
		{"03-g0", "", "g0-stack-lo/size g0-guards", false},
		{"4 3", "", "g0-stack-lo/size g0-guards cpu-vendor cpu-leaf", false},
		{"g0-stack-lo", "", "g0-stack-lo/size", false},
		{"g0-stack-lo/size 3", "", "g0-stack-lo/size g0-guards", false},
		{"", "S1", "g0-stack-lo/size cpu-vendor", false},
		{"4", "S1", "cpu-vendor", false},
		{"cpu-leaf", "S1", "", false},
		{"g0-stack-l", "", `no lab and no claim "g0-stack-l"; did you mean "g0-stack-lo"`, true},
		{"g0-stack", "", `did you mean "g0-stack-lo" or "g0-stack-lo/size"`, true},
		{"7", "", `no lab and no claim "7"; see rt0lab list`, true},
		{"gc-periodic", "", "in no lab yet", true},
		{"3", "S9", `no post "S9"; did you mean "S1"? (there are S1)`, true},
	} {
		t.Run(c.args+" "+c.post, func(t *testing.T) {
			t.Parallel()
			claims, err := lab.Select(d, strings.Fields(c.args), c.post)
			if c.err {
				if !errors.Is(err, lab.ErrUnknown) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			var ids []string
			for _, x := range claims {
				ids = append(ids, x.ID)
			}
			if err != nil || !slices.Equal(ids, strings.Fields(c.want)) {
				t.Errorf("selected %v (%v), want %s", ids, err, c.want)
			}
		})
	}
}

// Two setups have one Key exactly when they are built and run the same way.
func TestKey(t *testing.T) {
	t.Parallel()
	flags := func(s string) *string { return &s }
	base := lab.Setup{Name: "plain", Fixture: "hello", Line: 4}
	same := map[string]lab.Setup{
		"other name":       {Name: "other", Fixture: "hello", Line: 9, File: "x"},
		"defaults written": {Fixture: "hello", Gcflags: flags("-N -l"), Goos: "linux", Goarch: "amd64", Goamd64: "v1", Args: []string{}, Env: map[string]string{}},
	}
	for name, s := range same {
		if s.Key() != base.Key() {
			t.Errorf("%s: %s, want %s", name, s.Key(), base.Key())
		}
	}
	keys := map[string]string{base.Key(): "base"}
	for name, s := range map[string]lab.Setup{
		"fixture": {Fixture: "hellocgo"}, "no flags": {Fixture: "hello", Gcflags: flags("")}, "ldflags": {Fixture: "hello", Ldflags: "-s"},
		"tags": {Fixture: "hello", Tags: []string{"a"}}, "cgo": {Fixture: "hello", Cgo: true}, "linkmode": {Fixture: "hello", Linkmode: "internal"},
		"buildmode": {Fixture: "hello", Buildmode: "pie"}, "race": {Fixture: "hello", Race: true}, "experiment": {Fixture: "hello", Goexperiment: "x"},
		"goos": {Fixture: "hello", Goos: "darwin"}, "goarch": {Fixture: "hello", Goarch: "arm64"}, "goamd64": {Fixture: "hello", Goamd64: "v2"},
		"args": {Fixture: "hello", Args: []string{"a", "b"}}, "one arg": {Fixture: "hello", Args: []string{"a b"}},
		"env": {Fixture: "hello", Env: map[string]string{"A": "b"}}, "go": {Fixture: "hello", Go: ">=1.26"},
	} {
		if other, twice := keys[s.Key()]; twice {
			t.Errorf("%s and %s have the same key", name, other)
		}
		keys[s.Key()] = name
	}
	tags := lab.Setup{Fixture: "hello", Tags: []string{"b", "a"}}
	if k := (&lab.Setup{Fixture: "hello", Tags: []string{"a", "b"}}).Key(); k != tags.Key() {
		t.Error("the order of tags means nothing")
	}
	if tags.Tags[0] != "b" {
		t.Error("Key may not sort the setup's own tags")
	}
}
