package receive

import (
	"cmp"
	"time"
)

// The defaults of a Config, those of libsrt in live mode.
const (
	defaultPackets = 8192
	defaultRTT     = 100 * time.Millisecond

	// payloadSize is the largest payload in an Ethernet frame: 1500 bytes
	// less the headers of IPv4, UDP and SRT.
	payloadSize = 1456
)

// Config is what the handshake settled, and the limits.
type Config struct {
	// Latency is how long after its sending, plus the way of the handshake, a
	// packet is delivered: the negotiated TSBPD delay (section 4.4).
	Latency time.Duration

	// Start is when the peer's conclusion handshake (HSREQ) came in, and
	// PeerStart the timestamp it carried, in microseconds: the time base
	// (section 4.5.1.1).
	Start     time.Time
	PeerStart uint32

	// Initial is the sequence number of the first packet, 31 bits.
	Initial uint32

	// RTT is the estimate until the first ACKACK; 0 means 100 ms (section 4.10).
	RTT time.Duration

	// MaxPackets is how many sequence numbers the receiver spans, held or
	// missing, and MaxBytes how many bytes of payload it holds. What goes
	// beyond is refused and counted. 0 means 8192 packets, and 1456 bytes for
	// each packet.
	MaxPackets, MaxBytes int
}

// Output is where the control traffic goes. Its methods are called by Work only.
type Output interface {
	// ACK is a full acknowledgement (section 3.2.4): number is to come back in
	// an ACKACK, next is the first sequence number not acknowledged.
	ACK(number, next uint32, full ACKInfo)

	// LightACK has neither number nor information and is not answered.
	LightACK(next uint32)

	// NAK names what is missing (section 3.2.5), oldest first, at most as much
	// as fits a packet of 1456 bytes. The slice is valid during the call.
	NAK(ranges []Range)
}

// Range is a run of missing packets, both ends included.
type Range struct{ First, Last uint32 }

// Receiver holds the packets of one connection from their arrival to their
// delivery, and asks for those that are missing.
type Receiver struct {
	// Set by New, then read-only.
	start      time.Time
	peerStart  uint32
	initial    uint32
	latency    time.Duration
	maxPackets position
	maxBytes   int

	// head is the next to be delivered; next is one past the highest received.
	head, next position
	ring       ring
	losses     losses
	far        position // The last refused for being beyond the ring.
	buffers    buffers
	lent       []byte        // What Pop gave out last.
	lastSent   time.Duration // The sender's clock in the newest packet.

	order   order
	rtt     roundTrip
	drift   drift
	acks    acks
	rate    rate
	probe   probe
	ranges  []Range // Scratch of Work.
	nakAt   time.Duration
	stats   Stats
	belated time.Duration // The sum behind PktRcvAvgBelatedTime.
}

// New makes the receiver of a connection whose handshake is done.
func New(c Config) *Receiver {
	packets := max(cmp.Or(c.MaxPackets, defaultPackets), 1)
	r := &Receiver{
		start:      c.Start,
		peerStart:  c.PeerStart,
		initial:    c.Initial & sequenceMask,
		latency:    max(c.Latency, 0),
		maxPackets: position(packets),
		maxBytes:   cmp.Or(c.MaxBytes, packets*payloadSize),
		far:        noPosition,
	}
	r.rtt.init(cmp.Or(c.RTT, defaultRTT))
	r.acks.init()
	return r
}

// Data takes a data packet in. The payload is copied, so the caller may use its
// bytes again.
//
// The timestamp is the sender's, in microseconds, and retransmitted is the R
// flag (section 3.1). A packet that claims to come from more than a second
// ahead is held as if it came from a second ahead.
func (r *Receiver) Data(now time.Time, seq, timestamp uint32, retransmitted bool, payload []byte) {
	at, p := now.Sub(r.start), r.place(seq)
	r.stats.PktRecv++
	r.stats.ByteRecv += uint64(len(payload))
	if retransmitted {
		r.stats.PktRcvRetrans++
	} else {
		r.probe.observe(at, seq)
	}
	if p >= r.head+r.maxPackets && !r.jump(p) {
		r.stats.PktRcvRefused++
		return
	}
	switch {
	case p < r.head:
		r.countBelated(at, timestamp)
	case p < r.next && r.ring.has(p):
		r.stats.PktRcvDuplicate++
	case r.ring.bytes+len(payload) > r.maxBytes:
		r.stats.PktRcvRefused++
	default:
		r.accept(at, p, retransmitted)
		r.hold(at, p, timestamp, payload)
	}
}

// accept settles what the arrival of p, which is in the window and not held,
// means for the losses.
func (r *Receiver) accept(at time.Duration, p position, retransmitted bool) {
	r.stats.PktRecvUnique++
	if p < r.next {
		if l, ok := r.losses.remove(p); ok && !retransmitted {
			r.order.observe(at-l.detected, r.next-1-p)
		}
		return
	}
	if p > r.next {
		r.lose(loss{first: r.next, last: p - 1, detected: at})
	}
	r.next = p + 1
}

// hold puts the payload into the ring, with the sender's clock.
func (r *Receiver) hold(at time.Duration, p position, timestamp uint32, payload []byte) {
	sent := r.sent(at, timestamp)
	if p == r.next-1 {
		r.lastSent = sent
	}
	r.ring.span(r.head, r.next)
	buffer := append(r.buffers.take(len(payload)), payload...)
	r.ring.put(p, slot{payload: buffer, sent: min(sent, at-r.drift.applied+maxAhead)})
	r.buffers.peak = max(r.buffers.peak, r.ring.held)
}

// jump moves the receiver to p, which is beyond the ring, and says whether it
// did. A sender comes out of a long outage that far ahead, having dropped what
// was too old; it never comes back to where it was. One stray number is not
// enough, and what is held is delivered first.
func (r *Receiver) jump(p position) bool {
	last := r.far
	r.far = p
	if last == noPosition || p <= last || p > last+farConfirm || r.ring.held > 0 {
		return false
	}
	r.skip(r.next)
	r.stats.PktRcvLoss += uint64(p - r.head)
	r.stats.PktRcvDrop += uint64(p - r.head)
	r.head, r.next, r.far = p, p, noPosition
	return true
}

func (r *Receiver) countBelated(at time.Duration, timestamp uint32) {
	r.stats.PktRcvBelated++
	r.belated += max(at-r.due(r.sent(at, timestamp)), 0)
}

// DropRequest is the sender's word that it will not send these packets (section
// 3.2.9): they are not asked for any more, and are acknowledged. Numbers that
// were not sent yet are passed over too, when they follow the newest packet.
func (r *Receiver) DropRequest(now time.Time, first, last uint32) {
	from, to := r.place(first), r.place(last)
	if to < from || to >= r.head+r.maxPackets {
		return
	}
	if from <= r.next && to >= r.next {
		r.losses.add(loss{first: r.next, last: to, detected: now.Sub(r.start)})
		r.next = to + 1
		r.ring.span(r.head, r.next)
	}
	r.losses.forget(max(from, r.head), to)
}
