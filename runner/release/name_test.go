package release

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct {
		name string
		want Spec
	}{
		{"local", Spec{Kind: Local}},
		{"go1.26.8", Spec{Kind: Exact, Name: "go1.26.8", Minor: 26}},
		{"1.26.8", Spec{Kind: Exact, Name: "go1.26.8", Minor: 26}},
		{"go1.17", Spec{Kind: Exact, Name: "go1.17", Minor: 17}},
		{"go1.17.0", Spec{Kind: Exact, Name: "go1.17", Minor: 17}},
		{"go1.21.0", Spec{Kind: Exact, Name: "go1.21.0", Minor: 21}},
		{"1.28rc1", Spec{Kind: Exact, Name: "go1.28rc1", Minor: 28}},
		{"1.17", Spec{Kind: Newest, Minor: 17}},
		{"1.27", Spec{Kind: Newest, Minor: 27}},
		{"go1.27", Spec{Kind: Newest, Minor: 27}},
		{dir, Spec{Kind: Path, Path: dir}},
		{"/no/such/go", Spec{Kind: Path, Path: "/no/such/go"}},
	}
	for _, tt := range tests {
		if tt.want.Kind == Path {
			tt.want.Path = filepath.Clean(tt.want.Path)
		}
		if got, err := Parse(tt.name); err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "tip", "latest", "all", "go1", "1", "go2.0", "1.9", "go1.9.7", "1.26.x", "v1.26.8", "1.26.8 ", "go1.26.08", "1.26rc0", "Local"} {
		if got, err := Parse(name); !errors.Is(err, ErrName) {
			t.Errorf("Parse(%q) = %+v, %v; want ErrName", name, got, err)
		}
	}
}

func TestFolderByName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"mygo", "1.26"} {
		if err := os.Mkdir(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]Kind{"mygo": Path, "1.26": Newest, "./1.26": Path} {
		if got, err := Parse(name); err != nil || got.Kind != want {
			t.Errorf("Parse(%q) = %+v, %v; want kind %d", name, got, err, want)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	recorded := []string{"go1.10", "go1.17", "go1.27.4"}
	tests := []struct {
		names, recorded, want []string
		err                   error
	}{
		{nil, recorded, []string{"local"}, nil},
		{[]string{"all"}, recorded, recorded, nil},
		{[]string{"go1.17", "all", "local", "local"}, recorded, []string{"go1.17", "go1.10", "go1.27.4", "local"}, nil},
		{[]string{"all"}, nil, nil, ErrName},
		{[]string{"go1.17", "tip"}, recorded, nil, ErrName},
	}
	for _, tt := range tests {
		got, err := Expand(tt.names, tt.recorded)
		if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("Expand(%q, %q) = %q, %v; want %q, %v", tt.names, tt.recorded, got, err, tt.want, tt.err)
		}
	}
}

func TestNewestOf(t *testing.T) {
	t.Parallel()
	names := []string{"go1.17", "go1.17.13", "go1.17.2", "go1.26rc1", "go1.28beta1", "go1.28rc1", "go1.26.0"}
	for minor, want := range map[int]string{17: "go1.17.13", 26: "go1.26.0", 28: "go1.28rc1", 27: ""} {
		if got := newestOf(names, minor); got != want {
			t.Errorf("newest of 1.%d = %q; want %q", minor, got, want)
		}
	}
}
