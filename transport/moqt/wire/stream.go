package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// MaxObject bounds the payload of one object that a StreamReader accepts.
const MaxObject = 16 << 20

// StreamReader decodes a stream piece by piece. Errors of the peer are of type
// Error, io.EOF means the stream ended between two items, and anything else is
// the stream's own error.
type StreamReader struct {
	d *Dialect
	r *bufio.Reader
}

// NewStreamReader reads from r.
func (d *Dialect) NewStreamReader(r io.Reader) *StreamReader {
	return &StreamReader{d: d, r: bufio.NewReaderSize(r, 1024)}
}

// Varint reads an integer.
func (s *StreamReader) Varint() (uint64, error) {
	first, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	var b [9]byte
	b[0] = first
	n := s.d.varint.size(first)
	if _, err := io.ReadFull(s.r, b[1:n]); err != nil {
		return 0, midStream(err)
	}
	v, _ := s.d.varint.parse(b[:n])
	return v, nil
}

// AppendVarint appends an integer.
func (d *Dialect) AppendVarint(b []byte, v uint64) []byte { return d.varint.append(b, v) }

// Message reads a control message.
func (s *StreamReader) Message() (Message, error) {
	code, err := s.Varint()
	if err != nil {
		return nil, err
	}
	return s.MessageOf(code)
}

// MessageOf reads what follows the type of a control message.
func (s *StreamReader) MessageOf(code uint64) (Message, error) {
	// An unknown type is refused before anything is read for it.
	if _, ok := s.d.byCode[code]; !ok {
		return nil, Violation("unknown message type %#x", code)
	}
	var length [2]byte
	if _, err := io.ReadFull(s.r, length[:]); err != nil {
		return nil, midStream(err)
	}
	payload := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(s.r, payload); err != nil {
		return nil, midStream(err)
	}
	return s.d.ParseMessage(code, payload)
}

// Read reads payload bytes.
func (s *StreamReader) Read(b []byte) (int, error) { return s.r.Read(b) }

// Discard skips n payload bytes.
func (s *StreamReader) Discard(n int) error {
	_, err := s.r.Discard(n)
	return midStream(err)
}

func (s *StreamReader) uint8(v *uint8) error {
	b, err := s.r.ReadByte()
	*v = b
	return err
}

func (s *StreamReader) length(n *int) error {
	v, err := s.Varint()
	if err == nil && v > MaxObject {
		return Violation("object of %d bytes", v)
	}
	*n = int(v)
	return err
}

// midStream turns the end of a stream within an item into a fault of the peer
// ("Streams").
func midStream(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Violation("stream ends within an item")
	}
	return err
}
