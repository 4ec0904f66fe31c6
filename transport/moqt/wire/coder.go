package wire

import (
	"encoding/binary"
	"slices"
)

// Limits on what a peer may send.
const (
	// MaxNamespaceFields and MaxFullName are set by "Track Naming".
	MaxNamespaceFields = 32
	MaxFullName        = 4096
	// MaxReason is set by "Reason Phrase Structure".
	MaxReason = 1024
	// MaxURI is set by "GOAWAY".
	MaxURI = 8192
	// MaxKeyValues is ours: the drafts bound only the bytes.
	MaxKeyValues = 256
	// maxMessage follows from the 16 bits of the length field.
	maxMessage = 1<<16 - 1
)

// coder walks the fields of a message, reading or writing them. The first error
// sticks and the rest becomes a no-op, so that a layout is straight-line code.
type coder struct {
	d       *Dialect
	writing bool
	buf     []byte // Reading: what is left. Writing: what was written.
	err     error
}

func (c *coder) fail(err error) {
	if c.err == nil && err != nil {
		c.err = err
		if !c.writing {
			c.buf = nil
		}
	}
}

func (c *coder) varint(v *uint64) {
	if c.writing {
		if *v > c.d.varint.max {
			c.fail(Violation("integer %d is too large for %s", *v, c.d.Protocol))
			return
		}
		c.buf = c.d.varint.append(c.buf, *v)
		return
	}
	x, n := c.d.varint.parse(c.buf)
	if n == 0 {
		c.fail(Violation("message ends within an integer"))
		return
	}
	*v, c.buf = x, c.buf[n:]
}

func (c *coder) uint8(v *uint8) {
	if c.writing {
		c.buf = append(c.buf, *v)
		return
	}
	if len(c.buf) == 0 {
		c.fail(Violation("message ends within a field"))
		return
	}
	*v, c.buf = c.buf[0], c.buf[1:]
}

// varint8 is a byte that travels as an integer (parameters of draft 16).
func (c *coder) varint8(v *uint8) {
	x := uint64(*v)
	c.varint(&x)
	if x > 0xff {
		c.fail(Violation("value %d is out of range", x))
		return
	}
	*v = uint8(x)
}

// bytes is a field with its length before it. When reading, *v is a copy.
func (c *coder) bytes(v *[]byte, limit int) {
	n := uint64(len(*v))
	c.varint(&n)
	if n > uint64(limit) {
		c.fail(Violation("field of %d bytes exceeds the limit of %d", n, limit))
		return
	}
	if c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = slices.Clone(c.take(n))
}

func (c *coder) string(v *string, limit int) {
	b := []byte(*v)
	c.bytes(&b, limit)
	*v = string(b)
}

// take cuts n bytes off what is left; the length is checked before anything is
// allocated.
func (c *coder) take(n uint64) []byte {
	if n > uint64(len(c.buf)) {
		c.fail(Violation("field of %d bytes, message has %d left", n, len(c.buf)))
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

func (c *coder) reason(v *string) {
	if c.writing && len(*v) > MaxReason {
		*v = (*v)[:MaxReason]
	}
	c.string(v, MaxReason)
}

func (c *coder) location(l *Location) {
	c.varint(&l.Group)
	c.varint(&l.Object)
}

// prefixed walks f within a field of its own length, which f must fill.
func (c *coder) prefixed(f func(*coder)) {
	sub := coder{d: c.d, writing: c.writing}
	if c.writing {
		f(&sub)
		c.bytes(&sub.buf, maxMessage)
	} else {
		var n uint64
		c.varint(&n)
		sub.buf = c.take(n)
		if c.err != nil {
			return
		}
		f(&sub)
		if sub.err == nil && len(sub.buf) > 0 {
			sub.err = Violation("%d bytes left in a field", len(sub.buf))
		}
	}
	if sub.err != nil {
		c.fail(sub.err)
	}
}

// more tells whether an optional last field follows: present says so when
// writing, what is left when reading.
func (c *coder) more(present bool) bool {
	if c.writing {
		return present
	}
	return c.err == nil && len(c.buf) > 0
}

func (c *coder) namespace(fields *[]string) {
	n := uint64(len(*fields))
	c.varint(&n)
	if n > MaxNamespaceFields {
		c.fail(Violation("namespace of %d fields", n))
		return
	}
	if !c.writing {
		*fields = make([]string, n)
	}
	total := 0
	for i := range *fields {
		f := &(*fields)[i]
		c.string(f, MaxFullName)
		if *f == "" {
			c.fail(Violation("empty namespace field"))
		}
		if total += len(*f); total > MaxFullName {
			c.fail(Violation("namespace exceeds %d bytes", MaxFullName))
		}
	}
}

func (c *coder) trackName(t *TrackName) {
	c.namespace(&t.Namespace)
	if c.err == nil && len(t.Namespace) < c.d.minFields {
		c.fail(Violation("empty namespace"))
	}
	c.string(&t.Name, MaxFullName)
	total := len(t.Name)
	for _, f := range t.Namespace {
		total += len(f)
	}
	if total > MaxFullName {
		c.fail(Violation("full track name exceeds %d bytes", MaxFullName))
	}
}

func coded[C ~uint64](c *coder, v *C, t codeTable[C]) {
	x := t.encode(*v)
	c.varint(&x)
	if !c.writing {
		*v = t.decode(x)
	}
}

// AppendMessage appends m in the framing of control messages.
func (d *Dialect) AppendMessage(b []byte, m Message) ([]byte, error) {
	spec, ok := d.byKind[m.Kind()]
	if !ok {
		return b, Violation("%s has no %s", d.Protocol, m.Kind())
	}
	b = d.varint.append(b, spec.code)
	start := len(b) + 2
	c := coder{d: d, writing: true, buf: append(b, 0, 0)}
	spec.layout(&c, m)
	n := len(c.buf) - start
	if c.err == nil && n > maxMessage {
		c.err = Violation("%s of %d bytes", m.Kind(), n)
	}
	if c.err != nil {
		return b, c.err
	}
	binary.BigEndian.PutUint16(c.buf[start-2:], uint16(n))
	return c.buf, nil
}

// ParseMessage decodes the payload of the control message of type code. The
// message does not refer to payload.
func (d *Dialect) ParseMessage(code uint64, payload []byte) (Message, error) {
	spec, ok := d.byCode[code]
	if !ok {
		return nil, Violation("unknown message type %#x", code)
	}
	c := coder{d: d, buf: payload}
	m := spec.new()
	spec.layout(&c, m)
	if c.err == nil && len(c.buf) > 0 {
		c.err = Violation("%s with %d bytes too many", m.Kind(), len(c.buf))
	}
	if c.err != nil {
		return nil, c.err
	}
	return m, nil
}
