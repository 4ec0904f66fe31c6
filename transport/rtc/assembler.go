package rtc

import (
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// Bounds of what a peer may leave unfinished.
const (
	// maxOpen pieces: with receiveBuffer in flight an honest peer has half as many.
	maxOpen = 64
	// maxParts of a piece: 3 are enough for the largest one.
	maxParts = 8
	// maxAge is how long a piece may take to come whole. Later it is of no use.
	maxAge = 5 * time.Second
)

// assembler puts the pieces of one peer together from their parts. It is used by
// one goroutine.
type assembler struct {
	open map[swarm.PieceID]*partial
}

// partial is a piece that has not come whole.
type partial struct {
	bytes []byte
	parts []span
	have  int
	since time.Time
}

// span is from a byte to before another.
type span struct{ from, to int }

// add takes a part, whose bytes are not retained, and gives the piece when it is
// whole. Errors are violations.
func (a *assembler) add(now time.Time, m *wire.PeerMessage) ([]byte, error) {
	if p := a.open[m.ID]; p == nil && m.Offset == 0 && len(m.Bytes) == m.Size {
		return append([]byte(nil), m.Bytes...), nil
	}
	p, err := a.partial(now, m)
	if err != nil {
		return nil, err
	}
	if err := p.add(m); err != nil {
		return nil, err
	}
	if p.have < len(p.bytes) {
		return nil, nil
	}
	delete(a.open, m.ID)
	return p.bytes, nil
}

// partial is the piece that a part belongs to.
func (a *assembler) partial(now time.Time, m *wire.PeerMessage) (*partial, error) {
	if p := a.open[m.ID]; p != nil {
		if len(p.bytes) != m.Size {
			return nil, fmt.Errorf("%w: a piece of %d bytes has %d now", ErrViolation, len(p.bytes), m.Size)
		}
		return p, nil
	}
	a.expire(now)
	if len(a.open) >= maxOpen {
		return nil, fmt.Errorf("%w: %d unfinished pieces", ErrViolation, len(a.open))
	}
	if a.open == nil {
		a.open = make(map[swarm.PieceID]*partial)
	}
	p := &partial{bytes: make([]byte, m.Size), since: now}
	a.open[m.ID] = p
	return p, nil
}

// expire gives up pieces that do not come whole.
func (a *assembler) expire(now time.Time) {
	for id, p := range a.open {
		if now.Sub(p.since) > maxAge {
			delete(a.open, id)
		}
	}
}

func (p *partial) add(m *wire.PeerMessage) error {
	s := span{m.Offset, m.Offset + len(m.Bytes)}
	if len(p.parts) == maxParts {
		return fmt.Errorf("%w: a piece in more than %d parts", ErrViolation, maxParts)
	}
	for _, other := range p.parts {
		if s.from < other.to && other.from < s.to {
			return fmt.Errorf("%w: parts overlap at %d", ErrViolation, m.Offset)
		}
	}
	p.parts = append(p.parts, s)
	p.have += copy(p.bytes[s.from:], m.Bytes)
	return nil
}
