package wire

import (
	"encoding/binary"
	"math/bits"
)

// varint is one coding of integers. parse gives the length used, or zero when b
// is too short; size gives the length of the coding whose first byte is first.
type varint struct {
	max    uint64
	append func(b []byte, v uint64) []byte
	parse  func(b []byte) (v uint64, n int)
	size   func(first byte) int
}

// rfc9000 is the coding of QUIC (RFC 9000 section 16), used up to draft 16.
var rfc9000 = varint{
	max: 1<<62 - 1,
	append: func(b []byte, v uint64) []byte {
		switch {
		case v < 1<<6:
			return append(b, byte(v))
		case v < 1<<14:
			return binary.BigEndian.AppendUint16(b, uint16(v)|1<<14)
		case v < 1<<30:
			return binary.BigEndian.AppendUint32(b, uint32(v)|2<<30)
		}
		return binary.BigEndian.AppendUint64(b, v|3<<62)
	},
	parse: func(b []byte) (uint64, int) {
		if len(b) == 0 {
			return 0, 0
		}
		n := 1 << (b[0] >> 6)
		if len(b) < n {
			return 0, 0
		}
		return bigEndian(b[0]&0x3f, b[1:n]), n
	},
	size: func(first byte) int { return 1 << (first >> 6) },
}

// leadingOnes is the coding of draft 17 and later ("Variable-Length Integers"):
// the number of leading one bits is the number of bytes that follow the first.
var leadingOnes = varint{
	max: 1<<64 - 1,
	append: func(b []byte, v uint64) []byte {
		if v < 1<<7 {
			return append(b, byte(v))
		}
		// Seven usable bits for each byte, but 64 in nine.
		follow := (bits.Len64(v) - 1) / 7
		if follow >= 8 {
			return binary.BigEndian.AppendUint64(append(b, 0xff), v)
		}
		b = append(b, ^byte(0)<<(8-follow)|byte(v>>(8*follow)))
		for i := follow - 1; i >= 0; i-- {
			b = append(b, byte(v>>(8*i)))
		}
		return b
	},
	parse: func(b []byte) (uint64, int) {
		if len(b) == 0 {
			return 0, 0
		}
		follow := bits.LeadingZeros8(^b[0])
		if len(b) <= follow {
			return 0, 0
		}
		return bigEndian(b[0]&(0x7f>>follow), b[1:1+follow]), 1 + follow
	},
	size: func(first byte) int { return 1 + bits.LeadingZeros8(^first) },
}

func bigEndian(first byte, rest []byte) uint64 {
	v := uint64(first)
	for _, c := range rest {
		v = v<<8 | uint64(c)
	}
	return v
}
