package rtctest

import (
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v5"

	"github.com/freshet-live/freshet/bench/impair"
)

// parcel is a datagram on its way into the internet.
type parcel struct {
	from transport.UDPConn
	to   net.Addr
	b    []byte
}

// wire is a host's line: what the host sends goes through the link's bottleneck,
// its delay and its loss, whatever socket it comes from.
type wire struct {
	start time.Time
	wake  chan struct{} // One slot.
	done  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	link *impair.Link[parcel] // Guarded by mu.
	cut  bool                 // Guarded by mu.
}

func newWire(link *impair.Link[parcel]) *wire {
	w := &wire{
		start: time.Now(), link: link,
		wake: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *wire) close() {
	close(w.done)
	<-w.ended
}

func (w *wire) run() {
	defer close(w.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var out []impair.Departure[parcel]
	for {
		var next time.Duration
		out, next = w.advance(out[:0])
		for _, d := range out {
			_, _ = d.Packet.from.WriteTo(d.Packet.b, d.Packet.to)
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-w.wake:
		case <-w.done:
			return
		}
	}
}

// advance gives what leaves the line now, and how long nothing does.
func (w *wire) advance(out []impair.Departure[parcel]) ([]impair.Departure[parcel], time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Since(w.start)
	out = w.link.Advance(now, out)
	return out, min(w.link.Next()-now, time.Hour)
}

// send takes a datagram; b is not retained.
func (w *wire) send(from transport.UDPConn, b []byte, to net.Addr) {
	w.mu.Lock()
	if !w.cut {
		// 28: the headers of IP and UDP.
		w.link.Send(time.Since(w.start), len(b)+28, parcel{from, to, append([]byte(nil), b...)})
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *wire) stats() impair.Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.link.Stats()
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// conn is a socket whose datagrams take the host's line.
type conn struct {
	transport.UDPConn
	wire *wire
}

// WriteTo implements net.PacketConn.
func (c *conn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.wire.send(c.UDPConn, b, to)
	return len(b), nil
}
