package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// Encode writes the recording as its file: keys sorted, one fact per line, so
// that the difference of two recordings reads well. The same recording always
// gives the same bytes.
func (r *Recording) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("write recording %s: %w", r.Path(), err)
	}
	var e encoder
	e.line(0, "{")
	e.line(1, `"schema": %d,`, Schema)
	e.line(1, `"lab": %s,`, quote(r.Lab))
	e.line(1, `"release": %s,`, quote(r.Release))
	e.line(1, `"goos": %s,`, quote(r.GOOS))
	e.line(1, `"goarch": %s,`, quote(r.GOARCH))
	e.block(1, "tools", ",", slices.Sorted(maps.Keys(r.Tools)), func(w string) string { return quote(r.Tools[w]) })
	e.line(1, `"host": {"kernel": %s, "cpu": %s},`, quote(r.Host.Kernel), quote(r.Host.CPU))
	names := slices.Sorted(maps.Keys(r.Setups))
	if len(names) == 0 {
		e.line(1, `"setups": {}`)
	} else {
		e.line(1, `"setups": {`)
		for i, name := range names {
			e.setup(name, r.Setups[name], comma(i, len(names)))
		}
		e.line(1, "}")
	}
	e.line(0, "}")
	return e.Bytes(), nil
}

type encoder struct{ bytes.Buffer }

func (e *encoder) line(depth int, format string, args ...any) {
	e.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(e, format, args...)
	e.WriteByte('\n')
}

// block writes an object with one member per line.
func (e *encoder) block(depth int, key, after string, members []string, value func(string) string) {
	if len(members) == 0 {
		e.line(depth, `%s: {}%s`, quote(key), after)
		return
	}
	e.line(depth, `%s: {`, quote(key))
	for i, m := range members {
		e.line(depth+1, `%s: %s%s`, quote(m), value(m), comma(i, len(members)))
	}
	e.line(depth, "}%s", after)
}

func (e *encoder) setup(name string, s *Setup, after string) {
	if s.Unsupported != "" {
		e.line(2, `%s: {"unsupported": %s}%s`, quote(name), quote(s.Unsupported), after)
		return
	}
	e.line(2, `%s: {`, quote(name))
	e.line(3, `"digest": %s,`, quote(s.Digest))
	e.block(3, "facts", "", slices.Sorted(maps.Keys(s.Facts)), func(f string) string { return entry(s.Facts[f]) })
	e.line(2, "}%s", after)
}

func entry(e Entry) string {
	var parts []string
	if e.Value.IsValid() {
		by := make([]string, len(e.By))
		for i, w := range e.By {
			by[i] = quote(w)
		}
		parts = append(parts, `"value": `+writeValue(e.Value), `"by": [`+strings.Join(by, ", ")+"]")
	}
	if len(e.Unseen) > 0 {
		parts = append(parts, `"unseen": `+unseen(e.Unseen))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func unseen(by map[string]observe.Unseen) string {
	var parts []string
	for _, w := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf(`%s: {"cause": %s, "reason": %s}`, quote(w), quote(string(by[w].Cause)), quote(by[w].Reason)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// writeValue is fact.Value.MarshalJSON for people: "<" stays "<", and there
// is a space after commas.
func writeValue(v fact.Value) string {
	switch v.Kind() {
	case fact.Text:
		return quote(v.Text())
	case fact.List:
		var parts []string
		for _, e := range v.List() {
			parts = append(parts, writeValue(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	raw, err := v.MarshalJSON()
	if err != nil {
		panic(fmt.Sprintf("recording: a value that check let through: %v", err))
	}
	return string(raw)
}

// quote writes s as JSON. A string always can be.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}
