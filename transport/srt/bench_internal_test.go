package srt

import (
	"net/netip"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// BenchmarkPacket is what a data packet costs apart from the system calls and the
// waking up of threads: from the datagram into the connection and out again, with
// an ACK each 10 ms of 6 Mbit/s, which does go to the socket.
func BenchmarkPacket(b *testing.B) {
	l, err := Listen("127.0.0.1:0", Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	now := time.Now()
	d := datagram{from: netip.MustParseAddrPort("127.0.0.1:9"), arrived: now}
	hello := packet.Handshake{Version: 5, MTU: 1500, Type: packet.Conclusion, Socket: 7}
	extensions := hello.AppendExtended(nil, packet.Extensions{HS: &packet.HS{Version: 0x10501, Flags: ourFlags}})[48:]
	r, refused := newRequest(l, d, packet.Control{}, hello, extensions)
	if refused != nil {
		b.Fatal(refused.err)
	}
	c := newConn(r)
	raw := make([]byte, packet.HeaderSize+1316)
	n := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(1755 * time.Microsecond)
		d.arrived = now
		d.data = packet.Data{Sequence: n, Position: packet.Single, Message: 1, Timestamp: n * 1755}.Append(raw[:0])[:len(raw)]
		c.data(d)
		if n%3 == 0 {
			if err := c.turn(now); err != nil {
				b.Fatal(err)
			}
			for ok := true; ok; {
				_, ok = c.pop(now, nil)
			}
			c.rest()
		}
		n = (n + 1) & packet.MaxSequence
	}
	if s := c.Stats(); s.PktRcvDrop > 0 || s.PktRecv < uint64(n) {
		b.Errorf("statistics %+v", s)
	}
}
