// Package mark says in each picture which it is, what it holds and when it was sent:
// a NAL unit of supplemental enhancement information with a UUID of our own (ITU-T
// H.264, D.1.7; H.265, D.2.7: user_data_unregistered). It passes encoders' and
// gateways' hands untouched, so whoever plays can tell what is missing, what is
// damaged, and how old it is. docs/mark.md has the format.
package mark

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// UUID tells marks from other user data.
var UUID = [16]byte{0x8b, 0x3c, 0x5f, 0x1e, 0x6d, 0x27, 0x4a, 0x94, 0xb1, 0x0f, 0xf7, 0x2e, 0x9a, 0x43, 0xc8, 0x55}

const (
	payloadType = 5 // user_data_unregistered
	textSize    = 16 + 16 + 8
	payloadSize = len(UUID) + textSize
)

// Mark is what is said of an access unit.
type Mark struct {
	// Sequence counts the pictures of an encoder, from 0 on.
	Sequence uint64
	// Sent is when the picture's first packet was due, to the microsecond.
	Sent time.Time
	// Sum is that of the picture's slices: see Sum.
	Sum uint32
}

// Append writes the NAL unit, without a start code. Its payload is text, so that no
// byte needs emulation prevention.
func (m Mark) Append(b []byte, hevc bool) []byte {
	if hevc {
		b = append(b, 39<<1, 1) // PREFIX_SEI_NUT
	} else {
		b = append(b, 6)
	}
	b = append(b, payloadType, byte(payloadSize))
	b = append(b, UUID[:]...)
	b = fmt.Appendf(b, "%016X%016X%08X", m.Sequence, uint64(m.Sent.UnixMicro()), m.Sum)
	return append(b, 0x80)
}

// Parse reads a NAL unit; false for any that is no mark.
func Parse(nal []byte, hevc bool) (Mark, bool) {
	head := 1
	if hevc {
		head = 2
	}
	switch {
	case len(nal) < head+2+payloadSize,
		!hevc && nal[0]&0x1F != 6,
		hevc && nal[0]>>1&0x3F != 39,
		nal[head] != payloadType || int(nal[head+1]) != payloadSize,
		!bytes.Equal(nal[head+2:head+2+len(UUID)], UUID[:]):
		return Mark{}, false
	}
	text := string(nal[head+2+len(UUID):][:textSize])
	sequence, err := strconv.ParseUint(text[:16], 16, 64)
	if err != nil {
		return Mark{}, false
	}
	micros, err := strconv.ParseUint(text[16:32], 16, 63)
	if err != nil {
		return Mark{}, false
	}
	sum, err := strconv.ParseUint(text[32:], 16, 32)
	if err != nil {
		return Mark{}, false
	}
	return Mark{Sequence: sequence, Sent: time.UnixMicro(int64(micros)), Sum: uint32(sum)}, true
}

// Find looks for the mark among the NAL units of an access unit.
func Find(units [][]byte, hevc bool) (Mark, bool) {
	for _, b := range units {
		if m, ok := Parse(b, hevc); ok {
			return m, true
		}
	}
	return Mark{}, false
}

// Last gives the last mark in bytes that hold pictures of H.264 or H.265 as they are, a
// chunk or a part.
func Last(b []byte) (Mark, bool) {
	i := bytes.LastIndex(b, UUID[:])
	for _, codec := range []struct {
		hevc bool
		head int
	}{{false, 1}, {true, 2}} {
		if start := i - 2 - codec.head; start >= 0 {
			if m, ok := Parse(b[start:], codec.hevc); ok {
				return m, true
			}
		}
	}
	return Mark{}, false
}

// Sum is the CRC-32C (RFC 3720, appendix B.4) of an access unit's slices: each NAL
// unit of types 1 to 5, for H.265 0 to 31, behind its length in four bytes, as MP4
// files have them. What gateways add or leave out, delimiters, parameter sets, filler,
// does not count.
func Sum(units [][]byte, hevc bool) uint32 {
	var sum uint32
	for _, b := range units {
		if len(b) == 0 || !slice(b[0], hevc) {
			continue
		}
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(b)))
		sum = crc32.Update(sum, castagnoli, length[:])
		sum = crc32.Update(sum, castagnoli, b)
	}
	return sum
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func slice(header byte, hevc bool) bool {
	if hevc {
		return header>>1&0x3F < 32
	}
	t := header & 0x1F
	return t >= 1 && t <= 5
}
