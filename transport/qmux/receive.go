package qmux

import (
	"io"
	"os"
	"slices"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// receiveStream is the receiving half of a stream. Its fields are guarded by Conn.mu.
type receiveStream struct {
	s        *stream
	window   window
	chunks   [][]byte
	final    bool // All has come, or a reset.
	stopped  bool // Nobody wants the rest.
	err      error
	deadline time.Time
	changed  signal
}

var _ moqt.ReceiveStream = (*receiveStream)(nil)

func newReceiveStream(s *stream, size uint64) *receiveStream {
	return &receiveStream{s: s, window: newWindow(size)}
}

// takeLocked takes what came in a record of so many bytes.
func (r *receiveStream) takeLocked(f *frame, record int) error {
	n := uint64(len(f.data))
	switch {
	case f.size != r.window.got:
		return violation(codeProtocol, "stream %d goes on at %d, not %d", r.s.id, f.size, r.window.got)
	case r.final && (n > 0 || !f.fin):
		return violation(codeFinalSize, "stream %d goes on behind its end", r.s.id)
	case !r.window.take(n) || !r.s.c.window.take(n):
		return violation(codeFlowControl, "stream %d: more than was allowed", r.s.id)
	}
	r.final = r.final || f.fin
	if r.stopped {
		r.dropLocked(n)
	} else if n > 0 {
		r.keepLocked(f.data, record)
	}
	r.changed.fire()
	if r.final && r.stopped {
		r.endLocked()
	}
	return nil
}

// smallChunk is up to where what comes is added to the chunk before: a peer that sends
// single bytes must not cost us a slice for each.
const smallChunk = 2 << 10

// keepLocked keeps data of a record of so many bytes, and not much more than that: small
// frames must not hold on to large records.
func (r *receiveStream) keepLocked(data []byte, record int) {
	if last := len(r.chunks) - 1; last >= 0 && len(r.chunks[last]) < smallChunk {
		r.chunks[last] = append(r.chunks[last], data...)
		return
	}
	if len(data) < record/2 {
		data = append([]byte(nil), data...)
	}
	r.chunks = append(r.chunks, slices.Clip(data)) // Whoever adds to it shall not write into the record.
}

// resetLocked takes RESET_STREAM.
func (r *receiveStream) resetLocked(code, final uint64) error {
	if final < r.window.got || r.final && final != r.window.got {
		return violation(codeFinalSize, "stream %d ends at %d of %d", r.s.id, final, r.window.got)
	}
	rest := final - r.window.got
	if !r.window.take(rest) || !r.s.c.window.take(rest) {
		return violation(codeFlowControl, "stream %d: more than was allowed", r.s.id)
	}
	r.final = true
	r.dropLocked(rest + r.unreadLocked())
	if r.err == nil {
		r.err = &moqt.StreamError{Code: code, Remote: true}
	}
	r.changed.fire()
	r.endLocked()
	return nil
}

// unreadLocked forgets what is there.
func (r *receiveStream) unreadLocked() (n uint64) {
	for _, c := range r.chunks {
		n += uint64(len(c))
	}
	r.chunks = nil
	return n
}

// dropLocked makes room for what is not wanted, in all: the stream itself gets none.
func (r *receiveStream) dropLocked(n uint64) {
	if limit, tell := r.s.c.window.settle(n); tell {
		r.s.c.sendLocked(frame{kind: frameMaxData, value: limit})
	}
}

// endLocked is for a half on which nothing will happen any more.
func (r *receiveStream) endLocked() {
	if r.s.receive == r {
		r.s.receive = nil
		r.s.endedLocked()
	}
}

func (r *receiveStream) failLocked(err error) {
	if r.err == nil {
		r.err = err
	}
	r.changed.fire()
}

// Read waits for bytes, the end, or the deadline.
func (r *receiveStream) Read(b []byte) (int, error) {
	c := r.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case r.err != nil:
			return 0, r.err
		case len(b) == 0:
			return 0, nil
		case len(r.chunks) > 0:
			return r.readLocked(b), nil
		case r.final:
			r.endLocked()
			return 0, io.EOF
		}
		if c.waitLocked(&r.changed, r.deadline) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (r *receiveStream) readLocked(b []byte) (n int) {
	for n < len(b) && len(r.chunks) > 0 {
		m := copy(b[n:], r.chunks[0])
		n += m
		if r.chunks[0] = r.chunks[0][m:]; len(r.chunks[0]) == 0 {
			r.chunks[0] = nil
			r.chunks = r.chunks[1:]
		}
	}
	if limit, tell := r.window.settle(uint64(n)); tell && !r.final {
		r.s.c.sendLocked(frame{kind: frameMaxStreamData, stream: r.s.id, value: limit})
	}
	r.dropLocked(uint64(n))
	return n
}

// CancelRead sends STOP_SENDING.
func (r *receiveStream) CancelRead(code uint64) {
	c := r.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.err != nil || r.stopped {
		return
	}
	r.stopped = true
	r.err = &moqt.StreamError{Code: code}
	r.dropLocked(r.unreadLocked())
	r.changed.fire()
	if r.final {
		r.endLocked()
		return
	}
	c.sendLocked(frame{kind: frameStopSending, stream: r.s.id, value: code})
}

// SetReadDeadline also counts for a Read that waits; zero is none.
func (r *receiveStream) SetReadDeadline(t time.Time) error {
	c := r.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	r.deadline = t
	r.changed.fire()
	return nil
}
