package trace

import (
	"bytes"
	"compress/gzip"
)

// Text is a trace before it is packed, and Pack packs any text.
func Text(t *Trace) ([]byte, error) { return t.text() }

func Pack(text []byte) []byte {
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	_, _ = z.Write(text) // to memory
	_ = z.Close()
	return file.Bytes()
}
