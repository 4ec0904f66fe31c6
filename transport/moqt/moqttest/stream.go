package moqttest

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// half is one direction of a stream. All fields are guarded by the connection's
// lock.
type half struct {
	from   *Conn // The writer's end.
	opener *Conn // Whose credit the stream takes.
	kind   int
	other  *half // The other direction of a bidirectional stream.
	ctx    context.Context
	cancel context.CancelCauseFunc

	buf      []byte // Written and not read.
	fin      bool   // The writer closed.
	reset    *moqt.StreamError
	stop     *moqt.StreamError // As the writer sees it.
	over     bool              // The credit for the stream was given back.
	read     bool              // The reader has seen the end.
	deadline struct{ read, write time.Time }
}

func newHalf(from, opener *Conn, kind int) *half {
	h := &half{from: from, opener: opener, kind: kind}
	h.ctx, h.cancel = context.WithCancelCause(from.ctx)
	return h
}

var errClosedStream = errors.New("write on a closed stream")

// write blocks while a window is full.
func (h *half) write(b []byte) (int, error) {
	c := h.from.c
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for {
		if err := h.writeErrLocked(); err != nil {
			return n, err
		}
		if !c.silenced.IsZero() {
			return len(b), nil
		}
		room := min(c.cfg.StreamWindow-len(h.buf), c.cfg.ConnWindow-h.from.inFlight, len(b)-n)
		if room > 0 {
			h.buf = append(h.buf, b[n:n+room]...)
			h.from.inFlight += room
			n += room
			c.cond.Broadcast()
		}
		if n == len(b) {
			return n, nil
		}
		if err := h.waitLocked(&h.deadline.write); err != nil {
			return n, err
		}
	}
}

func (h *half) writeErrLocked() error {
	switch {
	case h.from.closed != nil:
		return h.from.closed
	case h.reset != nil:
		return &moqt.StreamError{Code: h.reset.Code}
	case h.stop != nil:
		return h.stop
	case h.fin:
		return errClosedStream
	}
	return nil
}

func (h *half) receive(b []byte) (int, error) {
	c := h.from.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case h.from.peer.closed != nil:
			return 0, h.from.peer.closed
		case h.stop != nil:
			return 0, &moqt.StreamError{Code: h.stop.Code}
		case h.reset != nil:
			h.endLocked()
			return 0, h.reset
		case len(h.buf) > 0:
			n := copy(b, h.buf)
			h.consumeLocked(n)
			return n, nil
		case h.fin:
			h.endLocked()
			return 0, io.EOF
		}
		if err := h.waitLocked(&h.deadline.read); err != nil {
			return 0, err
		}
	}
}

func (h *half) consumeLocked(n int) {
	h.buf = h.buf[n:]
	if len(h.buf) == 0 {
		h.buf = nil
	}
	h.from.inFlight -= n
	h.from.c.cond.Broadcast()
}

// endLocked notes that the reader is done with this direction. The stream's
// credit returns when all its directions are.
func (h *half) endLocked() {
	h.read = true
	if h.over || h.other != nil && !h.other.read {
		return
	}
	h.over = true
	if h.other != nil {
		h.other.over = true
	}
	h.opener.open[h.kind]--
	h.from.c.cond.Broadcast()
}

// waitLocked waits for a change, up to a deadline that may itself change.
func (h *half) waitLocked(deadline *time.Time) error {
	c := h.from.c
	if deadline.IsZero() {
		c.cond.Wait()
		return nil
	}
	left := time.Until(*deadline)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	timer := time.AfterFunc(left, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cond.Broadcast()
	})
	defer timer.Stop()
	c.cond.Wait()
	return nil
}

func (h *half) locked(f func()) {
	h.from.c.mu.Lock()
	defer h.from.c.mu.Unlock()
	f()
	h.from.c.cond.Broadcast()
}

// SendStream is the writer's end of a direction.
type SendStream struct{ h *half }

// Write blocks while the peer's windows are full.
func (s *SendStream) Write(b []byte) (int, error) { return s.h.write(b) }

// Close sends FIN.
func (s *SendStream) Close() error {
	s.h.locked(func() {
		if s.h.writeErrLocked() == nil && s.h.from.c.silenced.IsZero() {
			s.h.fin = true
		}
		s.h.cancel(context.Canceled)
	})
	return nil
}

// CancelWrite resets: what was not read is lost.
func (s *SendStream) CancelWrite(code uint64) {
	s.h.locked(func() {
		h := s.h
		if h.reset != nil || h.fin && len(h.buf) == 0 || !h.from.c.silenced.IsZero() {
			return
		}
		h.reset = &moqt.StreamError{Code: code, Remote: true}
		h.consumeLocked(len(h.buf))
		h.cancel(&moqt.StreamError{Code: code})
	})
}

// Context ends with the direction.
func (s *SendStream) Context() context.Context { return s.h.ctx }

// SetWriteDeadline bounds Write.
func (s *SendStream) SetWriteDeadline(t time.Time) error {
	s.h.locked(func() { s.h.deadline.write = t })
	return nil
}

// ReceiveStream is the reader's end of a direction.
type ReceiveStream struct{ h *half }

// Read waits for bytes.
func (s *ReceiveStream) Read(b []byte) (int, error) { return s.h.receive(b) }

// CancelRead sends STOP_SENDING.
func (s *ReceiveStream) CancelRead(code uint64) {
	s.h.locked(func() {
		h := s.h
		if h.stop != nil || h.read {
			return
		}
		h.stop = &moqt.StreamError{Code: code, Remote: true}
		h.consumeLocked(len(h.buf))
		h.endLocked()
		h.cancel(h.stop)
	})
}

// SetReadDeadline bounds Read.
func (s *ReceiveStream) SetReadDeadline(t time.Time) error {
	s.h.locked(func() { s.h.deadline.read = t })
	return nil
}

// Stream is a bidirectional stream.
type Stream struct {
	send    *half
	receive *half
}

func (s *Stream) out() *SendStream   { return &SendStream{s.send} }
func (s *Stream) in() *ReceiveStream { return &ReceiveStream{s.receive} }

// Write is SendStream's.
func (s *Stream) Write(b []byte) (int, error) { return s.send.write(b) }

// Close is SendStream's.
func (s *Stream) Close() error { return s.out().Close() }

// CancelWrite is SendStream's.
func (s *Stream) CancelWrite(code uint64) { s.out().CancelWrite(code) }

// Context is SendStream's.
func (s *Stream) Context() context.Context { return s.send.ctx }

// SetWriteDeadline is SendStream's.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.out().SetWriteDeadline(t) }

// Read is ReceiveStream's.
func (s *Stream) Read(b []byte) (int, error) { return s.receive.receive(b) }

// CancelRead is ReceiveStream's.
func (s *Stream) CancelRead(code uint64) { s.in().CancelRead(code) }

// SetReadDeadline is ReceiveStream's.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.in().SetReadDeadline(t) }
