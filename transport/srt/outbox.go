package srt

import (
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
	"github.com/freshet-live/freshet/transport/srt/receive"
)

// outbox collects the control packets of a turn, which are sent when no lock is
// held. It is the receiver's receive.Output.
type outbox struct {
	conn      *Conn
	timestamp uint32
	bytes     []byte // All packets,
	ends      []int  // and where each ends.
}

// maxControl is the largest control packet: one datagram without IP and UDP.
const maxControl = maxMTU - 28

func (o *outbox) reset(c *Conn, now time.Time) {
	o.conn, o.timestamp = c, c.listener.timestamp(now)
	o.bytes, o.ends = o.bytes[:0], o.ends[:0]
}

func (o *outbox) empty() bool { return len(o.ends) == 0 }

func (o *outbox) begin(kind packet.Type, subtype uint16, info uint32) {
	o.bytes = packet.Control{
		Type: kind, Subtype: subtype, Info: info, Timestamp: o.timestamp, Destination: o.conn.peerID,
	}.Append(o.bytes)
}

func (o *outbox) end() { o.ends = append(o.ends, len(o.bytes)) }

func (o *outbox) send() {
	begin := 0
	for _, end := range o.ends {
		o.conn.listener.socket.send(o.bytes[begin:end], o.conn.target)
		begin = end
	}
}

// ACK is receive.Output's.
func (o *outbox) ACK(number, next uint32, full receive.ACKInfo) {
	o.begin(packet.TypeACK, 0, number)
	o.bytes = packet.ACK{
		Next: next, RTT: full.RTT, RTTVar: full.RTTVar, Available: full.AvailableBuffer,
		Rate: full.PacketRate, Capacity: full.LinkCapacity, ByteRate: full.ReceivingRate,
	}.Append(o.bytes)
	o.end()
}

// LightACK is receive.Output's.
func (o *outbox) LightACK(next uint32) {
	o.begin(packet.TypeACK, 0, 0)
	o.bytes = packet.AppendLightACK(o.bytes, next)
	o.end()
}

// NAK is receive.Output's.
func (o *outbox) NAK(ranges []receive.Range) {
	o.begin(packet.TypeNAK, 0, 0)
	limit := len(o.bytes) - packet.HeaderSize + maxControl
	for _, r := range ranges {
		var ok bool
		if o.bytes, ok = packet.AppendRange(o.bytes, packet.Range(r), limit); !ok {
			break // They are asked for again.
		}
	}
	o.end()
}

func (o *outbox) keepAlive() {
	o.begin(packet.TypeKeepAlive, 0, 0)
	o.bytes = packet.AppendEmptyField(o.bytes)
	o.end()
}

func (o *outbox) keyResponse(message []byte) {
	o.begin(packet.TypeUser, uint16(packet.ExtensionKeyResponse), 0)
	o.bytes = append(o.bytes, message...)
	o.end()
}
