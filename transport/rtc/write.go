package rtc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// How much is handed to the association. What it holds cannot be taken back, and
// control messages wait behind it: pion sends unordered messages first.
const (
	highWater = 64 << 10
	// poll is how often acknowledgements are looked at while something waits.
	poll = 10 * time.Millisecond
)

// write owns both channels' sending side. It hands over what the association takes
// at once, so no write waits.
func (c *Conn) write(ctx context.Context, control, pieces dataConn) error {
	w := &writer{conn: c, control: control, pieces: pieces}
	defer w.idle()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	look := time.NewTicker(poll)
	defer look.Stop()
	for {
		if err := w.fill(); err != nil {
			return err
		}
		var looks <-chan time.Time
		if w.busy {
			looks = look.C
		}
		select {
		case <-c.outbox.wake:
		case <-looks:
		case now := <-ping.C:
			if err := c.ping(now); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writer is owned by the goroutine of write.
type writer struct {
	conn            *Conn
	control, pieces dataConn
	busy            bool
	buf             []byte
}

// bufferer is what a detached channel of pion has beside reading and writing.
type bufferer interface{ BufferedAmount() uint64 }

// fill writes what there is, until enough waits in the association.
func (w *writer) fill() error {
	for b := w.conn.outbox.nextControl(); b != nil; b = w.conn.outbox.nextControl() {
		if _, err := w.control.WriteDataChannel(b, false); err != nil {
			return fmt.Errorf("%w: write: %w", ErrClosed, err)
		}
	}
	for w.observe() < highWater {
		b, err := w.conn.outbox.nextPart(w.buf[:0], time.Now())
		if err != nil {
			return fmt.Errorf("write piece: %w", err)
		}
		if len(b) == 0 {
			return nil
		}
		w.buf = b
		if _, err := w.pieces.WriteDataChannel(b, false); err != nil {
			return fmt.Errorf("%w: write: %w", ErrClosed, err)
		}
	}
	return nil
}

// observe looks at what waits in the association, and tells the estimate of the
// uplink what has arrived.
func (w *writer) observe() uint64 {
	held, ok := w.pieces.(bufferer)
	if !ok {
		return 0
	}
	n := held.BufferedAmount()
	acked, waiting := w.conn.outbox.buffered(n)
	u := &w.conn.endpoint.uplink
	now := time.Now()
	u.acked(now, acked)
	if waiting != w.busy {
		w.busy = waiting
		u.busy(now, waiting)
	}
	return n
}

func (w *writer) idle() {
	if w.busy {
		w.conn.endpoint.uplink.busy(time.Now(), false)
	}
}

// maxPings bounds those without an answer: silence has ended the connection then.
const maxPings = int(silence / pingEvery)

// pings are those that were not answered.
type pings struct {
	mu     sync.Mutex
	sent   []sentPing // Guarded by mu.
	number uint64     // Guarded by mu.
}

type sentPing struct {
	number uint64
	at     time.Time
}

// next gives the number of a new one, unless too many have no answer.
func (p *pings) next(now time.Time) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sent) >= maxPings {
		return 0, false
	}
	p.number++
	p.sent = append(p.sent, sentPing{p.number, now})
	return p.number, true
}

// answered gives the round trip. Answers come in order, as their channel has it.
func (p *pings) answered(number uint64, now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sent) == 0 || p.sent[0].number != number {
		return 0, false
	}
	rtt := now.Sub(p.sent[0].at)
	p.sent = p.sent[1:]
	return rtt, true
}

// ping measures the round trip. A peer that answers none is gone.
func (c *Conn) ping(now time.Time) error {
	if !c.opened.Load() {
		return nil
	}
	number, ok := c.pings.next(now)
	if !ok {
		return fmt.Errorf("%w: no answer to %d pings", ErrICE, maxPings)
	}
	return c.Send(&wire.PeerMessage{Type: wire.PeerPing, Time: number})
}
