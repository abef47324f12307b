package replay

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// The lines of JSONL, schema 1. Numbers that may not fit 53 bits are "0x…".
type jsonStep struct {
	Schema  int               `json:"schema"`
	Lab     string            `json:"lab"`
	Release string            `json:"release"`
	At      int               `json:"at"`
	Addr    string            `json:"addr"`
	Func    string            `json:"func"`
	Depth   int               `json:"depth"`
	Go      string            `json:"go"`
	Intel   string            `json:"intel"`
	File    string            `json:"file,omitempty"`
	Line    int               `json:"line,omitempty"`
	Source  string            `json:"source,omitempty"`
	Set     map[string]string `json:"set,omitempty"`
	Put     []jsonPut         `json:"put,omitempty"`
	Syscall string            `json:"syscall,omitempty"`
	Stops   []string          `json:"stops,omitempty"`
	Facts   []jsonFact        `json:"facts,omitempty"`
}

type jsonPut struct {
	Addr  string `json:"addr"`
	Name  string `json:"name,omitempty"`
	Was   string `json:"was"`
	Bytes string `json:"bytes"`
}

type jsonFact struct {
	Schema  int      `json:"schema,omitempty"`
	Lab     string   `json:"lab,omitempty"`
	Release string   `json:"release,omitempty"`
	Fact    string   `json:"fact"`
	Value   string   `json:"value"`
	By      []string `json:"by"`
	Setup   string   `json:"setup,omitempty"`
	Stop    string   `json:"stop"`
	Varies  bool     `json:"varies,omitempty"`
}

// JSONL writes one object a line: the steps of a range, or without a trace the facts.
func (t *Tape) JSONL(w io.Writer, r Range) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if t.Player == nil {
		for _, f := range t.Facts {
			if err := enc.Encode(jsonFact{1, t.Lab, t.Release, f.Name, f.Value, f.By, f.Setup, f.Stop, f.Varies}); err != nil {
				return fmt.Errorf("write fact: %w", err)
			}
		}
		return b.Flush()
	}
	for at := r.From; at <= r.To; at++ {
		if err := enc.Encode(t.jsonStep(at)); err != nil {
			return fmt.Errorf("write step: %w", err)
		}
	}
	return b.Flush()
}

func (t *Tape) jsonStep(at int) jsonStep {
	p := t.Player
	in := p.InstAtPos(at)
	s := jsonStep{
		Schema: 1, Lab: t.Lab, Release: t.Release, At: at, Addr: fmt.Sprintf("%#x", in.Addr), Func: p.FuncName(at), Depth: p.Depth(at),
		Go: in.Go, Intel: in.Intel, Stops: t.StopsAt(at),
	}
	if in.Line >= 0 {
		l := p.Lines[in.Line]
		s.File, s.Line, s.Source = l.File, l.Number, l.Text
	}
	for _, f := range t.FactsAt(at) {
		s.Facts = append(s.Facts, jsonFact{Fact: f.Name, Value: f.Value, By: f.By, Stop: f.Stop, Varies: f.Varies})
	}
	if at == len(p.Steps) {
		return s
	}
	_, before := p.Before(at)
	for i, put := range p.Steps[at].Put {
		s.Put = append(s.Put, jsonPut{
			Addr: fmt.Sprintf("%#x", put.Addr), Name: t.Symbol(put.Addr), Was: hex.EncodeToString(before[i]), Bytes: hex.EncodeToString(put.Bytes),
		})
	}
	for _, set := range p.Steps[at].Set {
		if s.Set == nil {
			s.Set = map[string]string{}
		}
		s.Set[set.Reg.String()] = fmt.Sprintf("%#x", set.Value)
	}
	if p.Steps[at].Syscall >= 0 {
		s.Syscall = p.Steps[at].Name
	}
	return s
}
