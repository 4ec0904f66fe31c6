package qmux

import (
	"context"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Directions of streams. A stream ID is its number of that direction times four, plus 1
// where the server opened it, plus 2 where it is unidirectional (RFC 9000 section 2.1).
const (
	bidi = 0
	uni  = 1
)

func direction(id uint64) int { return int(id >> 1 & 1) }

// ours tells whether this side opens streams with such an ID.
func (c *Conn) ours(id uint64) bool { return id&1 == 0 == c.cfg.Client }

func (c *Conn) id(number uint64, direction int, ours bool) uint64 {
	id := number<<2 | uint64(direction)<<1
	if ours != c.cfg.Client {
		id |= 1
	}
	return id
}

// stream is what there is of a stream.
type stream struct {
	c       *Conn
	id      uint64
	send    *sendStream // nil once it has ended, or where there is none; so is receive.
	receive *receiveStream
	first   halves // What it had when it was made: a peer may end it before it is accepted.
}

type halves struct {
	send    *sendStream
	receive *receiveStream
}

func (s *stream) failLocked(err error) {
	if s.send != nil {
		s.send.failLocked(err)
	}
	if s.receive != nil {
		s.receive.failLocked(err)
	}
}

// endedLocked forgets a stream of which nothing is left, and lets the peer open another.
func (s *stream) endedLocked() {
	if s.send != nil || s.receive != nil {
		return
	}
	delete(s.c.streams, s.id)
	if s.c.ours(s.id) {
		return
	}
	a := &s.c.accepts[direction(s.id)]
	a.limit++
	if a.limit-a.told < max(a.most/4, 1) {
		return
	}
	a.told = a.limit
	kind := uint64(frameMaxStreamsBidi)
	if direction(s.id) == uni {
		kind = frameMaxStreamsUni
	}
	s.c.sendLocked(frame{kind: kind, value: a.limit})
}

// opening is what this side opens of a direction.
type opening struct {
	opened, limit uint64
	more          signal
}

// accepts is what the peer opens of a direction.
type accepts struct {
	opened uint64
	most   uint64 // At one time.
	limit  uint64 // The number that streams may rise to.
	told   uint64 // What the peer was told of it.
	queue  []*stream
	came   signal
}

func newAccepts(most uint64) accepts { return accepts{most: most, limit: most, told: most} }

// open opens a stream when the peer allows it.
func (c *Conn) open(ctx context.Context, direction int) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.opening[direction]
	for c.err == nil && o.opened >= o.limit {
		if err := c.waitCtxLocked(ctx, &o.more); err != nil {
			return nil, err
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	s := c.makeLocked(c.id(o.opened, direction, true))
	o.opened++
	return s, nil
}

// makeLocked makes a stream with the halves that it has.
func (c *Conn) makeLocked(id uint64) *stream {
	s := &stream{c: c, id: id}
	ours := c.ours(id)
	if direction(id) == bidi || ours {
		s.send = newSendStream(s, c.allowed(id))
	}
	if direction(id) == bidi || !ours {
		s.receive = newReceiveStream(s, c.cfg.StreamWindow)
	}
	s.first = halves{s.send, s.receive}
	c.streams[id] = s
	return s
}

// allowed is what the peer takes at first on a stream.
func (c *Conn) allowed(id uint64) uint64 {
	switch {
	case direction(id) == uni:
		return c.peer.uni
	case c.ours(id):
		return c.peer.bidiRemote
	default:
		return c.peer.bidiLocal
	}
}

// acceptLocked makes the peer's streams up to an ID: who uses one has opened those before.
func (c *Conn) acceptLocked(id uint64) error {
	a, d := &c.accepts[direction(id)], direction(id)
	number := id >> 2
	if number >= a.limit {
		return violation(codeStreamLimit, "stream %d where %d are allowed", id, a.limit)
	}
	for ; a.opened <= number; a.opened++ {
		a.queue = append(a.queue, c.makeLocked(c.id(a.opened, d, false)))
		a.came.fire()
	}
	return nil
}

// findLocked gives the stream that a frame is about; nil for one that is over.
func (c *Conn) findLocked(id uint64) (*stream, error) {
	if s := c.streams[id]; s != nil {
		return s, nil
	}
	if c.ours(id) {
		if id>>2 >= c.opening[direction(id)].opened {
			return nil, violation(codeStreamState, "stream %d was not opened", id)
		}
		return nil, nil //nolint:nilnil // It is over.
	}
	if id>>2 < c.accepts[direction(id)].opened {
		return nil, nil //nolint:nilnil // It is over.
	}
	err := c.acceptLocked(id)
	return c.streams[id], err
}

func (c *Conn) accept(ctx context.Context, direction int) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &c.accepts[direction]
	for {
		if c.err != nil {
			return nil, c.err
		}
		if len(a.queue) > 0 {
			s := a.queue[0]
			a.queue = a.queue[1:]
			return s, nil
		}
		if err := c.waitCtxLocked(ctx, &a.came); err != nil {
			return nil, err
		}
	}
}

// both is a bidirectional stream.
type both struct {
	*sendStream
	*receiveStream
}

// OpenStream opens a bidirectional stream, and waits while there may be no more.
func (c *Conn) OpenStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.open(ctx, bidi)
	if err != nil {
		return nil, err
	}
	return both{s.first.send, s.first.receive}, nil
}

// AcceptStream waits for the peer to open one.
func (c *Conn) AcceptStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.accept(ctx, bidi)
	if err != nil {
		return nil, err
	}
	return both{s.first.send, s.first.receive}, nil
}

// OpenUniStream opens a unidirectional stream, and waits while there may be no more.
func (c *Conn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	s, err := c.open(ctx, uni)
	if err != nil {
		return nil, err
	}
	return s.first.send, nil
}

// AcceptUniStream waits for the peer to open one.
func (c *Conn) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	s, err := c.accept(ctx, uni)
	if err != nil {
		return nil, err
	}
	return s.first.receive, nil
}
