package moqt

import (
	"context"
	"sync"
	"time"
)

// sliceSize is how much is written in one turn, so that a higher priority can
// go between: 32 KiB is 13 ms at 20 Mbit/s.
const sliceSize = 32 << 10

// longestSlice is the most that one turn writes: what is over sliceSize by less
// than half of it is not worth a turn of its own.
const longestSlice = sliceSize + sliceSize/2

// joinedSize is what goes out in one piece of a header and the payload behind it:
// about as many packets as QUIC's pacing lets go at once.
const joinedSize = 16 << 10

// lease is how long a writer keeps its turn while others wait. It only runs out
// when the writer is blocked by flow or congestion control.
const lease = 20 * time.Millisecond

// gate gives turns to the writers of one session by priority. It holds little
// back from QUIC's view: a turn is one slice, and Write returns when QUIC has
// taken it. The zero value is open.
type gate struct {
	mu      sync.Mutex
	busy    bool
	turn    uint64 // Counts turns: a turn that was taken away is not given back twice.
	waiting []*ticket
	expiry  *time.Timer
}

// ticket is a writer's place at the gate.
type ticket struct {
	// key orders the writers, lowest first: subscriber priority, then
	// publisher priority ("Scheduling Algorithm").
	key uint16

	turn   uint64
	called chan struct{}
}

// enter waits for t's turn.
func (g *gate) enter(ctx context.Context, t *ticket) error {
	g.mu.Lock()
	if !g.busy {
		g.callLocked(t)
		g.mu.Unlock()
		return nil
	}
	if t.called == nil {
		t.called = make(chan struct{}, 1)
	}
	g.waiting = append(g.waiting, t)
	if len(g.waiting) == 1 {
		g.armLocked()
	}
	g.mu.Unlock()
	select {
	case <-t.called:
		return nil
	case <-ctx.Done():
		g.withdraw(t)
		return context.Cause(ctx)
	}
}

// leave gives the turn back, unless the lease took it.
func (g *gate) leave(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy && g.turn == t.turn {
		g.nextLocked()
	}
}

func (g *gate) callLocked(t *ticket) {
	g.busy = true
	g.turn++
	t.turn = g.turn
}

// nextLocked calls the waiting writer with the lowest key, the one that came
// first among equals.
func (g *gate) nextLocked() {
	if len(g.waiting) == 0 {
		g.busy = false
		return
	}
	best := 0
	for i, t := range g.waiting {
		if t.key < g.waiting[best].key {
			best = i
		}
	}
	t := g.waiting[best]
	g.waiting = append(g.waiting[:best], g.waiting[best+1:]...)
	g.callLocked(t)
	t.called <- struct{}{}
	if len(g.waiting) > 0 {
		g.armLocked()
	}
}

// armLocked starts the lease of the present turn.
func (g *gate) armLocked() {
	if g.expiry == nil {
		g.expiry = time.AfterFunc(lease, g.expire)
		return
	}
	g.expiry.Reset(lease)
}

// expire takes the turn from a writer that is blocked. The timer may belong to
// a turn before; then the present one is cut short, which does no harm.
func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy && len(g.waiting) > 0 {
		g.nextLocked()
	}
}

// withdraw gives up waiting; a call that came meanwhile is passed on.
func (g *gate) withdraw(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == t {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	<-t.called
	if g.busy && g.turn == t.turn {
		g.nextLocked()
	}
}

// firstWrites holds buffers for the header and the first bytes of an object that
// has no frame (frames.go). In one Write they go out as one burst of packets: a
// header by itself wakes the connection for a packet of a few bytes, and the copy
// is the cheaper of the two. A burst of writers holds one each.
var firstWrites = sync.Pool{New: func() any {
	b := make([]byte, 0, joinedSize)
	return &b
}}

// writeMedia writes a header and a payload in turns with the session's other
// streams. Neither is retained.
func (s *session) writeMedia(ctx context.Context, st SendStream, t *ticket, header, payload []byte) error {
	var err error
	if len(header) > 0 {
		n := min(len(payload), max(joinedSize-len(header), 0))
		first, _ := firstWrites.Get().(*[]byte)
		*first = append(append((*first)[:0], header...), payload[:n]...)
		err = s.writeSlice(ctx, st, t, *first)
		firstWrites.Put(first)
		payload = payload[n:]
	}
	for err == nil && len(payload) > 0 {
		var slice []byte
		slice, payload = cutSlice(payload)
		err = s.writeSlice(ctx, st, t, slice)
	}
	return err
}

// writeSlice writes in one turn.
func (s *session) writeSlice(ctx context.Context, st SendStream, t *ticket, b []byte) error {
	if err := s.gate.enter(ctx, t); err != nil {
		return err
	}
	defer s.gate.leave(t)
	n, err := st.Write(b)
	s.sent.Add(int64(n))
	return err
}

// cutSlice gives what one turn writes of a payload, and the rest. A rest too
// small for a turn of its own goes along.
func cutSlice(payload []byte) (slice, rest []byte) {
	if len(payload) <= longestSlice {
		return payload, nil
	}
	return payload[:sliceSize], payload[sliceSize:]
}
