package packet

import (
	"encoding/binary"
	"iter"
)

// Range is a run of sequence numbers, both ends included. It may go over the
// wrap: then Last is the smaller number.
type Range struct{ First, Last uint32 }

// AppendRange writes r as an entry of a loss list (appendix A) unless b would
// grow longer than limit bytes; ok tells whether it was written.
func AppendRange(b []byte, r Range, limit int) (_ []byte, ok bool) {
	if r.First == r.Last {
		if len(b)+4 > limit {
			return b, false
		}
		return binary.BigEndian.AppendUint32(b, r.First&MaxSequence), true
	}
	if len(b)+8 > limit {
		return b, false
	}
	b = binary.BigEndian.AppendUint32(b, r.First|controlBit)
	return binary.BigEndian.AppendUint32(b, r.Last&MaxSequence), true
}

// Losses gives the ranges of a NAK's loss list (section 3.2.5, appendix A) until
// something in it makes no sense. The ranges are the peer's word: a range may
// span half of all numbers.
func Losses(b []byte) iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for len(b) >= 4 {
			r := Range{First: binary.BigEndian.Uint32(b)}
			r.Last = r.First
			b = b[4:]
			if r.First&controlBit != 0 {
				if len(b) < 4 {
					return
				}
				r.First &= MaxSequence
				r.Last = binary.BigEndian.Uint32(b)
				b = b[4:]
				if r.Last&controlBit != 0 {
					return
				}
			}
			if !yield(r) {
				return
			}
		}
	}
}

// ParseDropRequest reads the field of a message drop request (section 3.2.9): the
// range that the sender will not send any more. The message's number is in
// Control.Info.
func ParseDropRequest(b []byte) (Range, error) {
	if len(b) < 8 {
		return Range{}, malformed("drop request of %d bytes", len(b))
	}
	r := Range{First: binary.BigEndian.Uint32(b), Last: binary.BigEndian.Uint32(b[4:])}
	if (r.First|r.Last)&controlBit != 0 {
		return Range{}, malformed("drop request of %#x to %#x", r.First, r.Last)
	}
	return r, nil
}

// AppendDropRequest writes the field of a message drop request.
func AppendDropRequest(b []byte, r Range) []byte {
	b = binary.BigEndian.AppendUint32(b, r.First&MaxSequence)
	return binary.BigEndian.AppendUint32(b, r.Last&MaxSequence)
}
