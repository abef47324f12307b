package trace

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// magic begins the first line of a file, the version ends it.
const magic = "rt0lab boot trace "

// The letters that begin the lines of a file, in the order of its parts.
const (
	lineHeader = 'H' // H JSON
	lineFunc   = 'F' // F address end name
	lineSource = 'L' // L file:number [TAB text]
	lineInst   = 'I' // I address code line TAB Go TAB Intel
	lineVar    = 'V' // V address size name
	lineMemory = 'M' // M address bytes
	lineStart  = 'R' // R rax=… rbx=… …
	lineStop   = 'P' // P position name
	lineStep   = 'S' // S address|+ [!number:name] [register=value …] [[address]=bytes …]
	lineEnd    = 'E' // E address number-of-steps
)

// Encode writes the trace as its file. The same trace always gives the same
// bytes. It is an error when the trace is not what Decode would accept.
func (t *Trace) Encode() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("write boot trace: %w", err)
	}
	text, err := t.text()
	if err != nil {
		return nil, fmt.Errorf("write boot trace: %w", err)
	}
	var file bytes.Buffer
	z, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("write boot trace: %w", err)
	}
	if _, err := z.Write(text); err != nil {
		return nil, fmt.Errorf("write boot trace: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write boot trace: %w", err)
	}
	return file.Bytes(), nil
}

// text is the file before it is packed.
func (t *Trace) text() ([]byte, error) {
	header, err := json.Marshal(t.Header)
	if err != nil {
		return nil, err
	}
	var w writer
	w.line(magic, strconv.Itoa(Version))
	w.line(string(lineHeader), " ", string(header))
	for _, f := range t.Funcs {
		w.line("F ", num(f.Addr), " ", num(f.End), " ", f.Name)
	}
	for _, l := range t.Lines {
		text := ""
		if l.Text != "" {
			text = "\t" + l.Text
		}
		w.line("L ", l.File, ":", strconv.Itoa(l.Number), text)
	}
	for _, in := range t.Insts {
		w.line("I ", num(in.Addr), " ", hex.EncodeToString(in.Code), " ", strconv.Itoa(in.Line), "\t", in.Go, "\t", in.Intel)
	}
	for _, v := range t.Vars {
		w.line("V ", num(v.Addr), " ", num(v.Size), " ", v.Name)
	}
	for _, m := range t.Memory {
		w.line("M ", num(m.Addr), " ", hex.EncodeToString(m.Bytes))
	}
	w.WriteByte(lineStart)
	for reg, value := range t.Start {
		w.WriteString(" " + Reg(reg).String() + "=" + num(value))
	}
	w.WriteByte('\n')
	for _, s := range t.Stops {
		w.line("P ", strconv.Itoa(s.At), " ", s.Name)
	}
	for i, s := range t.Steps {
		w.step(t, i, s)
	}
	w.line("E ", num(t.End), " ", strconv.Itoa(len(t.Steps)))
	return w.Bytes(), nil
}

type writer struct{ bytes.Buffer }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
	w.WriteByte('\n')
}

func (w *writer) step(t *Trace, i int, s Step) {
	w.WriteString("S ")
	if i > 0 && s.Inst == t.next(t.Steps[i-1].Inst) {
		w.WriteByte('+')
	} else {
		w.WriteString(num(t.Insts[s.Inst].Addr))
	}
	if s.Syscall >= 0 {
		w.WriteString(" !" + strconv.Itoa(s.Syscall) + ":" + s.Name)
	}
	for _, set := range s.Set {
		w.WriteString(" " + set.Reg.String() + "=" + num(set.Value))
	}
	for _, put := range s.Put {
		w.WriteString(" [" + num(put.Addr) + "]=")
		w.WriteString(hex.EncodeToString(put.Bytes))
	}
	w.WriteByte('\n')
}

// next is the instruction that stands right behind another one; -1 = none.
func (t *Trace) next(inst int) int {
	in := t.Insts[inst]
	if inst+1 < len(t.Insts) && t.Insts[inst+1].Addr == in.Addr+uint64(len(in.Code)) {
		return inst + 1
	}
	return -1
}

func num(n uint64) string { return strconv.FormatUint(n, 16) }
