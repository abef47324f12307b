package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/observe"
)

// ErrDamaged is wrapped by Decode and Read when a file is not a recording: cut
// off, edited by hand, of another schema. The way out is to record again.
var ErrDamaged = errors.New("damaged recording")

// Decode reads one file. It is strict: an unknown or repeated key, a wrong
// type, a missing part is ErrDamaged with file and line. name is for messages.
func Decode(name string, data []byte) (*Recording, error) {
	d := &decoder{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r, err := d.recording()
	if err == nil {
		if err = r.check(); err == nil {
			return r, nil
		}
		return nil, fmt.Errorf("%s: %w: %w (record the lab again)", name, ErrDamaged, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends too early")
	}
	return nil, fmt.Errorf("%s:%d: %w: %w (record the lab again)", name, d.line(), ErrDamaged, err)
}

// decoder reads token by token, because that is how one knows the line of a
// key that should not be there.
type decoder struct {
	data []byte
	dec  *json.Decoder
}

// line is where the decoder stands, counted from 1.
func (d *decoder) line() int {
	at := min(d.dec.InputOffset(), int64(len(d.data)))
	return 1 + bytes.Count(d.data[:at], []byte("\n"))
}

func (d *decoder) recording() (*Recording, error) {
	r := &Recording{Tools: map[string]string{}, Setups: map[string]*Setup{}}
	schema := 0
	err := d.object(func(key string) error {
		if schema == 0 && key != "schema" {
			return errors.New("schema must come first")
		}
		switch key {
		case "schema":
			if err := d.into(&schema); err != nil {
				return err
			}
			if schema != Schema {
				return fmt.Errorf("schema %d, this rt0lab reads %d", schema, Schema)
			}
			return nil
		case "lab":
			return d.into(&r.Lab)
		case "release":
			return d.into(&r.Release)
		case "goos":
			return d.into(&r.GOOS)
		case "goarch":
			return d.into(&r.GOARCH)
		case "tools":
			return d.object(func(witness string) error {
				var tool string
				err := d.into(&tool)
				r.Tools[witness] = tool
				return err
			})
		case "host":
			return d.strings(map[string]*string{"kernel": &r.Host.Kernel, "cpu": &r.Host.CPU})
		case "setups":
			return d.object(func(name string) error {
				s, err := d.setup()
				r.Setups[name] = s
				return err
			})
		}
		return unknown(key)
	}, "schema", "lab", "release", "goos", "goarch", "tools", "host", "setups")
	if err != nil {
		return nil, err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the recording")
	}
	return r, nil
}

func (d *decoder) setup() (*Setup, error) {
	s := &Setup{}
	err := d.object(func(key string) error {
		switch key {
		case "digest":
			return d.into(&s.Digest)
		case "unsupported":
			return d.into(&s.Unsupported)
		case "facts":
			s.Facts = map[string]Entry{}
			return d.object(func(name string) error {
				e, err := d.entry()
				s.Facts[name] = e
				return err
			})
		}
		return unknown(key)
	})
	return s, err
}

func (d *decoder) entry() (e Entry, err error) {
	err = d.object(func(key string) error {
		switch key {
		case "value":
			var raw json.RawMessage
			if err := d.into(&raw); err != nil {
				return err
			}
			if bytes.Equal(raw, []byte("null")) {
				return fmt.Errorf("%w: null (what is gone is written %q)", fact.ErrValue, fact.AbsentWord)
			}
			return json.Unmarshal(raw, &e.Value)
		case "by":
			return d.into(&e.By)
		case "unseen":
			e.Unseen = map[string]observe.Unseen{}
			return d.object(func(witness string) error {
				var cause, reason string
				err := d.strings(map[string]*string{"cause": &cause, "reason": &reason})
				e.Unseen[witness] = observe.Unseen{Cause: observe.Cause(cause), Reason: reason}
				return err
			})
		}
		return unknown(key)
	})
	return e, err
}

// strings reads an object that has exactly the given keys.
func (d *decoder) strings(keys map[string]*string) error {
	return d.object(func(key string) error {
		to, ok := keys[key]
		if !ok {
			return unknown(key)
		}
		return d.into(to)
	}, slices.Sorted(maps.Keys(keys))...)
}

// object reads an object and calls member behind each key. The required keys
// must be there.
func (d *decoder) object(member func(key string) error, required ...string) error {
	t, err := d.dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%v where an object should be", t)
	}
	seen := map[string]bool{}
	for d.dec.More() {
		t, err := d.dec.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("%v where a key should be", t)
		}
		if seen[key] {
			return fmt.Errorf("key %q stands there twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	if _, err = d.dec.Token(); err != nil {
		return err
	}
	for _, key := range required {
		if !seen[key] {
			return fmt.Errorf("key %q is missing", key)
		}
	}
	return nil
}

// into reads one value; null is no value of anything here.
func (d *decoder) into(to any) error {
	if raw, ok := to.(*json.RawMessage); ok {
		return d.dec.Decode(raw)
	}
	var raw json.RawMessage
	if err := d.dec.Decode(&raw); err != nil {
		return err
	}
	if bytes.Equal(raw, []byte("null")) {
		return errors.New("null where a value should be")
	}
	return json.Unmarshal(raw, to)
}

func unknown(key string) error { return fmt.Errorf("unknown key %q", key) }
