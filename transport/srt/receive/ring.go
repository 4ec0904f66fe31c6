package receive

import "time"

// ring holds packets by position. It starts small and doubles as the span from
// the oldest to the newest demands; it does not shrink, since a slot is small.
type ring struct {
	slots []slot // A power of two.
	held  int
	bytes int
}

// slot is a held packet; payload is nil when there is none.
type slot struct {
	payload []byte
	sent    time.Duration // The sender's clock, since the handshake.
}

const minSlots = 64

func (q *ring) index(p position) position { return p & position(len(q.slots)-1) }

// at is valid for a position that is held.
func (q *ring) at(p position) *slot { return &q.slots[q.index(p)] }

// has is valid for a position within the span.
func (q *ring) has(p position) bool {
	return len(q.slots) > 0 && q.at(p).payload != nil
}

func (q *ring) put(p position, s slot) {
	*q.at(p) = s
	q.held++
	q.bytes += len(s.payload)
}

func (q *ring) take(p position) []byte {
	s := q.at(p)
	payload := s.payload
	s.payload = nil
	q.held--
	q.bytes -= len(payload)
	return payload
}

// span makes room for the positions from head up to next.
func (q *ring) span(head, next position) {
	need := next - head
	if need <= position(len(q.slots)) {
		return
	}
	size := max(position(len(q.slots)), minSlots)
	for size < need {
		size *= 2
	}
	old := *q
	q.slots = make([]slot, size)
	for p := head; p < head+position(len(old.slots)); p++ {
		*q.at(p) = *old.at(p)
	}
}

// buffers are the payloads' bytes, used again; the one used last comes first,
// as it is most likely still in the processor's cache.
type buffers struct {
	free [][]byte
	peak int // The most that were in use since the last trim.
}

// take gives an empty buffer, never nil, to append n bytes to.
func (b *buffers) take(n int) []byte {
	if last := len(b.free) - 1; last >= 0 {
		buffer := b.free[last]
		b.free = b.free[:last]
		return buffer[:0]
	}
	return make([]byte, 0, max(n, payloadSize))
}

func (b *buffers) give(buffer []byte) { b.free = append(b.free, buffer) }

// trim leaves what a burst needed and the flow does not to the collector.
func (b *buffers) trim(held int) {
	keep := 2*b.peak + minSlots
	if len(b.free) > keep {
		clear(b.free[keep:])
		b.free = b.free[:keep]
	}
	b.peak = held
}
