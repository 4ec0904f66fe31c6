package packet

import (
	"encoding/binary"
	"net/netip"
)

// HandshakeType is a phase of the handshake, or the reason of a refusal
// (section 3.2.1, table 4; section 4.3, table 7).
type HandshakeType uint32

// The phases between a caller and a listener.
const (
	Induction  HandshakeType = 1
	Conclusion HandshakeType = 0xFFFFFFFF
)

// The refusals of the protocol itself, as the wire has them: libsrt's reject
// reason plus 1000. Codes from 2000 up are the application's.
const (
	RejectResource   HandshakeType = 1003
	RejectRogue      HandshakeType = 1004
	RejectBacklog    HandshakeType = 1005
	RejectClose      HandshakeType = 1007
	RejectVersion    HandshakeType = 1008
	RejectBadSecret  HandshakeType = 1010
	RejectUnsecure   HandshakeType = 1011
	RejectMessageAPI HandshakeType = 1012
	RejectCongestion HandshakeType = 1013
	RejectGroup      HandshakeType = 1015
	RejectCrypto     HandshakeType = 1017
)

const (
	// Magic is the extension field of an induction response: it tells SRT from
	// UDT (section 4.3.1.1.2).
	Magic = 0x4A17
	// Datagram is the extension field of version 4: UDT's datagram mode.
	Datagram = 2

	handshakeSize = 48
)

// The extension field of a conclusion: which extensions follow (table 3).
const (
	flagHS     = 1
	flagKey    = 2
	flagConfig = 4
)

// Handshake is the field of a handshake packet (section 3.2.1).
type Handshake struct {
	Version    uint32 // 4 or 5.
	Encryption uint16 // Key length divided by 8, 0 when not told.
	// Extension is Magic, Datagram, or which extensions follow; AppendExtended
	// sets it by itself.
	Extension  uint16
	Sequence   uint32 // Of the first data packet, 31 bits.
	MTU        uint32 // Bytes, with the headers of IP and UDP.
	FlowWindow uint32 // Packets.
	Type       HandshakeType
	Socket     uint32 // The sender's own.
	Cookie     uint32
	PeerIP     netip.Addr // The receiver's address as the sender sees it.
}

// ParseHandshake reads a handshake. What extensions follow is a part of b.
func ParseHandshake(b []byte) (h Handshake, extensions []byte, err error) {
	if len(b) < handshakeSize {
		return h, nil, malformed("handshake of %d bytes", len(b))
	}
	h = Handshake{
		Version:    binary.BigEndian.Uint32(b),
		Encryption: binary.BigEndian.Uint16(b[4:]),
		Extension:  binary.BigEndian.Uint16(b[6:]),
		Sequence:   binary.BigEndian.Uint32(b[8:]),
		MTU:        binary.BigEndian.Uint32(b[12:]),
		FlowWindow: binary.BigEndian.Uint32(b[16:]),
		Type:       HandshakeType(binary.BigEndian.Uint32(b[20:])),
		Socket:     binary.BigEndian.Uint32(b[24:]),
		Cookie:     binary.BigEndian.Uint32(b[28:]),
		PeerIP:     parseIP(b[32:handshakeSize]),
	}
	if h.Sequence > MaxSequence {
		return h, nil, malformed("initial sequence number %#x", h.Sequence)
	}
	return h, b[handshakeSize:], nil
}

// Append writes the handshake without extensions.
func (h Handshake) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, h.Version)
	b = binary.BigEndian.AppendUint16(b, h.Encryption)
	b = binary.BigEndian.AppendUint16(b, h.Extension)
	for _, word := range [...]uint32{h.Sequence & MaxSequence, h.MTU, h.FlowWindow, uint32(h.Type), h.Socket, h.Cookie} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	return appendIP(b, h.PeerIP)
}

// appendIP writes an address of 16 bytes as libsrt does: each word with its last
// byte first, and zeros after the one word of IPv4.
func appendIP(b []byte, ip netip.Addr) []byte {
	var raw [16]byte
	switch ip = ip.Unmap(); {
	case ip.Is4():
		four := ip.As4()
		copy(raw[:], four[:])
	case ip.Is6():
		raw = ip.As16()
	}
	return appendSwapped(b, raw[:])
}

func parseIP(b []byte) netip.Addr {
	raw := [16]byte(appendSwapped(make([]byte, 0, 16), b))
	if [12]byte(raw[4:]) == [12]byte{} {
		return netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrFrom16(raw)
}

// appendSwapped appends words with their bytes in opposite order. len(words) is a
// multiple of 4.
func appendSwapped(b, words []byte) []byte {
	for ; len(words) >= 4; words = words[4:] {
		b = append(b, words[3], words[2], words[1], words[0])
	}
	return b
}
