package packet

import "encoding/binary"

// Sizes of the field of an ACK, in bytes. What is longer is read as full: later
// versions of libsrt may add to it.
const (
	lightACKSize = 4
	smallACKSize = 16
	fullACKSize  = 28
)

// ACK is the field of an acknowledgement (section 3.2.4). Its number is in
// Control.Info: from 1 up for a full one, 0 for the others.
type ACK struct {
	Next      uint32 // The first sequence number that is not acknowledged.
	RTT       uint32 // Microseconds.
	RTTVar    uint32 // Microseconds.
	Available uint32 // Packets that the receiver has room for.
	Rate      uint32 // Packets a second received.
	Capacity  uint32 // Packets a second that the link is thought to carry.
	ByteRate  uint32 // Bytes a second received.
}

// ParseACK reads a light, small or full ACK; what is not there is 0.
func ParseACK(b []byte) (a ACK, err error) {
	if len(b) < lightACKSize {
		return a, malformed("ACK of %d bytes", len(b))
	}
	a.Next = binary.BigEndian.Uint32(b) & MaxSequence
	if len(b) < smallACKSize {
		return a, nil
	}
	a.RTT = binary.BigEndian.Uint32(b[4:])
	a.RTTVar = binary.BigEndian.Uint32(b[8:])
	a.Available = binary.BigEndian.Uint32(b[12:])
	if len(b) < fullACKSize {
		return a, nil
	}
	a.Rate = binary.BigEndian.Uint32(b[16:])
	a.Capacity = binary.BigEndian.Uint32(b[20:])
	a.ByteRate = binary.BigEndian.Uint32(b[24:])
	return a, nil
}

// Append writes a full ACK.
func (a ACK) Append(b []byte) []byte {
	for _, word := range [...]uint32{a.Next & MaxSequence, a.RTT, a.RTTVar, a.Available, a.Rate, a.Capacity, a.ByteRate} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return b
}

// AppendLightACK writes an ACK of its sequence number alone.
func AppendLightACK(b []byte, next uint32) []byte {
	return binary.BigEndian.AppendUint32(b, next&MaxSequence)
}
