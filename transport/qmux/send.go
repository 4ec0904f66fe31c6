package qmux

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// errClosed is the cause of the end of a stream that was closed in order.
var errClosed = errors.New("qmux: the stream was closed")

// sendStream is the sending half of a stream.
type sendStream struct {
	s      *stream
	ctx    context.Context
	cancel context.CancelCauseFunc

	writing sync.Mutex // Held by who writes.

	// Guarded by Conn.mu.
	rest     []byte // Of what is being written.
	sent     uint64
	limit    uint64 // What the peer allows.
	queued   bool   // It is among those who have a turn, or wait for the connection's credit.
	fin      bool   // It is to be sent, or was.
	err      error
	deadline time.Time
	changed  signal
}

var _ moqt.SendStream = (*sendStream)(nil)

func newSendStream(s *stream, limit uint64) *sendStream {
	w := &sendStream{s: s, limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(s.c.ctx)
	return w
}

// Write waits until the carrier has taken b, which it does not keep.
func (w *sendStream) Write(b []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	c := w.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.err == nil && w.fin {
		return 0, errClosed
	}
	for w.rest = b; w.err == nil && len(w.rest) > 0; {
		w.turnLocked()
		if c.waitLocked(&w.changed, w.deadline) && len(w.rest) > 0 {
			n := len(b) - len(w.rest)
			w.rest = nil
			return n, os.ErrDeadlineExceeded
		}
	}
	n := len(b) - len(w.rest)
	w.rest = nil
	return n, w.err
}

// turnLocked asks for a turn, if there is something to send that the peer allows.
func (w *sendStream) turnLocked() {
	if w.queued || len(w.rest) > 0 && w.sent == w.limit || len(w.rest) == 0 && !w.fin {
		return
	}
	w.queued = true
	w.s.c.ready = append(w.s.c.ready, w)
	w.s.c.wakeWriter()
}

// Close sends FIN.
func (w *sendStream) Close() error {
	c := w.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if !w.fin {
		w.fin = true
		w.turnLocked()
		w.cancel(errClosed)
	}
	return nil
}

// CancelWrite sends RESET_STREAM.
func (w *sendStream) CancelWrite(code uint64) {
	c := w.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.s.send == w { // Its FIN has not gone out.
		w.cancelLocked(&moqt.StreamError{Code: code})
	}
}

// cancelLocked gives up what was not sent, for this side's reasons or the peer's.
func (w *sendStream) cancelLocked(why *moqt.StreamError) {
	if w.err != nil {
		return
	}
	w.failLocked(why)
	w.s.c.sendLocked(frame{kind: frameResetStream, stream: w.s.id, value: why.Code, size: w.sent})
	w.endLocked()
}

func (w *sendStream) failLocked(err error) {
	if w.err == nil {
		w.err = err
		w.cancel(err)
	}
	w.changed.fire()
}

// endLocked is for a half that has sent its end.
func (w *sendStream) endLocked() {
	if w.s.send == w {
		w.s.send = nil
		w.s.endedLocked()
	}
}

// creditLocked lets more be sent on the stream.
func (w *sendStream) creditLocked(limit uint64) {
	if limit > w.limit {
		w.limit = limit
		w.turnLocked()
	}
}

// Context ends when nothing can be written any more.
func (w *sendStream) Context() context.Context { return w.ctx }

// SetWriteDeadline also counts for a Write that waits; zero is none.
func (w *sendStream) SetWriteDeadline(t time.Time) error {
	c := w.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	w.deadline = t
	w.changed.fire()
	return nil
}
