package qmux

import "github.com/quic-go/quic-go/quicvarint"

// Transport parameters: RFC 9000 section 18.2, RFC 9221, draft-ietf-quic-qmux-02.
const (
	paramMaxIdle              = 0x01
	paramMaxData              = 0x04
	paramStreamDataBidiLocal  = 0x05
	paramStreamDataBidiRemote = 0x06
	paramStreamDataUni        = 0x07
	paramStreamsBidi          = 0x08
	paramStreamsUni           = 0x09
	paramMaxDatagram          = 0x20
	paramMaxRecord            = 0x0571c59429cd0845
)

// RecordSize is the largest record that every peer takes, and that we take: the default
// of max_record_size.
const RecordSize = 16382

// maxStreams is the largest limit that stream IDs have room for.
const maxStreams = 1 << 60

// params are what an endpoint allows its peer.
type params struct {
	maxIdle                    uint64 // Milliseconds of silence after which it gives up; 0 is never. Only read.
	maxData                    uint64
	bidiLocal, bidiRemote, uni uint64 // Bytes a stream, as seen by who allows them.
	streamsBidi, streamsUni    uint64
	maxDatagram                uint64 // The whole frame.
}

func (p *params) append(b []byte) []byte {
	for _, v := range [][2]uint64{
		{paramMaxData, p.maxData},
		{paramStreamDataBidiLocal, p.bidiLocal},
		{paramStreamDataBidiRemote, p.bidiRemote},
		{paramStreamDataUni, p.uni},
		{paramStreamsBidi, p.streamsBidi},
		{paramStreamsUni, p.streamsUni},
		{paramMaxDatagram, p.maxDatagram},
	} {
		b = quicvarint.Append(b, v[0])
		b = quicvarint.Append(b, uint64(quicvarint.Len(v[1])))
		b = quicvarint.Append(b, v[1])
	}
	return b
}

// forbidden are the parameters of QUIC that have no meaning here ("Permitted and
// Forbidden Transport Parameters").
var forbidden = map[uint64]bool{0x00: true, 0x02: true, 0x03: true, 0x0a: true, 0x0b: true, 0x0c: true, 0x0d: true, 0x0e: true, 0x0f: true, 0x10: true}

// parseParams reads what the peer allows; what it does not know it leaves out.
func parseParams(b []byte) (p params, err error) {
	known := map[uint64]*uint64{
		paramMaxIdle: &p.maxIdle, paramMaxData: &p.maxData, paramStreamDataBidiLocal: &p.bidiLocal, paramStreamDataBidiRemote: &p.bidiRemote,
		paramStreamDataUni: &p.uni, paramStreamsBidi: &p.streamsBidi, paramStreamsUni: &p.streamsUni, paramMaxDatagram: &p.maxDatagram,
	}
	record := uint64(RecordSize)
	known[paramMaxRecord] = &record
	seen := map[uint64]bool{}
	for len(b) > 0 {
		var id uint64
		var value []byte
		if id, b, err = parseVarint(b); err == nil {
			value, b, err = parseBytes(b)
		}
		if err != nil {
			return p, violation(codeTransportParams, "transport parameters are cut short")
		}
		if forbidden[id] || seen[id] {
			return p, violation(codeTransportParams, "transport parameter %#x is forbidden or there twice", id)
		}
		to, ok := known[id]
		if !ok {
			continue
		}
		seen[id] = true // Of the others there may be any number.
		v, rest, err := parseVarint(value)
		if err != nil || len(rest) > 0 {
			return p, violation(codeTransportParams, "transport parameter %#x is no integer", id)
		}
		*to = v
	}
	if record < RecordSize || p.streamsBidi > maxStreams || p.streamsUni > maxStreams {
		return p, violation(codeTransportParams, "records of %d bytes, %d and %d streams", record, p.streamsBidi, p.streamsUni)
	}
	return p, nil
}
