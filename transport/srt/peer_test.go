package srt_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// rawPeer speaks SRT packet by packet.
type rawPeer struct {
	t      *testing.T
	conn   net.Conn
	socket uint32 // Ours.
	cookie uint32
	to     uint32 // The listener's socket, when it has taken us.
}

func (l *listener) port() string { return strconv.Itoa(int(l.addr.Port())) }

func newPeer(t *testing.T, address string) *rawPeer {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rawPeer{t: t, conn: conn, socket: 0x1234}
}

func (p *rawPeer) send(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// receive gives the next packet of a type.
func (p *rawPeer) receive(kind packet.Type) (packet.Control, []byte, error) {
	deadline := time.Now().Add(5 * time.Second)
	for {
		_ = p.conn.SetReadDeadline(deadline)
		b := make([]byte, 2000)
		n, err := p.conn.Read(b)
		if err != nil {
			return packet.Control{}, nil, err
		}
		header, field, err := packet.ParseControl(b[:n])
		if err != nil || header.Destination != p.socket {
			return header, nil, fmt.Errorf("%+v, %w", header, err)
		}
		if header.Type == kind {
			return header, field, nil
		}
	}
}

// quiet checks that no packet comes.
func (p *rawPeer) quiet(what string) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	b := make([]byte, 2000)
	if n, err := p.conn.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("%s: %x, %v", what, b[:n], err)
	}
}

func (p *rawPeer) handshake() packet.Handshake {
	p.t.Helper()
	_, field, err := p.receive(packet.TypeHandshake)
	if err != nil {
		p.t.Fatal(err)
	}
	h, _, err := packet.ParseHandshake(field)
	if err != nil {
		p.t.Fatal(err)
	}
	return h
}

func control(kind packet.Type, subtype packet.Extension, info, timestamp, to uint32) []byte {
	return packet.Control{Type: kind, Subtype: uint16(subtype), Info: info, Timestamp: timestamp, Destination: to}.Append(nil)
}

// induct gets the cookie.
func (p *rawPeer) induct() packet.Handshake {
	p.t.Helper()
	p.send(packet.Handshake{
		Version: 4, Extension: packet.Datagram, Sequence: 1000, MTU: 1500, FlowWindow: 8192,
		Type: packet.Induction, Socket: p.socket,
	}.Append(control(packet.TypeHandshake, 0, 0, 0, 0)))
	h := p.handshake()
	p.cookie = h.Cookie
	return h
}

// hello is a conclusion that is taken.
func (p *rawPeer) hello() (packet.Handshake, packet.Extensions) {
	h := packet.Handshake{
		Version: 5, Sequence: 1000, MTU: 1500, FlowWindow: 8192, Type: packet.Conclusion,
		Socket: p.socket, Cookie: p.cookie, PeerIP: netip.MustParseAddr("127.0.0.1"),
	}
	return h, packet.Extensions{
		HS:       &packet.HS{Version: 0x10501, Flags: 0xBF, ReceiverDelay: 120, SenderDelay: 120},
		StreamID: "live/cam1",
	}
}

func (p *rawPeer) conclude(h packet.Handshake, e packet.Extensions) {
	p.t.Helper()
	p.send(h.AppendExtended(control(packet.TypeHandshake, 0, 0, 50_000, 0), e))
}

// rejectedBy has the listener reject the caller and checks the answer.
func (p *rawPeer) rejectedBy(l *listener) error {
	p.t.Helper()
	l.request(p.t).Reject(2409)
	_, field, err := p.receive(packet.TypeHandshake)
	if err != nil {
		return err
	}
	h, _, err := packet.ParseHandshake(field)
	if err != nil {
		return err
	}
	if h.Type != 2409 {
		return fmt.Errorf("type %d", h.Type)
	}
	return nil
}

// connect is the whole handshake.
func (p *rawPeer) connect(l *listener) *inbox {
	p.t.Helper()
	p.induct()
	p.conclude(p.hello())
	in := receiveAll(p.t, l.accept(p.t, ""))
	p.to = p.handshake().Socket
	return in
}

// data sends a payload in clear as the n-th packet, in time.
func (p *rawPeer) data(n int, change func(*packet.Data)) {
	p.t.Helper()
	d := packet.Data{
		Sequence: uint32(1000 + n), Position: packet.Single, Message: uint32(1 + n),
		Timestamp: uint32(60_000 + 1000*n), Destination: p.to,
	}
	if change != nil {
		change(&d)
	}
	p.send(append(d.Append(nil), numbered(n)...))
}
