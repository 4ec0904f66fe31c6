package srt

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/freshet-live/freshet/transport/srt/keys"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

// Request is a caller that waits for its answer: Accept or Reject, once. It gives
// up after 3 s or what it was set to. A Request is for one goroutine.
type Request struct {
	// Set by newRequest, then read-only.
	listener  *Listener
	who       peer
	target    *target
	arrived   time.Time
	timestamp uint32
	handshake packet.Handshake
	ext       packet.Extensions

	secret *keys.Secret
	opened keys.Opened
}

func newRequest(l *Listener, d datagram, header packet.Control, h packet.Handshake, extensions []byte) (*Request, *refusal) {
	if h.MTU < minMTU {
		return nil, refuse(packet.RejectRogue, "packets of %d bytes", h.MTU)
	}
	r := &Request{
		listener: l, who: peer{d.from, h.Socket, h.Sequence}, target: l.socket.targetOf(d),
		arrived: d.arrived, timestamp: header.Timestamp, handshake: h,
	}
	switch h.Version {
	case 4:
		return r, check4(h)
	case 5:
		var err error
		r.ext, err = packet.ParseExtensions(extensions)
		if err != nil {
			return nil, &refusal{packet.RejectRogue, err}
		}
		r.ext.Key = bytes.Clone(r.ext.Key) // The rest was copied.
		return r, check5(r.ext)
	}
	return nil, refuse(packet.RejectVersion, "handshake version %d", h.Version)
}

// RemoteAddr is the caller's address.
func (r *Request) RemoteAddr() netip.AddrPort { return r.who.addr }

// StreamID is what the caller says it wants, empty when nothing.
func (r *Request) StreamID() string { return r.ext.StreamID }

// Encrypted tells that the caller encrypts: SetPassphrase has to succeed before
// Accept. A caller of handshake version 4 would exchange keys later; it can send
// in clear only.
func (r *Request) Encrypted() bool { return r.ext.Key != nil }

// HandshakeVersion is 5, or 4 for SRT before 1.3.
func (r *Request) HandshakeVersion() uint32 { return r.handshake.Version }

// PeerVersion is the caller's version of SRT, 0x10501 for 1.5.1; 0 when it does
// not tell yet.
func (r *Request) PeerVersion() uint32 {
	if r.ext.HS == nil {
		return 0
	}
	return r.ext.HS.Version
}

// SetPassphrase opens the caller's keys, which takes about a millisecond. The
// error is keys.ErrBadSecret when the passphrase is wrong.
func (r *Request) SetPassphrase(passphrase string) error {
	material, err := packet.ParseKeyMaterial(r.ext.Key)
	if err != nil {
		return err
	}
	secret := keys.NewSecret(passphrase)
	opened, err := secret.Open(material)
	if err != nil {
		return err
	}
	r.secret, r.opened = secret, opened
	return nil
}

// Reject refuses the caller with a code as the wire has it: libsrt's plus 1000,
// so 1010 for a wrong passphrase and 2403 for "forbidden". Whoever was answered
// gets no second answer.
func (r *Request) Reject(code uint32) {
	now := time.Now()
	answer := r.listener.rejection(r.handshake, r.who.addr, now, packet.HandshakeType(code))
	if r.listener.settle(r.who, now, answer) {
		r.listener.socket.send(answer, r.target)
	}
}

// Accept takes the caller in. Conn.Receive has to follow, or Conn.Close. The
// errors are ErrNoPassphrase, after which Reject may follow, ErrAnswered and
// ErrListenerClosed.
func (r *Request) Accept() (*Conn, error) {
	if r.Encrypted() && r.secret == nil {
		return nil, ErrNoPassphrase
	}
	c := newConn(r)
	now := time.Now()
	var answer []byte
	if err := r.listener.add(c, r.who, func(id uint32) []byte {
		answer = r.acceptance(c, id, now)
		return answer
	}); err != nil {
		return nil, err
	}
	r.listener.socket.send(answer, r.target)
	return c, nil
}

// acceptance is the conclusion's answer (section 4.3.1.2.2).
func (r *Request) acceptance(c *Conn, id uint32, now time.Time) []byte {
	h := r.handshake
	h.MTU = min(h.MTU, maxMTU)
	h.FlowWindow = flowWindow
	h.Socket, h.Cookie = id, 0
	h.PeerIP = r.who.addr.Addr()
	b := r.listener.header(nil, now, r.who.socket)
	if h.Version == 4 {
		return h.Append(b)
	}
	return h.AppendExtended(b, packet.Extensions{
		Response: true,
		HS: &packet.HS{
			Version:       srtVersion,
			Flags:         ourFlags,
			ReceiverDelay: uint16(c.latency.Milliseconds()),
			SenderDelay:   max(uint16(r.listener.cfg.Latency.Milliseconds()), r.ext.HS.ReceiverDelay),
		},
		Key: r.ext.Key, // That it comes back says that we have the keys.
	})
}

// ourFlags are what we do.
const ourFlags = packet.FlagTSBPDSender | packet.FlagTSBPDReceiver | packet.FlagCrypt |
	packet.FlagTooLateDrop | packet.FlagPeriodicNAK | packet.FlagRetransmit
