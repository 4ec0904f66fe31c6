package wire

import (
	"encoding/binary"
	"math"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/freshet-live/freshet/relay/swarm"
)

// maxPeerInteger bounds integers without a width, so that browsers have them exact.
const maxPeerInteger = 1<<53 - 1

// peerCoder walks the fields of a message, reading or writing them. The first
// error sticks and the rest becomes a no-op, so that a layout is straight-line
// code.
type peerCoder struct {
	writing bool
	buf     []byte // Reading: what is left. Writing: what was written.
	err     error
}

func (c *peerCoder) fail(err error) {
	if c.err == nil {
		c.err = err
		if !c.writing {
			c.buf = nil
		}
	}
}

func (c *peerCoder) varint(v *uint64) { c.varintIn(v, 0, maxPeerInteger) }

// varintIn is an integer from low to high.
func (c *peerCoder) varintIn(v *uint64, low, high uint64) {
	if c.err != nil {
		return
	}
	if !c.writing {
		x, n, err := quicvarint.Parse(c.buf)
		if err != nil {
			c.fail(broken("ends within an integer"))
			return
		}
		*v, c.buf = x, c.buf[n:]
	}
	if *v < low || *v > high {
		c.fail(broken("integer %d is not from %d to %d", *v, low, high))
		return
	}
	if c.writing {
		c.buf = quicvarint.Append(c.buf, *v)
	}
}

// int is an integer from low to high, both of which are not negative.
func (c *peerCoder) int(v *int, low, high int) {
	if *v < 0 {
		c.fail(broken("integer %d is negative", *v))
		return
	}
	x := uint64(*v)
	c.varintIn(&x, uint64(low), uint64(high))
	if c.err == nil {
		*v = int(x)
	}
}

func (c *peerCoder) uint8(v *uint8) {
	if c.err != nil {
		return
	}
	if c.writing {
		c.buf = append(c.buf, *v)
		return
	}
	if len(c.buf) == 0 {
		c.fail(broken("ends within a field"))
		return
	}
	*v, c.buf = c.buf[0], c.buf[1:]
}

func (c *peerCoder) uint64(v *uint64) {
	if c.err != nil {
		return
	}
	if c.writing {
		c.buf = binary.BigEndian.AppendUint64(c.buf, *v)
		return
	}
	if len(c.buf) < 8 {
		c.fail(broken("ends within a field"))
		return
	}
	*v, c.buf = binary.BigEndian.Uint64(c.buf), c.buf[8:]
}

// bytes is a length of at most limit, and so many bytes.
func (c *peerCoder) bytes(v *[]byte, limit int) {
	n := len(*v)
	c.int(&n, 0, limit)
	if c.err != nil {
		return
	}
	if c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	if n > len(c.buf) {
		c.fail(broken("ends within %d bytes", n))
		return
	}
	*v, c.buf = c.buf[:n:n], c.buf[n:]
}

// rest is all bytes to the end, at least one.
func (c *peerCoder) rest(v *[]byte) {
	if c.err != nil {
		return
	}
	if c.writing {
		c.buf = append(c.buf, *v...)
	} else {
		*v, c.buf = c.buf, nil
	}
	if len(*v) == 0 {
		c.fail(broken("has no bytes"))
	}
}

func (c *peerCoder) peer(v *swarm.PeerID) {
	x := uint64(*v)
	c.varintIn(&x, 0, math.MaxUint32)
	*v = swarm.PeerID(x)
}

func (c *peerCoder) sub(v *int) { c.int(v, 0, maxPeerSub) }

func (c *peerCoder) id(v *swarm.PieceID) {
	n := uint64(v.N)
	c.varint(&v.Group)
	c.varintIn(&n, 0, math.MaxUint32)
	v.N = uint32(n)
}

func (c *peerCoder) ids(v *[]swarm.PieceID) {
	count := len(*v)
	c.int(&count, 1, MaxPull)
	if c.err != nil {
		return
	}
	if !c.writing {
		*v = make([]swarm.PieceID, count)
	}
	for i := range *v {
		c.id(&(*v)[i])
	}
}

func (c *peerCoder) have(v *[]swarm.HaveMap) {
	count := len(*v)
	c.int(&count, 0, MaxHaveGroups)
	if c.err != nil {
		return
	}
	if !c.writing {
		*v = make([]swarm.HaveMap, count)
	}
	for i := range *v {
		c.haveMap(&(*v)[i])
	}
}

func (c *peerCoder) haveMap(v *swarm.HaveMap) {
	id := swarm.PieceID{Group: v.Group, N: v.N}
	c.id(&id)
	v.Group, v.N = id.Group, id.N
	c.bytes(&v.Bits, maxHaveBits)
}
