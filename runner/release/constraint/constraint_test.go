package constraint

import (
	"errors"
	"testing"
)

func TestFits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		constraint, release string
		want                bool
	}{
		{"", "go1.10", true},
		{"", "devel +0123abc Thu Jan 1 00:00:00 2020 +0000", true},
		{">=1.21", "go1.21.0", true},
		{">=1.21", "go1.21rc2", true},
		{">=1.21", "go1.20.14", false},
		{">=go1.21", "go1.21.13", true},
		{">=1.21 <1.26", "go1.25.9", true},
		{">=1.21 <1.26", "go1.26.0", false},
		{"  >=1.21\t<1.26 ", "go1.21.13", true},
		{"<1.26", "go1.26rc1", false},
		{"<=1.26", "go1.26.8", true},
		{"<=1.26.7", "go1.26.8", false},
		{">1.26", "go1.26.8", false},
		{">1.26", "go1.27.0", true},
		{">1.26.7", "go1.26.8", true},
		{"=1.26", "go1.26.8", true},
		{"=1.26.8", "go1.26.8", true},
		{"=1.26.8", "go1.26.9", false},
		{"=1.17.0", "go1.17", true},
		{">=1.9", "go1.10", true},
		{"<1.100", "go1.27.4", true},
		{">=1.27", "go1.27.4 X:nodwarf5", true},
		{">=1.28", "devel go1.28-0123abcdef Tue Nov 4 10:00:00 2026 +0000", true},
		{"<1.28", "devel go1.28-0123abcdef Tue Nov 4 10:00:00 2026 +0000", false},
		{">=1.28", "go1.28-devel_0123abcdef Tue Nov 4 10:00:00 2026 +0000", true},
		{">=1.29", "go1.28-devel_0123abcdef Tue Nov 4 10:00:00 2026 +0000", false},
		{">=1.99", "devel +0123abc Thu Jan 1 00:00:00 2020 +0000", true},
		{"<1.99", "devel", false},
	}
	for _, tt := range tests {
		got, err := Fits(tt.constraint, tt.release)
		if err != nil || got != tt.want {
			t.Errorf("Fits(%q, %q) = %v, %v; want %v", tt.constraint, tt.release, got, err, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1.21", ">= 1.21", "~1.21", "==1.21", ">=2.0", ">=1", ">=1.21.x", ">=1.021", ">=1.21rc1", ">=1.21-x", ">=1.21,<1.26", "=", ">=devel", ">=1.21.3.4"} {
		if c, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q) = %v, %v; want ErrSyntax", text, c, err)
		}
	}
}

func TestFitsRefusesUnknownRelease(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"", "go2.0", "tip", "go1", "go1.x", "/usr/local/go", "gogo1.21"} {
		if _, err := Fits(">=1.10", release); !errors.Is(err, ErrRelease) {
			t.Errorf("Fits of release %q: %v; want ErrRelease", release, err)
		}
	}
}

func TestMinor(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]int{
		"go1.26.8": 26, "go1.10": 10, "1.27": 27, "go1.22rc1": 22, "tip": 0,
		"devel go1.28-0123abc date": 28, "go1.28-devel_0123abc date": 28, "devel +0123abc date": Newest,
	} {
		if got := Minor(release); got != want {
			t.Errorf("Minor(%q) = %d; want %d", release, got, want)
		}
	}
}

func TestStringIsTheConstraint(t *testing.T) {
	t.Parallel()
	c, err := Parse(" >=1.21   <1.26")
	if err != nil || c.String() != ">=1.21 <1.26" {
		t.Errorf("String() = %q, %v", c.String(), err)
	}
}
