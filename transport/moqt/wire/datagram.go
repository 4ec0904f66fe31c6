package wire

import "github.com/freshet-live/freshet/relay"

// Bits of a datagram's type ("Object Datagram").
const (
	datagramProperties = 0x01
	datagramEndOfGroup = 0x02
	datagramZeroID     = 0x04
	datagramNoPriority = 0x08
	datagramStatus     = 0x20
)

// Datagram is an object that travels in a datagram.
type Datagram struct {
	TrackAlias uint64
	// Header has the location, the priority, the status and the properties.
	Header ObjectHeader
	// HasPriority is false when the track's default priority counts.
	HasPriority bool
	// EndOfGroup: no object with a larger ID is in the group.
	EndOfGroup bool
	// Payload aliases what was parsed.
	Payload []byte
}

// IsDatagram tells whether a datagram's type is that of an object.
func (d *Dialect) IsDatagram(t uint64) bool {
	if t&^0x2f != 0 {
		return false
	}
	return t&datagramStatus == 0 || t&datagramEndOfGroup == 0
}

// AppendDatagram appends an object of a group as a datagram.
func (d *Dialect) AppendDatagram(b []byte, alias, group uint64, o *relay.Object) []byte {
	t := uint64(0)
	if len(o.Properties) > 0 {
		t |= datagramProperties
	}
	if o.ID == 0 {
		t |= datagramZeroID
	}
	if o.Status != relay.StatusNormal {
		t |= datagramStatus
	}
	b = d.varint.append(b, t)
	b = d.varint.append(b, alias)
	b = d.varint.append(b, group)
	if o.ID != 0 {
		b = d.varint.append(b, o.ID)
	}
	b = append(b, o.Priority)
	if len(o.Properties) > 0 {
		b = d.appendProperties(b, o.Properties)
	}
	if o.Status != relay.StatusNormal {
		return d.varint.append(b, uint64(o.Status))
	}
	return append(b, o.Payload...)
}

// ParseDatagram reads an object datagram.
func (d *Dialect) ParseDatagram(b []byte) (Datagram, error) {
	c := coder{d: d, buf: b}
	var t uint64
	c.varint(&t)
	if c.err == nil && !d.IsDatagram(t) {
		return Datagram{}, Violation("datagram of type %#x", t)
	}
	out := Datagram{HasPriority: t&datagramNoPriority == 0, EndOfGroup: t&datagramEndOfGroup != 0}
	h := &out.Header
	h.Datagram = true
	c.varint(&out.TrackAlias)
	c.varint(&h.Location.Group)
	if t&datagramZeroID == 0 {
		c.varint(&h.Location.Object)
	}
	if out.HasPriority {
		c.uint8(&h.Priority)
	}
	if t&datagramProperties != 0 {
		h.Properties = c.datagramProperties()
	}
	if t&datagramStatus != 0 {
		var status uint64
		c.varint(&status)
		if c.err == nil && len(c.buf) > 0 {
			c.fail(Violation("payload behind an object status"))
		}
		if c.err == nil {
			c.fail(h.setStatus(status))
		}
	}
	if c.err != nil {
		return Datagram{}, c.err
	}
	out.Payload, h.Length = c.buf, len(c.buf)
	return out, nil
}

// datagramProperties reads properties, of which there must be some.
func (c *coder) datagramProperties() KeyValues {
	var n uint64
	c.varint(&n)
	if n == 0 {
		c.fail(Violation("datagram with empty properties"))
		return nil
	}
	k, err := c.d.parseProperties(c.take(n))
	if err != nil {
		c.fail(err)
	}
	return k
}
