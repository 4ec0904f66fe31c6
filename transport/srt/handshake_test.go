package srt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

func TestInduction(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	h := p.induct()
	if h.Version != 5 || h.Extension != packet.Magic || h.Encryption != 0 || h.Type != packet.Induction || h.Cookie == 0 ||
		h.PeerIP != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("answer %+v", h)
	}
	if again := p.induct(); again.Cookie != h.Cookie {
		t.Error("another cookie for the same caller")
	}
	if other := newPeer(t, l.addr.String()).induct(); other.Cookie == h.Cookie {
		t.Error("the same cookie for another caller")
	}
}

func TestConclusion(t *testing.T) {
	l := start(t, srt.Config{Latency: 200 * time.Millisecond})
	p := newPeer(t, l.addr.String())
	p.induct()
	p.conclude(p.hello())
	c := l.accept(t, "")
	defer c.Close()
	_, field, err := p.receive(packet.TypeHandshake)
	if err != nil {
		t.Fatal(err)
	}
	h, rest, err := packet.ParseHandshake(field)
	if err != nil {
		t.Fatal(err)
	}
	e, err := packet.ParseExtensions(rest)
	if err != nil {
		t.Fatal(err)
	}
	if h.Type != packet.Conclusion || h.Version != 5 || h.Socket == 0 || h.Socket == p.socket || h.Sequence != 1000 || h.Extension != 1 {
		t.Errorf("answer %+v", h)
	}
	if !e.Response || e.HS == nil || e.HS.ReceiverDelay != 200 || e.HS.SenderDelay != 200 || e.HS.Flags != 0x3F {
		t.Errorf("extensions %+v, %+v", e, e.HS)
	}
	if c.HandshakeVersion() != 5 || c.PeerVersion() != 0x10501 || c.RemoteAddr().String() != p.conn.LocalAddr().String() {
		t.Errorf("handshake %d, SRT %x, remote %v", c.HandshakeVersion(), c.PeerVersion(), c.RemoteAddr())
	}
}

// gcm is key material as libsrt 1.5.5 sends it for AES-GCM.
func gcm() []byte {
	return packet.KeyMaterial{Keys: packet.EvenKey, Cipher: packet.CipherGCM, Auth: 1, KeyLength: 16, Wrapped: make([]byte, 24)}.Append(nil)
}

func TestRefusedByTheListener(t *testing.T) {
	tests := []struct {
		name   string
		change func(*packet.Handshake, *packet.Extensions)
		code   packet.HandshakeType
	}{
		{"cookie", func(h *packet.Handshake, _ *packet.Extensions) { h.Cookie++ }, packet.RejectRogue},
		{"handshake version", func(h *packet.Handshake, _ *packet.Extensions) { h.Version = 6 }, packet.RejectVersion},
		{"SRT version", func(_ *packet.Handshake, e *packet.Extensions) { e.HS.Version = 0x00FFFF }, packet.RejectVersion},
		{"no handshake extension", func(_ *packet.Handshake, e *packet.Extensions) { e.HS = nil }, packet.RejectRogue},
		{"a response", func(_ *packet.Handshake, e *packet.Extensions) { e.Response = true }, packet.RejectRogue},
		{"stream mode", func(_ *packet.Handshake, e *packet.Extensions) { e.HS.Flags |= packet.FlagStream }, packet.RejectMessageAPI},
		{"file mode", func(_ *packet.Handshake, e *packet.Extensions) { e.Congestion = "file" }, packet.RejectCongestion},
		{"tiny packets", func(h *packet.Handshake, _ *packet.Extensions) { h.MTU = 100 }, packet.RejectRogue},
		{"GCM", func(_ *packet.Handshake, e *packet.Extensions) { e.Key = gcm() }, packet.RejectCrypto},
		{"no keys", func(_ *packet.Handshake, e *packet.Extensions) { e.Key = make([]byte, 4) }, packet.RejectRogue},
		{"version 4 of something else", func(h *packet.Handshake, _ *packet.Extensions) { h.Version = 4 }, packet.RejectRogue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := start(t, srt.Config{})
			p := newPeer(t, l.addr.String())
			p.induct()
			h, e := p.hello()
			tt.change(&h, &e)
			p.conclude(h, e)
			if got := p.handshake(); got.Type != tt.code {
				t.Errorf("answered with %d", got.Type)
			}
			told := l.refusals()
			if len(told) != 1 || told[0].Code != uint32(tt.code) || told[0].Err == nil || told[0].Remote.String() != p.conn.LocalAddr().String() {
				t.Errorf("told %+v", told)
			}
		})
	}
}

func TestBondedCallerIsToldWhy(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.induct()
	h, e := p.hello()
	b := h.AppendExtended(control(packet.TypeHandshake, 0, 0, 0, 0), e)
	b = append(b, 0, byte(packet.ExtensionGroup), 0, 2, 0x40, 0, 0, 7, 1, 0, 0, 0)
	p.send(b)
	if got := p.handshake(); got.Type != packet.RejectGroup {
		t.Errorf("answered with %d", got.Type)
	}
}

// Handshakes that are cut anywhere, after the cookie that lets them in.
func TestCutHandshakes(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.induct()
	h, e := p.hello()
	e.Key = gcm()
	e.HS.Version = 1 // What is whole is refused as well.
	whole := h.AppendExtended(control(packet.TypeHandshake, 0, 0, 0, 0), e)
	for n := range whole {
		p.send(whole[:n])
		if n%40 == 0 { // Not more than a tick takes.
			waitFor(t, "refusals", func() bool { return len(l.refusals()) > n-packet.HeaderSize })
		}
	}
	waitFor(t, "refusals", func() bool { return len(l.refusals()) >= len(whole)-packet.HeaderSize })
	malformed := 0
	for _, r := range l.refusals() {
		if errors.Is(r.Err, srt.ErrMalformed) {
			malformed++
		}
	}
	if malformed < len(whole)/2 {
		t.Errorf("%d of %d were malformed", malformed, len(whole))
	}
	q := newPeer(t, l.addr.String())
	q.connect(l) // It still works.
}

// A caller that asks again while it waits is one caller, and gets the same answer
// when there is one.
func TestConclusionsAreRepeated(t *testing.T) {
	l := start(t, srt.Config{})
	for _, accepted := range []bool{true, false} {
		p := newPeer(t, l.addr.String())
		p.induct()
		p.conclude(p.hello())
		r := l.request(t)
		p.conclude(p.hello())
		p.quiet("an answer before the decision")
		if accepted {
			c, err := r.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		} else {
			r.Reject(2401)
		}
		first := p.handshake()
		p.conclude(p.hello())
		if second := p.handshake(); second != first {
			t.Errorf("first %+v, then %+v", first, second)
		}
		if _, err := r.Accept(); !errors.Is(err, srt.ErrAnswered) {
			t.Errorf("answered twice: %v", err)
		}
		r.Reject(2500)
		p.quiet("a second answer")
	}
}

// A caller that has begun anew from the same port with the same socket id is
// another, and where the one before has gone: nothing is sent to it any more.
func TestCallerBeginsAnew(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	first := p.connect(l)
	p.induct()
	h, e := p.hello()
	h.Sequence = 5000
	p.conclude(h, e)
	second := receiveAll(t, l.accept(t, ""))
	p.to = p.handshake().Socket
	if err := first.end(t); !errors.Is(err, srt.ErrPeerClosed) {
		t.Errorf("the first ended with %v", err)
	}
	first.conn.Close()
	p.quiet("a word for the first")
	p.data(0, func(d *packet.Data) { d.Sequence = 5000 })
	checkNumbered(t, second.wait(t, 1))
}

func TestManyCallersWait(t *testing.T) {
	l := start(t, srt.Config{MaxRequests: 2})
	var waiting [2]*srt.Request
	for i := range waiting {
		p := newPeer(t, l.addr.String())
		p.induct()
		p.conclude(p.hello())
		waiting[i] = l.request(t)
	}
	last := newPeer(t, l.addr.String())
	last.induct()
	last.conclude(last.hello())
	if got := last.handshake(); got.Type != packet.RejectBacklog {
		t.Errorf("the third is answered with %d", got.Type)
	}
	waiting[0].Reject(2401)
	last.conclude(last.hello())
	l.request(t).Reject(2401)
	waiting[1].Reject(2401)
	if got := last.handshake(); got.Type != 2401 {
		t.Errorf("when there is room it is answered with %d", got.Type)
	}
}

// conclude4 asks in the words of version 4.
func (p *rawPeer) conclude4() {
	p.induct()
	p.send(packet.Handshake{
		Version: 4, Extension: packet.Datagram, Sequence: 1000, MTU: 1500, FlowWindow: 8192,
		Type: packet.Conclusion, Socket: p.socket, Cookie: p.cookie,
	}.Append(control(packet.TypeHandshake, 0, 0, 50_000, 0)))
}

// SRT before 1.3: the handshake has no extensions, the latency comes later.
func TestVersion4(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.conclude4()
	r := l.request(t)
	if r.HandshakeVersion() != 4 || r.StreamID() != "" || r.Encrypted() || r.PeerVersion() != 0 {
		t.Errorf("handshake %d, stream id %q", r.HandshakeVersion(), r.StreamID())
	}
	c, err := r.Accept()
	if err != nil {
		t.Fatal(err)
	}
	in := receiveAll(t, c)
	h := p.handshake()
	if h.Version != 4 || h.Type != packet.Conclusion {
		t.Errorf("answer %+v", h)
	}
	p.to = h.Socket
	request := packet.HS{Version: 0x010200, Flags: 0x2D, SenderDelay: 300}
	for range 2 {
		p.send(request.Append(control(packet.TypeUser, packet.ExtensionHSRequest, 0, 55_000, p.to)))
		header, field, err := p.receive(packet.TypeUser)
		if err != nil || header.Subtype != uint16(packet.ExtensionHSResponse) {
			t.Fatalf("%+v, %v", header, err)
		}
		if hs, err := packet.ParseHS(field); err != nil || hs.SenderDelay != 300 || hs.Flags&packet.FlagTSBPDReceiver == 0 {
			t.Errorf("%+v, %v", hs, err)
		}
	}
	p.data(0, nil)
	p.data(1, nil)
	checkNumbered(t, in.wait(t, 2))
	if c.Latency() != 300*time.Millisecond || c.PeerVersion() != 0x010200 {
		t.Errorf("latency %v, SRT %x", c.Latency(), c.PeerVersion())
	}
}

// A caller of version 4 whose HSREQ is lost has the listener's latency.
func TestVersion4WithoutLatency(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.conclude4()
	in := receiveAll(t, l.accept(t, ""))
	p.to = p.handshake().Socket
	for n := range 3 {
		p.data(n, nil)
	}
	checkNumbered(t, in.wait(t, 3))
}

// Nothing panics, whatever comes, and a handshake is still answered.
func TestNoise(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	b := make([]byte, 1600)
	for i := range 5000 {
		for j := range b[:64] {
			b[j] = byte(i*j) ^ byte(i>>3)
		}
		if i%3 > 0 {
			binary.BigEndian.PutUint32(b[12:], p.to*uint32(i%3-1))
		}
		p.send(b[:i%len(b)])
		if i%100 == 0 {
			time.Sleep(time.Millisecond) // Not more than the socket holds.
		}
	}
	newPeer(t, l.addr.String()).induct()
	if strings.Contains(l.log.String(), "fault") {
		t.Error(l.log)
	}
	_ = in
}

func TestLongDatagramIsNoData(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	d := packet.Data{Sequence: 1000, Position: packet.Single, Message: 1, Timestamp: 60_000, Destination: p.to}
	p.send(append(d.Append(nil), bytes.Repeat([]byte{1}, 2000)...))
	p.data(0, nil)
	checkNumbered(t, in.wait(t, 1))
}
