package swarm

import (
	"math"
	"time"
)

// packet is what fits into one, unit how many bytes the model moves at once: four of them.
const (
	packet = 1200
	unit   = 4 * packet
)

// parcel is a piece on its way from a peer.
type parcel struct {
	from    *viewer
	piece   int
	bytes   int // With the beacon before it.
	invalid bool
	sent    int           // Bytes that are on their way.
	there   time.Duration // When the last of those arrives.
}

// path carries pieces from one viewer to another: an SCTP association's one direction.
// It keeps no more in flight than its window, which opens while it is too small and
// halves with each loss and each second of silence (RFC 9260, section 7.2).
type path struct {
	w        *world
	from, to *viewer
	oneWay   time.Duration

	window, inFlight int
	acks             []ack
	waiting          []*parcel
	queued           int           // Bytes of waiting that are not sent.
	told             int           // What the sender last heard of that.
	limited          time.Duration // The window was too small for what is acknowledged until then.
	wakes            bool
	last             time.Duration // When it last sent.
	closed           bool
}

type ack struct {
	at    time.Duration
	bytes int
}

// send takes a parcel and moves what the window allows.
func (p *path) send(c *parcel) {
	p.waiting = append(p.waiting, c)
	p.queued += c.bytes
	p.pump()
}

func (p *path) pump() {
	now := p.w.now
	p.acknowledge(now)
	p.rest(now)
	for len(p.waiting) > 0 && !p.closed {
		c := p.waiting[0]
		for c.sent < c.bytes {
			n := min(unit, c.bytes-c.sent)
			if p.inFlight > 0 && p.inFlight+n > p.window {
				p.wait()
				return
			}
			p.transmit(c, n)
		}
		p.waiting = p.waiting[1:]
		p.w.at(c.there, func() { p.arrive(c) })
	}
}

// acknowledge takes what the other end has confirmed out of flight. The window grows by
// it when it was what held bytes back: slow start.
func (p *path) acknowledge(now time.Duration) {
	i := 0
	for ; i < len(p.acks) && p.acks[i].at <= now; i++ {
		p.inFlight -= p.acks[i].bytes
		if p.acks[i].at <= p.limited {
			p.window = min(p.window+p.acks[i].bytes, p.w.cfg.Network.WindowMost)
		}
	}
	p.acks = p.acks[i:]
}

// rest makes the window smaller for each second without a packet.
func (p *path) rest(now time.Duration) {
	n := &p.w.cfg.Network
	if p.inFlight > 0 || n.Idle <= 0 {
		return
	}
	for idle := now - p.last; idle >= n.Idle && p.window > n.Window; idle -= n.Idle {
		p.window = max(p.window/2, n.Window)
	}
}

// wait plans to go on when the next acknowledgement comes.
func (p *path) wait() {
	p.limited = p.lastAck()
	if p.wakes {
		return
	}
	p.wakes = true
	p.w.at(p.acks[0].at, func() {
		p.wakes = false
		p.pump()
	})
}

// transmit gives bytes of a parcel to the sender's line.
func (p *path) transmit(c *parcel, n int) {
	w := p.w
	out := p.from.host.sent(w.now, float64(n)*w.cfg.Network.Overhead)
	arrival := out + p.oneWay + w.jitter()
	if w.lost(n) {
		arrival += p.repair(c.sent+n < c.bytes || len(p.waiting) > 1)
		p.window = max(p.window/2, w.cfg.Network.WindowLeast)
		p.limited = 0
	}
	c.sent += n
	c.there = max(c.there, arrival)
	p.queued -= n
	p.inFlight += n
	p.last = w.now
	p.acks = append(p.acks, ack{max(arrival+p.oneWay, p.lastAck()), n})
}

func (p *path) lastAck() time.Duration {
	if len(p.acks) == 0 {
		return 0
	}
	return p.acks[len(p.acks)-1].at
}

// repair is how much later a packet comes that was lost: a round trip when others behind
// it tell, else when the next ones do or the timer ends.
func (p *path) repair(followed bool) time.Duration {
	again := 2*p.oneWay + p.w.jitter()
	if followed {
		return again
	}
	return again + min(p.w.cfg.Network.Timeout, time.Duration(p.w.net.ExpFloat64()*float64(100*time.Millisecond)))
}

// arrive takes a parcel through the receiver's line.
func (p *path) arrive(c *parcel) {
	if p.closed {
		return
	}
	p.w.through(p.to.host, c.bytes, func() {
		if !p.closed {
			p.to.takePeer(c)
		}
	})
}

// lost says whether one of the packets of so many bytes is.
func (w *world) lost(bytes int) bool {
	packets := float64((bytes + packet - 1) / packet)
	return w.net.Float64() < 1-math.Pow(1-w.cfg.Network.Loss, packets)
}

// jitter is how long a packet waits on its way.
func (w *world) jitter() time.Duration {
	return time.Duration(w.net.ExpFloat64() * float64(w.cfg.Network.Jitter))
}

// through does something when bytes that arrived now are through a host's line.
func (w *world) through(h *host, bytes int, do func()) {
	// What is over within a millisecond is not worth another happening.
	if done := h.received(w.now, float64(bytes)); done > w.now+time.Millisecond {
		w.at(done, do)
		return
	}
	do()
}
