package srt

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// FuzzPacket: whatever comes, from a peer or from anybody, nothing panics, and
// what is kept stays bounded.
func FuzzPacket(f *testing.F) {
	f.Add(packet.Data{Sequence: 5, Message: 1, Timestamp: 1 << 31}.Append(nil), true)
	f.Add(packet.AppendDropRequest(control(packet.TypeDropRequest, 0), packet.Range{First: 1, Last: 1 << 30}), true)
	f.Add(append(control(packet.TypeUser, 0), packet.HS{SenderDelay: 9}.Append(nil)...), true)
	f.Add(control(packet.TypeACKACK, 0), true)
	f.Add(packet.Handshake{Version: 4, Type: packet.Induction}.Append(control(packet.TypeHandshake, 0)), false)
	f.Add(packet.Handshake{Version: 5, Type: packet.Conclusion}.AppendExtended(control(packet.TypeHandshake, 0),
		packet.Extensions{HS: &packet.HS{Version: 0x10501, Flags: ourFlags}, StreamID: "live/cam1"}), false)
	log := &bytes.Buffer{}
	l, err := Listen("127.0.0.1:0", Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(l.Close)
	from := netip.MustParseAddrPort("127.0.0.1:9")
	f.Fuzz(func(t *testing.T, b []byte, known bool) {
		if len(b) < packet.HeaderSize {
			return
		}
		d := datagram{from: from, arrived: time.Now(), data: b}
		hello := packet.Handshake{Version: 5, MTU: 1500, Type: packet.Conclusion, Socket: 7}
		extensions := hello.AppendExtended(nil, packet.Extensions{HS: &packet.HS{Version: 0x10501, Flags: ourFlags}})[48:]
		r, refused := newRequest(l, d, packet.Control{}, hello, extensions)
		if refused != nil {
			t.Fatal(refused.err)
		}
		c := newConn(r)
		c.id, c.version = 1, 4
		l.conns[1] = c
		defer c.end(ErrClosed)
		switch {
		case known:
			binary.BigEndian.PutUint32(b[12:], 1)
		case len(b) >= 64: // With the right cookie.
			binary.BigEndian.PutUint32(b[12:], 0)
			binary.BigEndian.PutUint32(b[44:], l.cookies.at(d.arrived, from))
		}
		for range 3 {
			l.packet(d)
			_ = c.turn(d.arrived)
			for ok := true; ok; {
				_, ok = c.pop(d.arrived.Add(time.Hour), nil)
			}
			c.rest()
		}
		for len(l.requests) > 0 {
			(<-l.requests).Reject(2500)
		}
		if len(l.attempts) > maxKept+DefaultRequests || log.Len() > 0 {
			t.Errorf("%d attempts; %s", len(l.attempts), log)
		}
	})
}
