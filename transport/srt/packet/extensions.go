package packet

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Extension is the kind of a handshake's extension, or of a TypeUser packet
// (section 3.2.1, table 5).
type Extension uint16

// The kinds of extensions.
const (
	ExtensionHSRequest   Extension = 1
	ExtensionHSResponse  Extension = 2
	ExtensionKeyRequest  Extension = 3
	ExtensionKeyResponse Extension = 4
	ExtensionStreamID    Extension = 5
	ExtensionCongestion  Extension = 6
	ExtensionFilter      Extension = 7
	ExtensionGroup       Extension = 8
)

// Flags are what a peer can do (section 3.2.1.1.1).
type Flags uint32

// The flags.
const (
	FlagTSBPDSender   Flags = 1 << iota // Sends by timestamps.
	FlagTSBPDReceiver                   // Delivers by timestamps.
	FlagCrypt                           // Knows the KK field.
	FlagTooLateDrop                     // Gives up what is late.
	FlagPeriodicNAK                     // Reports losses again and again.
	FlagRetransmit                      // Knows the R field.
	FlagStream                          // Buffer mode, not messages.
	FlagFilter                          // Knows packet filters.
)

// HS is the handshake extension message, request and response (section
// 3.2.1.1).
type HS struct {
	Version       uint32 // 0x10500 is 1.5.0.
	Flags         Flags
	ReceiverDelay uint16 // Milliseconds, for what it receives.
	SenderDelay   uint16 // Milliseconds, for what it sends.
}

const (
	hsSize = 12
	// maxText is the longest text of an extension (section 3.2.1.3).
	maxText = 512
)

// ParseHS reads a handshake extension message.
func ParseHS(b []byte) (HS, error) {
	if len(b) < hsSize {
		return HS{}, malformed("handshake extension of %d bytes", len(b))
	}
	return HS{
		Version:       binary.BigEndian.Uint32(b),
		Flags:         Flags(binary.BigEndian.Uint32(b[4:])),
		ReceiverDelay: binary.BigEndian.Uint16(b[8:]),
		SenderDelay:   binary.BigEndian.Uint16(b[10:]),
	}, nil
}

// Append writes the message.
func (h HS) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, h.Version)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Flags))
	b = binary.BigEndian.AppendUint16(b, h.ReceiverDelay)
	return binary.BigEndian.AppendUint16(b, h.SenderDelay)
}

// Extensions are those of a conclusion. What this package does not know is
// skipped.
type Extensions struct {
	Response bool // The answers to HS and Key, not the requests.
	HS       *HS
	// Key is a message for ParseKeyMaterial; a single word in a response that says
	// that the keys were of no use. A part of what was parsed.
	Key        []byte
	StreamID   string
	Congestion string // "" is "live".
	Filter     string
	Group      bool // The caller is one of several links.
}

// ParseExtensions reads what follows a conclusion.
func ParseExtensions(b []byte) (Extensions, error) {
	var e Extensions
	for len(b) > 0 {
		if len(b) < 4 {
			return e, malformed("%d bytes of an extension", len(b))
		}
		kind, size := Extension(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))*4
		b = b[4:]
		if size > len(b) {
			return e, malformed("extension %d of %d bytes, %d are there", kind, size, len(b))
		}
		if err := e.take(kind, b[:size]); err != nil {
			return e, err
		}
		b = b[size:]
	}
	return e, nil
}

func (e *Extensions) take(kind Extension, b []byte) (err error) {
	switch kind {
	case ExtensionHSRequest, ExtensionHSResponse:
		var hs HS
		hs, err = ParseHS(b)
		e.HS, e.Response = &hs, kind == ExtensionHSResponse
	case ExtensionKeyRequest, ExtensionKeyResponse:
		e.Key = b
	case ExtensionStreamID:
		e.StreamID, err = parseText(b)
	case ExtensionCongestion:
		e.Congestion, err = parseText(b)
	case ExtensionFilter:
		e.Filter, err = parseText(b)
	case ExtensionGroup:
		e.Group = true
	}
	return err
}

// parseText reads words of little-endian text, filled up with zeros (section
// 3.2.1.3).
func parseText(b []byte) (string, error) {
	if len(b) > maxText {
		return "", malformed("text of %d bytes", len(b))
	}
	text := appendSwapped(make([]byte, 0, len(b)), b)
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	return string(text), nil
}

// AppendExtended writes a handshake of version 5 and its extensions. Key has a
// multiple of four bytes.
func (h Handshake) AppendExtended(b []byte, e Extensions) []byte {
	h.Extension = 0
	if e.HS != nil {
		h.Extension |= flagHS
	}
	if e.Key != nil {
		h.Extension |= flagKey
	}
	if e.StreamID != "" || e.Congestion != "" || e.Filter != "" {
		h.Extension |= flagConfig
	}
	b = h.Append(b)
	answer := Extension(0)
	if e.Response {
		answer = 1
	}
	if e.HS != nil {
		b = e.HS.Append(appendExtensionHeader(b, ExtensionHSRequest+answer, hsSize))
	}
	if e.Key != nil {
		b = append(appendExtensionHeader(b, ExtensionKeyRequest+answer, len(e.Key)), e.Key...)
	}
	b = appendText(b, ExtensionStreamID, e.StreamID)
	b = appendText(b, ExtensionCongestion, e.Congestion)
	return appendText(b, ExtensionFilter, e.Filter)
}

func appendExtensionHeader(b []byte, kind Extension, size int) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(kind))
	return binary.BigEndian.AppendUint16(b, uint16(size/4))
}

func appendText(b []byte, kind Extension, text string) []byte {
	if text == "" {
		return b
	}
	text += strings.Repeat("\x00", -len(text)&3)
	return appendSwapped(appendExtensionHeader(b, kind, len(text)), []byte(text))
}
