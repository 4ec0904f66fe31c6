package unixconn

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/freshet-live/freshet/transport/qmux"
)

// sizeLength is that of the size before each record.
const sizeLength = 2

// carrier is a stream socket as a qmux.Carrier: each record behind its size, 16 bits in
// network order.
type carrier struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte // Reused by WriteRecord.
}

var _ qmux.Carrier = (*carrier)(nil)

func newCarrier(conn net.Conn) *carrier {
	return &carrier{
		conn: conn, in: bufio.NewReaderSize(conn, 4*qmux.RecordSize),
		out: make([]byte, 0, sizeLength+qmux.RecordSize),
	}
}

// ReadRecord gives the next record.
func (c *carrier) ReadRecord() ([]byte, error) {
	var size [sizeLength]byte
	if _, err := io.ReadFull(c.in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(size[:])
	if n > qmux.RecordSize {
		return nil, fmt.Errorf("unixconn: a record of %d bytes", n)
	}
	record := make([]byte, n)
	_, err := io.ReadFull(c.in, record)
	return record, err
}

// WriteRecord waits until the kernel has taken b.
func (c *carrier) WriteRecord(b []byte) error {
	c.out = binary.BigEndian.AppendUint16(c.out[:0], uint16(len(b)))
	c.out = append(c.out, b...)
	_, err := c.conn.Write(c.out)
	return err
}

// Close ends both directions; what was written arrives.
func (c *carrier) Close() error { return c.conn.Close() }

// Abort is no different: nothing is waited for.
func (c *carrier) Abort() { _ = c.conn.Close() }
