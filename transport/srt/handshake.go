package srt

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

const (
	// srtVersion is what we say we are: what libsrt 1.4.1 does, we do.
	srtVersion = 0x010401
	// minVersion is the least of a peer.
	minVersion = 0x010000
	// maxMTU is that of Ethernet; what is larger would not come in one piece.
	maxMTU = 1500
	// minMTU has room for one transport packet of 188 bytes with all headers.
	minMTU = 188 + packet.HeaderSize + 28
	// flowWindow is libsrt's (SRTO_FC).
	flowWindow = 25600
	// answerKept is how long a caller gets the same answer again when it was
	// refused, or has left: packets may be late. Callers ask four times a second
	// for 3 s.
	answerKept = 5 * time.Second
	// maxKept bounds how many of those are remembered.
	maxKept = 1024
)

// peer is one caller's attempt to connect.
type peer struct {
	addr    netip.AddrPort
	socket  uint32
	initial uint32 // The first sequence number: a new one is a new attempt.
}

// attempt is what became of it: answer is nil while nobody has decided.
type attempt struct{ answer []byte }

// settled is an attempt that will not be needed much longer.
type settled struct {
	who peer
	at  time.Time
}

// refusal is why the Listener refuses a handshake by itself.
type refusal struct {
	code packet.HandshakeType
	err  error
}

func refuse(code packet.HandshakeType, format string, args ...any) *refusal {
	return &refusal{code, fmt.Errorf(format, args...)}
}

// request takes what is for nobody yet: handshakes (section 4.3.1).
func (l *Listener) request(d datagram) {
	header, field, err := packet.ParseControl(d.data)
	if err != nil || header.Type != packet.TypeHandshake {
		return // Of a connection that has ended, or noise.
	}
	if l.handshakes++; l.handshakes > maxHandshakes {
		return
	}
	h, extensions, err := packet.ParseHandshake(field)
	if err != nil {
		l.tell(d.from, &refusal{err: err})
		return
	}
	switch h.Type {
	case packet.Induction:
		l.induct(d, h)
	case packet.Conclusion:
		l.conclude(d, header, h, extensions)
	default:
		l.tell(d.from, refuse(0, "handshake type %#x", uint32(h.Type)))
	}
}

func (l *Listener) tell(from netip.AddrPort, r *refusal) {
	if l.cfg.Refused != nil {
		l.cfg.Refused(Refusal{Remote: from, Code: uint32(r.code), Err: r.err})
	}
}

// induct gives the caller its cookie. Nothing is remembered.
func (l *Listener) induct(d datagram, h packet.Handshake) {
	to := h.Socket
	h.Version = 5
	h.Encryption = 0 // The caller, who sends, chooses.
	h.Extension = packet.Magic
	h.MTU = min(h.MTU, maxMTU)
	h.Cookie = l.cookies.at(d.arrived, d.from)
	h.PeerIP = d.from.Addr()
	l.out = h.Append(l.header(l.out[:0], d.arrived, to))
	l.socket.send(l.out, l.socket.targetOf(d))
}

// header begins a handshake packet of ours.
func (l *Listener) header(b []byte, now time.Time, to uint32) []byte {
	return packet.Control{Type: packet.TypeHandshake, Timestamp: l.timestamp(now), Destination: to}.Append(b)
}

// conclude makes a Request of a caller, or refuses it.
func (l *Listener) conclude(d datagram, header packet.Control, h packet.Handshake, extensions []byte) {
	if !l.cookies.valid(h.Cookie, d.arrived, d.from) {
		l.reject(d, h, refuse(packet.RejectRogue, "the cookie is wrong or too old"))
		return
	}
	who := peer{d.from, h.Socket, h.Sequence}
	if answer, known := l.known(who, d.arrived); known {
		if answer != nil {
			l.socket.send(answer, l.socket.targetOf(d))
		}
		return
	}
	l.replace(who)
	r, refused := newRequest(l, d, header, h, extensions)
	if refused == nil {
		refused = l.offer(r)
	}
	if refused != nil {
		l.reject(d, h, refused)
	}
}

// known finds the answer to a caller that asks again, nil when there is none yet.
func (l *Listener) known(who peer, now time.Time) (answer []byte, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	a := l.attempts[who]
	if a == nil {
		return nil, false
	}
	return a.answer, true
}

// replace ends the connection of a caller that begins anew: it is not there any
// more, and must not be told of the end, which would be taken for that of the new
// one.
func (l *Listener) replace(who peer) {
	var old *Conn
	l.mu.RLock()
	for _, c := range l.conns {
		if c.remote == who.addr && c.peerID == who.socket {
			old = c
		}
	}
	l.mu.RUnlock()
	if old != nil {
		old.end(ErrPeerClosed)
	}
}

// expire forgets those who were refused, or left, long ago. l.mu is held.
func (l *Listener) expire(now time.Time) {
	n := 0
	for n < len(l.settled) && (now.Sub(l.settled[n].at) > answerKept || len(l.settled)-n > maxKept) {
		delete(l.attempts, l.settled[n].who)
		n++
	}
	l.settled = append(l.settled[:0], l.settled[n:]...)
}

// offer puts a Request before Accept.
func (l *Listener) offer(r *Request) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return refuse(packet.RejectClose, "the listener is closed")
	}
	if l.waiting >= l.cfg.MaxRequests {
		return refuse(packet.RejectBacklog, "%d callers wait for an answer", l.waiting)
	}
	select {
	case l.requests <- r:
		l.waiting++
		l.attempts[r.who] = &attempt{}
		return nil
	default:
		return refuse(packet.RejectBacklog, "%d callers wait for an answer", len(l.requests))
	}
}

// reject answers a caller that never becomes a Request.
func (l *Listener) reject(d datagram, h packet.Handshake, r *refusal) {
	l.tell(d.from, r)
	if r.code != 0 {
		l.socket.send(l.rejection(h, d.from, d.arrived, r.code), l.socket.targetOf(d))
	}
}

// rejection is the answer that refuses: the conclusion with the code in the place
// of its type (section 4.3.1.2.2).
func (l *Listener) rejection(h packet.Handshake, from netip.AddrPort, now time.Time, code packet.HandshakeType) []byte {
	to := h.Socket
	h.Type = code
	h.Encryption, h.Extension = 0, 0
	h.PeerIP = from.Addr()
	return h.Append(l.header(nil, now, to))
}

// settle remembers the answer to a caller that was refused; it is false when the
// caller has its answer.
func (l *Listener) settle(who peer, now time.Time, answer []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.attempts[who]
	if a == nil || a.answer != nil {
		return false
	}
	a.answer = answer
	l.waiting--
	l.settled = append(l.settled, settled{who, now})
	l.expire(now)
	return true
}

// check4 checks a conclusion of version 4, which has no extensions: encryption
// and latency come later, if at all.
func check4(h packet.Handshake) *refusal {
	if h.Encryption != 0 || h.Extension != packet.Datagram {
		return refuse(packet.RejectRogue, "version 4 with type %#x", uint32(h.Encryption)<<16|uint32(h.Extension))
	}
	return nil
}

// check5 checks a conclusion of version 5.
func check5(e packet.Extensions) *refusal {
	switch {
	case e.HS == nil || e.Response:
		return refuse(packet.RejectRogue, "no handshake extension")
	case e.HS.Version < minVersion:
		return refuse(packet.RejectVersion, "SRT %s", versionName(e.HS.Version))
	case e.Group:
		return refuse(packet.RejectGroup, "bonding is not supported")
	case e.HS.Flags&packet.FlagStream != 0:
		return refuse(packet.RejectMessageAPI, "only live mode is supported")
	case e.Congestion != "" && e.Congestion != "live":
		return refuse(packet.RejectCongestion, "congestion control %q", e.Congestion)
	case e.Key != nil:
		return checkKey(e.Key)
	}
	return nil
}

func checkKey(raw []byte) *refusal {
	k, err := packet.ParseKeyMaterial(raw)
	if err != nil {
		return &refusal{packet.RejectRogue, err}
	}
	if k.Cipher != packet.CipherCTR || k.Auth != 0 {
		return refuse(packet.RejectCrypto, "cipher %d with authentication %d", k.Cipher, k.Auth)
	}
	return nil
}

func versionName(v uint32) string { return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xFF, v&0xFF) }
