package srt

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/transport/srt/keys"
	"github.com/freshet-live/freshet/transport/srt/packet"
	"github.com/freshet-live/freshet/transport/srt/receive"
)

// Conn is a connection on which a peer sends. Receive is for one goroutine; the
// other methods are for any.
type Conn struct {
	// Set by Accept, then read-only.
	listener    *Listener
	id, peerID  uint32
	remote      netip.AddrPort
	target      *target
	encrypted   bool
	version     uint32        // Of the handshake.
	filtered    bool          // The peer sends the parity of a packet filter.
	retransmits bool          // The peer knows the R flag.
	initial     uint32        // The first sequence number.
	early       time.Duration // How much before its time a payload may be handed on.
	wake        chan struct{} // One slot.

	hungUp atomic.Bool // Close told the peer.

	mu          sync.Mutex
	peerVersion uint32
	latency     time.Duration
	receiver    *receive.Receiver // nil until a peer of version 4 says its latency.
	keys        keys.Keys
	heard       time.Time
	worked      time.Time // When Receive last looked.
	ended       error
	asleep      bool         // Receive waits,
	relying     bool         // and Run is to wake it in time.
	said        time.Time    // When something was last sent.
	keyRequest  []byte       // A change of keys that Receive has not done.
	secret      *keys.Secret // Replaced by Receive.
	undecrypted uint64       // Packets without a key for them, or in clear.
	bytes       uint64       // Received data, headers included.

	// Owned by Receive.
	derived time.Time // When a secret last cost a millisecond.
	outbox  outbox
}

func newConn(r *Request) *Conn {
	c := &Conn{
		listener:    r.listener,
		peerID:      r.who.socket,
		remote:      r.who.addr,
		target:      r.target,
		encrypted:   r.Encrypted(),
		version:     r.handshake.Version,
		filtered:    r.ext.Filter != "",
		retransmits: true,
		initial:     r.handshake.Sequence,
		latency:     r.listener.cfg.Latency,
		wake:        make(chan struct{}, 1),
		heard:       time.Now(),
		worked:      time.Now(),
		said:        time.Now(),
		secret:      r.secret,
	}
	c.keys.Take(r.opened)
	if hs := r.ext.HS; hs != nil {
		c.begin(*hs, r.arrived, r.timestamp)
	}
	// Half a tick makes it the nearest tick; not if that is much of the latency.
	c.early = min(tick/2, c.latency/32)
	return c
}

// begin settles the latency, the greater of both sides' wishes (section 4.3),
// and starts the receiver: the peer's clock showed timestamp at now.
func (c *Conn) begin(hs packet.HS, now time.Time, timestamp uint32) {
	c.peerVersion = hs.Version
	c.retransmits = hs.Flags&packet.FlagRetransmit != 0
	c.latency = max(c.latency, time.Duration(hs.SenderDelay)*time.Millisecond)
	c.receiver = receive.New(receive.Config{
		Latency: c.latency, Start: now, PeerStart: timestamp, Initial: c.initial,
		MaxPackets: maxPackets, MaxBytes: maxBytes,
	})
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// HandshakeVersion is 5, or 4 for SRT before 1.3.
func (c *Conn) HandshakeVersion() uint32 { return c.version }

// PeerVersion is the peer's version of SRT; 0 when it has not told yet.
func (c *Conn) PeerVersion() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peerVersion
}

// Latency is how long every packet is held back, as negotiated.
func (c *Conn) Latency() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latency
}

// data takes a data packet.
func (c *Conn) data(d datagram) {
	header, payload, err := packet.ParseData(d.data)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return
	}
	c.heard = d.arrived
	// The parity of a packet filter has the number of another packet.
	if c.filtered && header.Message == 0 {
		return
	}
	if c.receiver == nil { // Version 4, and its HSREQ was lost.
		c.begin(packet.HS{Flags: packet.FlagRetransmit}, d.arrived, header.Timestamp)
	}
	payload, ok := c.decrypt(header, payload)
	if !ok {
		return
	}
	c.bytes += uint64(len(d.data))
	c.receiver.Data(d.arrived, header.Sequence, header.Timestamp, c.retransmits && header.Retransmitted, payload)
}

// decrypt gives the payload in clear; none when there is no key for it: then the
// packet has come, there is no use in asking for it again, but nothing of it is
// handed on. ok is false for what came in clear on an encrypted connection:
// anybody could have sent it.
func (c *Conn) decrypt(header packet.Data, payload []byte) (_ []byte, ok bool) {
	switch {
	case header.Key == packet.Clear && c.encrypted:
		c.undecrypted++
		return nil, false
	case header.Key == packet.Clear || c.keys.Decrypt(payload, header.Key, header.Sequence):
		return payload, true
	}
	c.undecrypted++
	return nil, true
}

// control takes a control packet.
func (c *Conn) control(d datagram) {
	header, field, err := packet.ParseControl(d.data)
	if err != nil {
		return
	}
	if header.Type == packet.TypeShutdown {
		c.end(ErrPeerClosed)
		return
	}
	if answer := c.controlLocked(d.arrived, header, field); answer != nil {
		c.listener.socket.send(answer, c.target)
	}
}

func (c *Conn) controlLocked(now time.Time, header packet.Control, field []byte) (answer []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return nil
	}
	c.heard = now
	switch {
	case header.Type == packet.TypeUser:
		return c.user(now, header, field)
	case c.receiver == nil:
		return nil
	case header.Type == packet.TypeACKACK:
		c.receiver.ACKACK(now, header.Info, header.Timestamp)
	case header.Type == packet.TypeDropRequest:
		if r, err := packet.ParseDropRequest(field); err == nil {
			c.receiver.DropRequest(now, r.First, r.Last)
		}
	}
	return nil
}

// user takes the extensions that come during a connection: new keys (section
// 3.2.2), and in version 4 the handshake. c.mu is held.
func (c *Conn) user(now time.Time, header packet.Control, field []byte) (answer []byte) {
	switch kind := packet.Extension(header.Subtype); {
	case kind == packet.ExtensionKeyRequest && c.encrypted && len(field) <= maxKeyMaterial:
		return c.newKeys(now, field)
	case kind == packet.ExtensionHSRequest && c.version == 4:
		if hs, err := packet.ParseHS(field); err == nil {
			return c.handshake4(now, header.Timestamp, hs)
		}
	}
	return nil
}

// newKeys takes new keys at once when that is cheap: what comes next may be
// encrypted with them. Else Receive does it. c.mu is held.
func (c *Conn) newKeys(now time.Time, message []byte) (answer []byte) {
	if material, err := packet.ParseKeyMaterial(message); err == nil && c.secret.Known(material) {
		if opened, err := c.secret.Open(material); err == nil {
			c.keys.Take(opened)
			b := packet.Control{
				Type: packet.TypeUser, Subtype: uint16(packet.ExtensionKeyResponse),
				Timestamp: c.listener.timestamp(now), Destination: c.peerID,
			}.Append(nil)
			return append(b, message...)
		}
	}
	c.keyRequest = append(c.keyRequest[:0], message...)
	c.signal()
	return nil
}

// handshake4 answers the HSREQ of version 4, which has one latency: that of the
// sender, in the place of SenderDelay. It may come again. c.mu is held.
func (c *Conn) handshake4(now time.Time, timestamp uint32, hs packet.HS) []byte {
	if c.receiver == nil {
		c.begin(hs, now, timestamp)
	}
	b := packet.Control{
		Type: packet.TypeUser, Subtype: uint16(packet.ExtensionHSResponse),
		Timestamp: c.listener.timestamp(now), Destination: c.peerID,
	}.Append(nil)
	return packet.HS{
		Version: srtVersion, Flags: ourFlags &^ packet.FlagTSBPDSender, SenderDelay: uint16(c.latency.Milliseconds()),
	}.Append(b)
}

// next is when Receive has something to do. c.mu is held.
func (c *Conn) next(now time.Time) time.Time {
	next := c.heard.Add(peerIdle)
	if t := c.said.Add(keepAlive); t.Before(next) {
		next = t
	}
	if c.receiver != nil {
		if t := c.receiver.Next(now); !t.IsZero() && t.Add(-c.early).Before(next) {
			next = t.Add(-c.early)
		}
	}
	return next
}

// wakeIfDue wakes Receive if it has something to do by now; near tells that it has
// before long.
func (c *Conn) wakeIfDue(now time.Time) (near bool) {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asleep {
		return true
	}
	next := c.next(now)
	if !next.After(now) {
		c.asleep = false
		c.signal()
	}
	return next.Before(now.Add(horizon))
}

// wakeIfRelying wakes Receive if it thinks that Run will.
func (c *Conn) wakeIfRelying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asleep || !c.relying {
		return false
	}
	c.asleep = false
	c.signal()
	return true
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// end notes why the connection ends; the first reason counts.
func (c *Conn) end(reason error) {
	c.mu.Lock()
	if c.ended == nil {
		c.ended = reason
	}
	c.mu.Unlock()
	c.listener.remove(c)
	c.signal()
}

// reason is why the connection has ended; nil while it goes on.
func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Close hangs up: the peer is told unless it did so first, and Receive returns
// ErrClosed without handing on what is held. It may be called again.
func (c *Conn) Close() {
	c.end(ErrClosed)
	if errors.Is(c.reason(), ErrPeerClosed) || c.hungUp.Swap(true) {
		return
	}
	b := packet.Control{Type: packet.TypeShutdown, Timestamp: c.listener.timestamp(time.Now()), Destination: c.peerID}
	c.listener.socket.send(packet.AppendEmptyField(b.Append(nil)), c.target)
}
