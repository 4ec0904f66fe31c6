package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// maxInteger bounds every integer: what JavaScript counts exactly.
const maxInteger = 1<<53 - 1

func appendVarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(b, byte(v))
	case v < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(v)|1<<14)
	case v < 1<<30:
		return binary.BigEndian.AppendUint32(b, uint32(v)|2<<30)
	}
	return binary.BigEndian.AppendUint64(b, v|3<<62)
}

// readVarint reads an integer; io.EOF when the stream ends before it.
func readVarint(r io.ByteReader) (uint64, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	v := uint64(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		c, err := r.ReadByte()
		if err != nil {
			return 0, midway(err)
		}
		v = v<<8 | uint64(c)
	}
	if v > maxInteger {
		return 0, invalid("integer %d", v)
	}
	return v, nil
}

// midway is the end of a stream where there should be none.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Frames reads messages off a stream.
type Frames struct {
	r   *bufio.Reader
	buf []byte
}

// NewFrames reads from r.
func NewFrames(r io.Reader) *Frames { return &Frames{r: bufio.NewReaderSize(r, 4<<10)} }

// Next gives the JSON of the next message, which is valid until the call after; io.EOF
// when the stream has ended between two.
func (f *Frames) Next() ([]byte, error) {
	n, err := readVarint(f.r)
	if err != nil {
		return nil, err
	}
	if n > MaxMessage {
		return nil, invalid("message of %d bytes", n)
	}
	if f.buf, err = readFull(f.r, f.buf[:0], int(n)); err != nil {
		return nil, midway(err)
	}
	return f.buf, nil
}

// readStep is what is set aside for bytes that were announced and have not come.
const readStep = 4 << 10

// readFull appends n bytes, and sets memory aside only as they come.
func readFull(r io.Reader, b []byte, n int) ([]byte, error) {
	for n > 0 {
		step := min(n, max(readStep, len(b)))
		at := len(b)
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return b[:at], err
		}
		n -= step
	}
	return b, nil
}
