package moqt

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// messageWriter writes control messages to one stream, one at a time, for any
// number of goroutines.
type messageWriter struct {
	d  *wire.Dialect
	st SendStream
	// turn holds the one right to write. It is a channel and not a mutex as it
	// is held across I/O.
	turn chan struct{}
	buf  []byte // Owned by who has the turn.
}

func newMessageWriter(d *wire.Dialect, st SendStream) *messageWriter {
	return &messageWriter{d: d, st: st, turn: make(chan struct{}, 1)}
}

// write sends m, or gives up after controlTimeout.
func (w *messageWriter) write(m wire.Message) error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	b, err := w.d.AppendMessage(w.buf[:0], m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", m.Kind(), err)
	}
	w.buf = b
	_ = w.st.SetWriteDeadline(time.Now().Add(controlTimeout))
	if _, err := w.st.Write(b); err != nil {
		return fmt.Errorf("write %s: %w", m.Kind(), err)
	}
	return nil
}

// isStreamEnd tells the end of one stream from that of the connection.
func isStreamEnd(err error) bool {
	if _, ok := errors.AsType[*StreamError](err); ok {
		return true
	}
	return errors.Is(err, io.EOF)
}

// onControl acts on a message of the control stream. An error ends the session.
func (s *session) onControl(m wire.Message) error {
	switch m := m.(type) {
	case *wire.Setup:
		if s.d.Control == wire.OneBidi && s.role == roleClient {
			return wire.Violation("CLIENT_SETUP from a server")
		}
		return s.gotSetup(m.Options)
	case *wire.ServerSetup:
		if s.role == roleServer {
			return wire.Violation("SERVER_SETUP from a client")
		}
		return s.gotSetup(m.Options)
	case *wire.Goaway:
		return s.gotGoaway(m)
	}
	if s.d.Control == wire.TwoUni {
		return wire.Violation("%s on the control stream", m.Kind())
	}
	if err := s.awaitReady(); err != nil {
		return err
	}
	return s.onSharedControl(m)
}

// onSharedControl is the rest of draft 16's control stream: requests, what
// refers to them, and answers to our own.
func (s *session) onSharedControl(m wire.Message) error {
	switch m := m.(type) {
	case *wire.RequestUpdate:
		return s.incoming.update(m)
	case *wire.Unsubscribe:
		s.incoming.cancel(m.RequestID)
	case *wire.FetchCancel:
		s.incoming.cancel(m.RequestID)
	case *wire.PublishNamespaceDone:
		s.incoming.cancel(m.RequestID)
	case *wire.PublishDone:
		if m.RequestID%2 != s.outgoing.parity() {
			return s.incoming.publishDone(m)
		}
		return s.outgoing.answer(m)
	case *wire.MaxRequestID:
		if !s.outgoing.raise(m.Max) {
			return wire.Violation("MAX_REQUEST_ID does not rise")
		}
	case *wire.PublishNamespaceCancel:
		s.outgoing.cancelled(m)
	case *wire.RequestsBlocked:
		// The limit rises as requests end.
	case *wire.SubscribeNamespace:
		return wire.Violation("%s on the control stream", m.Kind())
	default:
		if m.Kind().IsRequest() {
			return s.incoming.open(m, nil, s.control)
		}
		return s.outgoing.answer(m)
	}
	return nil
}
