package report

import (
	"encoding/json"
	"io"
)

// Writer is a Sink that writes JSON lines, each as soon as it comes.
type Writer struct {
	to io.Writer
}

// NewWriter writes to w, which is closed in the end if it can be.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// Put writes a line.
func (w *Writer) Put(record Record) error {
	line, err := marshal(record)
	if err != nil {
		return err
	}
	_, err = w.to.Write(append(line, '\n'))
	return err
}

// Close closes what is written to.
func (w *Writer) Close() error {
	if c, ok := w.to.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// marshal puts the type before the fields of a record.
func marshal(record Record) ([]byte, error) {
	fields, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"type":"`+record.Kind()+`",`), fields[1:]...), nil
}
