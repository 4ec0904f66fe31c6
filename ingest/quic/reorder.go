package quic

import (
	"fmt"
	"time"
)

const (
	// maxHeldBytes bounds what one publisher makes the server hold back: a
	// second at 64 Mbit/s.
	maxHeldBytes = 8 << 20
	// maxAhead is how far a number may lie before the one that is waited for. At
	// 6 packets a datagram it is 8 s at 100 Mbit/s.
	maxAhead = 1 << 16
)

// batch is what was sent under one number.
type batch struct {
	packets []byte // Nil: the sender gave it up.
	end     bool   // Nothing follows.
	at      time.Time
}

// reorder hands batches out in the order of their numbers. A missing one is
// waited for no longer than wait after a later one came.
type reorder struct {
	wait time.Duration

	next   uint64
	held   map[uint64]batch
	bytes  int
	oldest time.Time // The earliest arrival in held; zero when it must be looked up.

	batches, lost, late uint64
}

func newReorder(wait time.Duration) *reorder {
	return &reorder{wait: wait, held: make(map[uint64]batch)}
}

// put takes a batch in. One that comes twice or too late is left out.
func (r *reorder) put(seq uint64, b batch) error {
	if seq < r.next {
		if b.packets != nil {
			r.late++
		}
		return nil
	}
	if seq-r.next > maxAhead {
		return fmt.Errorf("%w: number %d while %d is missing", errOverflow, seq, r.next)
	}
	if _, ok := r.held[seq]; ok {
		r.late++
		return nil
	}
	r.held[seq] = b // Later than the others: oldest stays.
	r.bytes += len(b.packets)
	return nil
}

// take gives the next batch that is due at now.
func (r *reorder) take(now time.Time) (batch, bool) {
	for len(r.held) > 0 {
		b, ok := r.held[r.next]
		if !ok {
			if now.Before(r.deadline()) && r.bytes <= maxHeldBytes {
				return batch{}, false
			}
			r.skip()
			continue
		}
		r.remove(r.next, b)
		r.next++
		switch {
		case b.end:
			return b, true
		case b.packets == nil:
			r.lost++
		default:
			r.batches++
			return b, true
		}
	}
	return batch{}, false
}

// remove forgets a batch.
func (r *reorder) remove(seq uint64, b batch) {
	delete(r.held, seq)
	r.bytes -= len(b.packets)
	r.oldest = time.Time{}
}

// deadline is until when what is missing is waited for; held is not empty.
func (r *reorder) deadline() time.Time {
	if r.oldest.IsZero() {
		for _, b := range r.held {
			if r.oldest.IsZero() || b.at.Before(r.oldest) {
				r.oldest = b.at
			}
		}
	}
	return r.oldest.Add(r.wait)
}

// skip gives up what is missing before the first batch that is held.
func (r *reorder) skip() {
	first := uint64(0)
	for seq := range r.held {
		if first == 0 || seq < first {
			first = seq
		}
	}
	r.lost += first - r.next
	r.next = first
}

// due is when take will give up what is missing; false when nothing waits.
func (r *reorder) due() (time.Time, bool) {
	if len(r.held) == 0 {
		return time.Time{}, false
	}
	return r.deadline(), true
}
