package startup

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestReadTrace(t *testing.T) {
	t.Parallel()
	got := map[string][]float64{}
	readTrace([]byte("hello\ninit net/http @1.2 ms, 0.35 ms clock, 1024 bytes, 12 allocs\n  init no @1 ms, 1 ms clock, \ninit gopkg.in/yaml%2ev3 @2 ms, 0 ms clock, 0 bytes, 0 allocs\ninit net/http @1.2 ms, 1 ms clock, 1024 bytes, 12 allocs\ninit x @a ms\n"), got)
	want := map[string][]float64{"net/http": {350000, 1e6}, "gopkg.in/yaml.v3": {0}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestUnescaped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "a.b": "a.b", "yaml%2ev3.init": "yaml.v3.init", "%2e%2e": "..", "%": "%", "%2": "%2", "%zz%2e": "%zz.", "%252e": "%2e"} {
		if got := unescaped(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWithTrace(t *testing.T) {
	t.Parallel()
	env := []string{"A=1", "GODEBUG=x=1"}
	if got := strings.Join(withTrace(env), " "); got != "A=1 GODEBUG=x=1,inittrace=1" || env[1] != "GODEBUG=x=1" {
		t.Errorf("%s, and left %v", got, env)
	}
	if got := strings.Join(withTrace(nil), " "); got != "GODEBUG=inittrace=1" {
		t.Error(got)
	}
}

// What a program writes is its own business, and nothing in it may hurt.
func FuzzReadTrace(f *testing.F) {
	f.Add("init a @1 ms, 2 ms clock, ")
	f.Add("init %2 @1 ms, 9999999999999999999999999999999999999999999 ms clock, ")
	f.Add("init %%%2e%zz @. ms, . ms clock, ")
	f.Fuzz(func(t *testing.T, words string) {
		got := map[string][]float64{}
		readTrace([]byte(words), got)
		for pkg, times := range got {
			if pkg == "" || len(times) == 0 || len(times) > len(words) {
				t.Errorf("%q: %v", pkg, times)
			}
		}
	})
}
