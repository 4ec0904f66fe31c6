package qmux

import (
	"fmt"

	"github.com/quic-go/quic-go/quicvarint"
)

// Frame types: RFC 9000 section 19, RFC 9221 and draft-ietf-quic-qmux-02.
const (
	framePadding            = 0x00
	frameResetStream        = 0x04
	frameStopSending        = 0x05
	frameStream             = 0x08 // To 0x0f, with the flags below.
	frameMaxData            = 0x10
	frameMaxStreamData      = 0x11
	frameMaxStreamsBidi     = 0x12
	frameMaxStreamsUni      = 0x13
	frameDataBlocked        = 0x14
	frameStreamDataBlocked  = 0x15
	frameStreamsBlockedBidi = 0x16
	frameStreamsBlockedUni  = 0x17
	frameConnectionClose    = 0x1c
	frameApplicationClose   = 0x1d
	frameDatagram           = 0x30
	frameDatagramLength     = 0x31
	frameTransportParams    = 0x3f5153300d0a0d0a
	framePing               = 0x348c67529ef8c7bd
	framePong               = 0x348c67529ef8c7be
)

const (
	streamFin    = 0x01
	streamLength = 0x02
	streamOffset = 0x04
)

// frame is any of them. Which fields count depends on kind.
type frame struct {
	kind   uint64 // STREAM is frameStream, whatever its flags.
	stream uint64 // Stream ID.
	value  uint64 // An error code, a limit, or a sequence number.
	size   uint64 // STREAM: the offset; RESET_STREAM: the final size.
	fin    bool
	data   []byte // Of STREAM and DATAGRAM, parameters, or the reason of a close. It aliases the record.
}

// fields are the integers behind a frame's type, and whether bytes with a length follow.
func fields(f *frame) (ints []*uint64, data bool, err error) {
	switch f.kind {
	case framePadding:
	case frameResetStream:
		ints = []*uint64{&f.stream, &f.value, &f.size}
	case frameStopSending, frameMaxStreamData, frameStreamDataBlocked:
		ints = []*uint64{&f.stream, &f.value}
	case frameMaxData, frameMaxStreamsBidi, frameMaxStreamsUni, frameDataBlocked,
		frameStreamsBlockedBidi, frameStreamsBlockedUni, framePing, framePong:
		ints = []*uint64{&f.value}
	case frameConnectionClose:
		ints, data = []*uint64{&f.value, &f.size}, true // The size is the type of the frame at fault.
	case frameApplicationClose:
		ints, data = []*uint64{&f.value}, true
	case frameTransportParams, frameDatagramLength:
		data = true
	default:
		return nil, false, violation(codeFrameEncoding, "frame type %#x", f.kind)
	}
	return ints, data, nil
}

// parseFrame takes the first frame of a record that is not empty.
func parseFrame(b []byte) (f frame, rest []byte, err error) {
	if f.kind, b, err = parseVarint(b); err != nil {
		return f, nil, err
	}
	switch {
	case f.kind >= frameStream && f.kind <= frameStream|streamFin|streamLength|streamOffset:
		return parseStream(f.kind, b)
	case f.kind == frameDatagram:
		f.data = b
		return f, nil, nil
	}
	ints, data, err := fields(&f)
	if err != nil {
		return f, nil, err
	}
	for _, v := range ints {
		if *v, b, err = parseVarint(b); err != nil {
			return f, nil, err
		}
	}
	if data {
		f.data, b, err = parseBytes(b)
	}
	return f, b, err
}

func parseStream(kind uint64, b []byte) (f frame, rest []byte, err error) {
	f = frame{kind: frameStream, fin: kind&streamFin != 0}
	if f.stream, b, err = parseVarint(b); err != nil {
		return f, nil, err
	}
	if kind&streamOffset != 0 {
		if f.size, b, err = parseVarint(b); err != nil {
			return f, nil, err
		}
	}
	if kind&streamLength == 0 {
		f.data = b
		return f, nil, nil
	}
	f.data, b, err = parseBytes(b)
	return f, b, err
}

func parseVarint(b []byte) (v uint64, rest []byte, err error) {
	v, n, err := quicvarint.Parse(b)
	if err != nil {
		return 0, nil, violation(codeFrameEncoding, "a frame is cut short")
	}
	return v, b[n:], nil
}

func parseBytes(b []byte) (data, rest []byte, err error) {
	n, b, err := parseVarint(b)
	if err != nil {
		return nil, nil, err
	}
	if n > uint64(len(b)) {
		return nil, nil, violation(codeFrameEncoding, "%d bytes where %d are left", n, len(b))
	}
	return b[:n], b[n:], nil
}

// append appends a frame; STREAM with offset and length.
func (f *frame) append(b []byte) []byte {
	if f.kind == frameStream {
		kind := uint64(frameStream | streamOffset | streamLength)
		if f.fin {
			kind |= streamFin
		}
		b = quicvarint.Append(quicvarint.Append(quicvarint.Append(b, kind), f.stream), f.size)
		return append(quicvarint.Append(b, uint64(len(f.data))), f.data...)
	}
	b = quicvarint.Append(b, f.kind)
	ints, data, err := fields(f)
	if err != nil {
		panic(fmt.Sprintf("qmux: %v is not ours to send", err))
	}
	for _, v := range ints {
		b = quicvarint.Append(b, *v)
	}
	if data {
		b = append(quicvarint.Append(b, uint64(len(f.data))), f.data...)
	}
	return b
}

// maxHead is the most that a frame of a stream has before its data, and any other frame
// without data in all.
const maxHead = 8 + 8 + 8 + 8
