package push

import (
	"context"
	"io"
	"sync"
	"time"
)

const (
	// maxBurst is seven transport packets: what one SRT packet carries.
	maxBurst = 7 * 188
	// maxQueued bounds the queue whatever its age: 10 s at 50 Mbit/s.
	maxQueued = 64 << 20
)

// burst is up to seven packets.
type burst struct {
	packets []byte
	at      time.Time
}

// Queue stands between a source and the network. It holds what came within the
// last so many seconds.
type Queue struct {
	keep time.Duration // Set by NewQueue, then read-only.

	mu      sync.Mutex
	bursts  []burst       // Guarded by mu.
	bytes   int           // Guarded by mu.
	dropped uint64        // Guarded by mu. Packets.
	ended   bool          // Guarded by mu.
	more    chan struct{} // Guarded by mu. Closed and replaced at each change.
}

// NewQueue makes a Queue that lets go of what is older than keep.
func NewQueue(keep time.Duration) *Queue {
	return &Queue{keep: keep, more: make(chan struct{})}
}

// Put takes whole packets, which it copies, and drops what is too old.
func (q *Queue) Put(packets []byte) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(packets) > 0 {
		n := min(len(packets), maxBurst)
		q.bursts = append(q.bursts, burst{append([]byte(nil), packets[:n]...), now})
		q.bytes += n
		packets = packets[n:]
	}
	for q.bytes > maxQueued || now.Sub(q.bursts[0].at) > q.keep {
		q.dropped += uint64(len(q.bursts[0].packets) / 188)
		q.pop()
	}
	q.wake()
}

// pop takes the oldest off. Guarded by mu.
func (q *Queue) pop() []byte {
	b := q.bursts[0].packets
	q.bursts[0] = burst{}
	q.bursts = q.bursts[1:]
	q.bytes -= len(b)
	return b
}

// wake tells those who wait. Guarded by mu.
func (q *Queue) wake() {
	close(q.more)
	q.more = make(chan struct{})
}

// End says that nothing follows.
func (q *Queue) End() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.wake()
}

// Next waits for a burst, and tells when it was put. The error is io.EOF behind the
// last, or that of ctx.
func (q *Queue) Next(ctx context.Context) ([]byte, time.Time, error) {
	for {
		q.mu.Lock()
		if len(q.bursts) > 0 {
			at := q.bursts[0].at
			b := q.pop()
			q.mu.Unlock()
			return b, at, nil
		}
		ended, more := q.ended, q.more
		q.mu.Unlock()
		if ended {
			return nil, time.Time{}, io.EOF
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, time.Time{}, context.Cause(ctx)
		}
	}
}

// Rest gives what is there beside the burst that came first, without waiting, up
// to limit bytes in all.
func (q *Queue) Rest(first []byte, limit int) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.bursts) > 0 && len(first)+len(q.bursts[0].packets) <= limit {
		first = append(first, q.pop()...)
	}
	return first
}

// Held is how old the oldest is, and how many packets were let go.
func (q *Queue) Held() (age time.Duration, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.bursts) > 0 {
		age = time.Since(q.bursts[0].at)
	}
	return age, q.dropped
}

// Reader reads a burst at a time.
func (q *Queue) Reader(ctx context.Context) io.Reader { return &queueReader{ctx: ctx, q: q} }

type queueReader struct {
	ctx  context.Context //nolint:containedctx // Read has none.
	q    *Queue
	rest []byte // What did not fit.
}

func (r *queueReader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		var err error
		if r.rest, _, err = r.q.Next(r.ctx); err != nil {
			return 0, err
		}
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
