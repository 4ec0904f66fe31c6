package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// HeaderSize is that of every packet, in bytes.
	HeaderSize = 16
	// MaxSequence is the greatest sequence number; the next is 0.
	MaxSequence = 1<<31 - 1
	// maxMessage is the greatest message number.
	maxMessage = 1<<26 - 1
)

// ErrMalformed is what every parser of this package returns, wrapped.
var ErrMalformed = errors.New("malformed packet")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Key says which key a payload is encrypted with (the KK field, section 3.1), or
// which keys a key material message carries.
type Key uint8

// The values of KK.
const (
	Clear   Key = 0
	EvenKey Key = 1
	OddKey  Key = 2
	// BothKeys occurs in key material only.
	BothKeys Key = EvenKey | OddKey
)

// Position is where in its message a data packet stands (the PP field).
type Position uint8

// The values of PP. In live mode a packet is a message.
const (
	Middle Position = 0
	Last   Position = 1
	First  Position = 2
	Single Position = First | Last
)

// Data is the header of a data packet (section 3.1).
type Data struct {
	Sequence      uint32 // 31 bits.
	Position      Position
	Ordered       bool // Deliver in order.
	Key           Key
	Retransmitted bool
	Message       uint32 // 26 bits; 0 marks the parity of a packet filter.
	Timestamp     uint32 // Microseconds since the sender's start.
	Destination   uint32
}

// Type is what a control packet is (section 3.2, table 1).
type Type uint16

// The types of control packets.
const (
	TypeHandshake         Type = 0
	TypeKeepAlive         Type = 1
	TypeACK               Type = 2
	TypeNAK               Type = 3
	TypeCongestionWarning Type = 4
	TypeShutdown          Type = 5
	TypeACKACK            Type = 6
	TypeDropRequest       Type = 7
	TypePeerError         Type = 8
	TypeUser              Type = 0x7FFF
)

// Control is the header of a control packet (section 3.2).
type Control struct {
	Type        Type
	Subtype     uint16 // With TypeUser an Extension.
	Info        uint32 // The number of an ACK and ACKACK, a message number.
	Timestamp   uint32 // Microseconds since the sender's start.
	Destination uint32
}

// controlBit marks a control packet in its first word, and the first number of a
// range in a loss list.
const controlBit = 1 << 31

// IsControl tells control from data. b holds at least a byte.
func IsControl(b []byte) bool { return b[0]&0x80 != 0 }

// Destination gives the socket id that a packet is for; 0 asks for a connection.
// b holds at least HeaderSize bytes.
func Destination(b []byte) uint32 { return binary.BigEndian.Uint32(b[12:]) }

// ParseData reads a data packet. The payload is a part of b.
func ParseData(b []byte) (d Data, payload []byte, err error) {
	if len(b) < HeaderSize {
		return d, nil, malformed("%d bytes", len(b))
	}
	first, second := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if first&controlBit != 0 {
		return d, nil, malformed("not data")
	}
	return Data{
		Sequence:      first,
		Position:      Position(second >> 30),
		Ordered:       second>>29&1 != 0,
		Key:           Key(second >> 27 & 3),
		Retransmitted: second>>26&1 != 0,
		Message:       second & maxMessage,
		Timestamp:     binary.BigEndian.Uint32(b[8:]),
		Destination:   Destination(b),
	}, b[HeaderSize:], nil
}

// Append writes the header; the payload follows it.
func (d Data) Append(b []byte) []byte {
	second := uint32(d.Position)<<30 | uint32(d.Key&BothKeys)<<27 | d.Message&maxMessage
	if d.Ordered {
		second |= 1 << 29
	}
	if d.Retransmitted {
		second |= 1 << 26
	}
	b = binary.BigEndian.AppendUint32(b, d.Sequence&MaxSequence)
	b = binary.BigEndian.AppendUint32(b, second)
	b = binary.BigEndian.AppendUint32(b, d.Timestamp)
	return binary.BigEndian.AppendUint32(b, d.Destination)
}

// ParseControl reads the header of a control packet. The control information
// field is a part of b.
func ParseControl(b []byte) (c Control, field []byte, err error) {
	if len(b) < HeaderSize {
		return c, nil, malformed("%d bytes", len(b))
	}
	if !IsControl(b) {
		return c, nil, malformed("not control")
	}
	return Control{
		Type:        Type(binary.BigEndian.Uint16(b) &^ (controlBit >> 16)),
		Subtype:     binary.BigEndian.Uint16(b[2:]),
		Info:        binary.BigEndian.Uint32(b[4:]),
		Timestamp:   binary.BigEndian.Uint32(b[8:]),
		Destination: Destination(b),
	}, b[HeaderSize:], nil
}

// Append writes the header; the control information field follows it.
func (c Control) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, controlBit|uint32(c.Type)<<16|uint32(c.Subtype))
	b = binary.BigEndian.AppendUint32(b, c.Info)
	b = binary.BigEndian.AppendUint32(b, c.Timestamp)
	return binary.BigEndian.AppendUint32(b, c.Destination)
}

// AppendEmptyField writes the control information field of the packets that have
// none (keep-alive, shutdown): libsrt and others send four zero bytes, as UDT did.
func AppendEmptyField(b []byte) []byte { return append(b, 0, 0, 0, 0) }
