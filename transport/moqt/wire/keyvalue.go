package wire

import (
	"io"
	"slices"

	"github.com/freshet-live/freshet/relay"
)

// KeyValue is a Key-Value-Pair: Int holds the value of an even Type, Bytes that
// of an odd one ("Key-Value-Pair Structure").
type KeyValue = relay.Property

// KeyValues are Setup Options or Properties. Unknown types are kept and
// ignored, as both registries demand ("Grease").
type KeyValues []KeyValue

// Types of Setup Options. MAX_REQUEST_ID is of draft 16 and earlier.
const (
	OptionPath           = 0x1
	OptionMaxRequestID   = 0x2
	OptionAuthToken      = 0x3
	OptionAuthority      = 0x5
	OptionImplementation = 0x7
)

// Types of Track Properties.
const (
	PropertyDefaultPriority = 0x0E
)

// Get gives the first pair of a type.
func (k KeyValues) Get(t uint64) (KeyValue, bool) {
	for _, kv := range k {
		if kv.Type == t {
			return kv, true
		}
	}
	return KeyValue{}, false
}

// keyValues walks pairs up to the end of the message.
func (c *coder) keyValues(k *KeyValues) {
	if c.writing {
		c.writeKeyValues(*k)
		return
	}
	var previous uint64
	for c.err == nil && len(c.buf) > 0 {
		c.readKeyValue(k, &previous)
	}
}

// countedKeyValues walks pairs with their number before them, as in the setup
// messages of draft 16.
func (c *coder) countedKeyValues(k *KeyValues) {
	n := uint64(len(*k))
	c.varint(&n)
	if c.writing {
		c.writeKeyValues(*k)
		return
	}
	var previous uint64
	for i := uint64(0); i < n && c.err == nil; i++ {
		c.readKeyValue(k, &previous)
	}
}

func (c *coder) readKeyValue(k *KeyValues, previous *uint64) {
	if len(*k) == MaxKeyValues {
		c.fail(Violation("more than %d key-value pairs", MaxKeyValues))
		return
	}
	var kv KeyValue
	c.typeDelta(previous)
	kv.Type = *previous
	c.keyValue(&kv)
	if c.err == nil {
		*k = append(*k, kv)
	}
}

// typeDelta reads the distance to the previous type.
func (c *coder) typeDelta(previous *uint64) {
	var delta uint64
	c.varint(&delta)
	if *previous+delta < *previous {
		c.fail(Violation("key type overflows"))
	}
	*previous += delta
}

func (c *coder) keyValue(kv *KeyValue) {
	if kv.Type%2 == 0 {
		c.varint(&kv.Int)
		return
	}
	c.bytes(&kv.Bytes, maxMessage)
}

func (c *coder) writeKeyValues(k KeyValues) {
	sorted := slices.Clone(k)
	slices.SortStableFunc(sorted, func(a, b KeyValue) int {
		switch {
		case a.Type < b.Type:
			return -1
		case a.Type > b.Type:
			return 1
		}
		return 0
	})
	var previous uint64
	for _, kv := range sorted {
		delta := kv.Type - previous
		c.varint(&delta)
		c.keyValue(&kv)
		previous = kv.Type
	}
}

// appendProperties appends Object Properties with their length before them
// ("Object Properties").
func (d *Dialect) appendProperties(b []byte, k KeyValues) []byte {
	c := coder{d: d, writing: true}
	c.writeKeyValues(k)
	b = d.varint.append(b, uint64(len(c.buf)))
	return append(b, c.buf...)
}

// properties reads Object Properties. Their length may be zero on a stream.
func (s *StreamReader) properties() (KeyValues, error) {
	n, err := s.Varint()
	if err != nil {
		return nil, err
	}
	if n > maxMessage {
		return nil, Violation("object properties of %d bytes", n)
	}
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, err
	}
	return s.d.parseProperties(b)
}

func (d *Dialect) parseProperties(b []byte) (KeyValues, error) {
	c := coder{d: d, buf: b}
	var k KeyValues
	c.keyValues(&k)
	return k, c.err
}
