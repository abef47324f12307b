package trace

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ErrDamaged is wrapped by Decode when a file is no boot trace: cut off,
// changed, or another kind of file. The way out is to record it again.
var ErrDamaged = errors.New("damaged boot trace")

// ErrVersion is wrapped by Decode when the file is a boot trace of another
// version of the format.
var ErrVersion = errors.New("boot trace of another version")

// maxText bounds what a file may become when it is unpacked.
const maxText = 512 << 20

// Decode reads a file. It is strict: what is not letter by letter what Encode
// writes is ErrDamaged. name is for messages.
func Decode(name string, file []byte) (*Trace, error) {
	t, err := decode(file)
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, ErrVersion):
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return nil, fmt.Errorf("read %s: %w: %w (record it again)", name, ErrDamaged, err)
}

func decode(file []byte) (*Trace, error) {
	packed := bytes.NewReader(file)
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fmt.Errorf("no gzip file: %w", err)
	}
	z.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(z, maxText+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the file ends too early")
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case len(text) > maxText:
		return nil, fmt.Errorf("more than %d MB of text", maxText>>20)
	case packed.Len() > 0 || z.Name != "" || z.Comment != "" || len(z.Extra) > 0:
		return nil, errors.New("something is in it that a boot trace has not")
	}
	p := &parser{rest: text, t: &Trace{}}
	if err := p.all(); err != nil {
		if errors.Is(err, ErrVersion) {
			return nil, err
		}
		return nil, fmt.Errorf("line %d: %w", p.number, err)
	}
	if err := p.t.check(); err != nil {
		return nil, err
	}
	// Everything that can be written in two ways is right in one of them only.
	again, err := p.t.text()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(text, again) {
		line := 1 + bytes.Count(text[:common(text, again)], []byte("\n"))
		return nil, fmt.Errorf("line %d: not as it would be written", line)
	}
	return p.t, nil
}

func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// parser reads the text line by line.
type parser struct {
	rest   []byte
	number int // of the line, from 1
	part   int // index into order
	t      *Trace
	ended  bool
}

// order is that of the parts of a file.
const order = "HFLIVMRPSE"

func (p *parser) line() (string, bool) {
	i := bytes.IndexByte(p.rest, '\n')
	if i < 0 {
		return "", false
	}
	line := string(p.rest[:i])
	p.rest = p.rest[i+1:]
	p.number++
	return line, true
}

func (p *parser) all() error {
	first, ok := p.line()
	version, isTrace := strings.CutPrefix(first, magic)
	if !ok || !isTrace {
		return errors.New("it does not begin as a boot trace does")
	}
	if version != strconv.Itoa(Version) {
		return fmt.Errorf("%w: %q, this rt0lab reads %d (use the rt0lab that wrote it, or record it again)", ErrVersion, version, Version)
	}
	for len(p.rest) > 0 {
		line, ok := p.line()
		if !ok {
			return errors.New("the last line has no end")
		}
		if p.ended {
			return errors.New("something follows the end")
		}
		if len(line) < 2 || line[1] != ' ' {
			return errors.New("it is no line of a boot trace")
		}
		part := strings.IndexByte(order, line[0])
		if part < p.part {
			return fmt.Errorf("a line %c does not belong here", line[0])
		}
		p.part = part
		if err := p.read(line[0], line[2:]); err != nil {
			return err
		}
	}
	if !p.ended {
		return errors.New("the end is missing")
	}
	return nil
}

func (p *parser) read(kind byte, text string) error {
	switch kind {
	case lineHeader:
		if p.t.Release != "" {
			return errors.New("a second header")
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		return d.Decode(&p.t.Header)
	case lineFunc:
		f := strings.SplitN(text, " ", 3)
		if len(f) != 3 {
			return errors.New("a function wants address, end and name")
		}
		addr, err := hexNumber(f[0])
		end, err2 := hexNumber(f[1])
		p.t.Funcs = append(p.t.Funcs, Func{Name: f[2], Addr: addr, End: end})
		return errors.Join(err, err2)
	case lineSource:
		place, text, _ := strings.Cut(text, "\t")
		i := strings.LastIndexByte(place, ':')
		if i < 0 {
			return errors.New("a line of source wants file:number")
		}
		n, err := strconv.Atoi(place[i+1:])
		p.t.Lines = append(p.t.Lines, Line{File: place[:i], Number: n, Text: text})
		return err
	case lineInst:
		return p.inst(text)
	case lineVar:
		f := strings.SplitN(text, " ", 3)
		if len(f) != 3 {
			return errors.New("a variable wants address, size and name")
		}
		addr, err := hexNumber(f[0])
		size, err2 := hexNumber(f[1])
		p.t.Vars = append(p.t.Vars, Var{Addr: addr, Size: size, Name: f[2]})
		return errors.Join(err, err2)
	case lineMemory:
		addr, content, ok := strings.Cut(text, " ")
		if !ok {
			return errors.New("memory wants address and bytes")
		}
		a, err := hexNumber(addr)
		b, err2 := hex.DecodeString(content)
		p.t.Memory = append(p.t.Memory, Memory{Addr: a, Bytes: b})
		return errors.Join(err, err2)
	case lineStart:
		for field := range strings.SplitSeq(text, " ") {
			set, err := register(field)
			if err != nil {
				return err
			}
			p.t.Start[set.Reg] = set.Value
		}
		return nil
	case lineStop:
		at, name, _ := strings.Cut(text, " ")
		n, err := strconv.Atoi(at)
		p.t.Stops = append(p.t.Stops, Stop{Name: name, At: n})
		return err
	case lineStep:
		return p.step(text)
	}
	addr, steps, _ := strings.Cut(text, " ")
	end, err := hexNumber(addr)
	p.t.End, p.ended = end, true
	if err == nil && steps != strconv.Itoa(len(p.t.Steps)) {
		err = fmt.Errorf("%d steps where there should be %s", len(p.t.Steps), steps)
	}
	return err
}

func (p *parser) inst(text string) error {
	f := strings.Split(text, "\t")
	if len(f) != 3 {
		return errors.New("an instruction wants its place and two spellings")
	}
	place := strings.Split(f[0], " ")
	if len(place) != 3 {
		return errors.New("an instruction wants address, code and line")
	}
	addr, err := hexNumber(place[0])
	if err != nil {
		return err
	}
	code, err := hex.DecodeString(place[1])
	if err != nil {
		return err
	}
	line, err := strconv.Atoi(place[2])
	p.t.Insts = append(p.t.Insts, Inst{Addr: addr, Code: code, Line: line, Go: f[1], Intel: f[2]})
	return err
}

func (p *parser) step(text string) error {
	s := Step{Syscall: -1}
	for i, field := range strings.Split(text, " ") {
		switch {
		case i == 0:
			inst, err := p.which(field)
			if err != nil {
				return err
			}
			s.Inst = inst
		case strings.HasPrefix(field, "!"):
			number, name, _ := strings.Cut(field[1:], ":")
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 {
				return fmt.Errorf("%q is no system call", field)
			}
			s.Syscall, s.Name = n, name
		case strings.HasPrefix(field, "["):
			addr, content, ok := strings.Cut(field[1:], "]=")
			if !ok {
				return fmt.Errorf("%q is no memory", field)
			}
			a, err := hexNumber(addr)
			if err != nil {
				return err
			}
			b, err := hex.DecodeString(content)
			if err != nil {
				return err
			}
			s.Put = append(s.Put, Put{Addr: a, Bytes: b})
		default:
			set, err := register(field)
			if err != nil {
				return err
			}
			s.Set = append(s.Set, set)
		}
	}
	p.t.Steps = append(p.t.Steps, s)
	return nil
}

// which finds the instruction of a step.
func (p *parser) which(field string) (int, error) {
	inst := -1
	if field == "+" {
		if len(p.t.Steps) > 0 {
			inst = p.t.next(p.t.Steps[len(p.t.Steps)-1].Inst)
		}
	} else {
		addr, err := hexNumber(field)
		if err != nil {
			return 0, err
		}
		inst = p.t.InstAt(addr)
	}
	if inst < 0 {
		return 0, fmt.Errorf("no instruction %s", field)
	}
	return inst, nil
}

func register(field string) (Set, error) {
	name, value, ok := strings.Cut(field, "=")
	reg, known := RegNamed(name)
	if !ok || !known {
		return Set{}, fmt.Errorf("%q is no register with a value", field)
	}
	n, err := hexNumber(value)
	return Set{Reg: reg, Value: n}, err
}

func hexNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no hexadecimal number", s)
	}
	return n, nil
}
