package moqt

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// implementation is the value of MOQT_IMPLEMENTATION.
const implementation = "freshet"

// requestWindow is how many Request IDs a peer of draft 16 may use ahead of
// what was answered; MAX_REQUEST_ID counts in steps of two.
const requestWindow = 256

// awaitSetup waits for the peer's SETUP and ends the session when it does not
// come in time. It tells whether it came.
func (s *session) awaitSetup() bool {
	timer := time.NewTimer(s.limits.SetupTimeout)
	defer timer.Stop()
	select {
	case <-s.ready:
		return true
	case <-timer.C:
		s.fail(ErrSetupTimeout)
	case <-s.ctx.Done():
	}
	return false
}

// setupMessage is our SETUP.
func (s *session) setupMessage() wire.Message {
	o := append(wire.KeyValues{{Type: wire.OptionImplementation, Bytes: []byte(implementation)}}, s.options...)
	if s.d.Control == wire.TwoUni {
		return &wire.Setup{Options: o}
	}
	o = append(o, wire.KeyValue{Type: wire.OptionMaxRequestID, Int: s.incoming.maxID()})
	if s.role == roleClient {
		return &wire.Setup{Options: o}
	}
	return &wire.ServerSetup{Options: o}
}

// openControl opens our control stream and sends SETUP on it. The server of
// draft 16 answers on the client's stream instead.
func (s *session) openControl() {
	var err error
	switch {
	case s.d.Control == wire.TwoUni:
		err = s.openUniControl()
	case s.role == roleClient:
		err = s.openBidiControl()
	}
	if err != nil {
		s.fail(err)
	}
}

// controlAfter is how long a server holds its control stream back for the client's.
const controlAfter = 250 * time.Millisecond

// openUniControl is draft 18's. The stream is never closed: that would be a
// violation ("Session initialization").
//
// A server lets the client begin, though the draft has neither wait: of a stream that
// comes with the answer to its CONNECT Chromium (156) sometimes shows a page nothing, ever,
// and GOAWAY and what SETUP says were lost with it. A client that waits for the server
// is waited for no longer than a moment.
func (s *session) openUniControl() error {
	if s.role == roleServer {
		timer := time.NewTimer(controlAfter)
		defer timer.Stop()
		select {
		case <-s.met:
		case <-timer.C:
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
	st, err := s.conn.OpenUniStream(s.ctx)
	if err != nil {
		return err
	}
	w := newMessageWriter(s.d, st)
	if err := w.write(s.setupMessage()); err != nil {
		return err
	}
	return s.setControl(w)
}

func (s *session) openBidiControl() error {
	st, err := s.conn.OpenStream(s.ctx)
	if err != nil {
		return err
	}
	w := newMessageWriter(s.d, st)
	if err := s.setControl(w); err != nil {
		return err
	}
	if err := w.write(s.setupMessage()); err != nil {
		return err
	}
	s.tasks.Go(func() { s.readControl(s.d.NewStreamReader(st), nil) })
	return nil
}

// setControl makes w our control stream.
func (s *session) setControl(w *messageWriter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = w
	s.maybeReadyLocked()
	return nil
}

// gotSetup takes the peer's SETUP; a second one is a violation.
func (s *session) gotSetup(o wire.KeyValues) error {
	if s.role == roleClient {
		if _, ok := o.Get(wire.OptionPath); ok {
			return &wire.Error{Code: wire.InvalidPath, Reason: "PATH from a server"}
		}
	}
	if err := s.setupToken(o); err != nil {
		return err
	}
	s.agree(o)
	limit, _ := o.Get(wire.OptionMaxRequestID)
	if s.d.Control == wire.OneBidi {
		s.outgoing.raise(limit.Int)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.setups++; s.setups > 1 {
		return wire.Violation("second SETUP")
	}
	close(s.met)
	s.maybeReadyLocked()
	return nil
}

func (s *session) maybeReadyLocked() {
	if s.setups > 0 && s.control != nil {
		s.readyOnce.Do(func() { close(s.ready) })
	}
}

// awaitReady holds what came before the control streams.
func (s *session) awaitReady() error {
	select {
	case <-s.ready:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// serveBidiControl is the server's end of draft 16's control stream, whose
// CLIENT_SETUP was just read.
func (s *session) serveBidiControl(st Stream, r *wire.StreamReader, m *wire.Setup) {
	w := newMessageWriter(s.d, st)
	if err := w.write(s.setupMessage()); err != nil {
		s.fail(err)
		return
	}
	_ = s.setControl(w)
	s.readControl(r, m)
}

// readControl reads the peer's control stream until it ends, which ends the
// session. first, if not nil, was read already.
func (s *session) readControl(r *wire.StreamReader, first wire.Message) {
	m, err := first, error(nil)
	for {
		if m == nil {
			m, err = r.Message()
		}
		if err == nil {
			err = s.pace.wait(s.ctx)
		}
		if err == nil {
			err = s.onControl(m)
		}
		if err != nil {
			s.fail(controlEnd(err))
			return
		}
		m = nil
	}
}

// controlEnd turns the end of a control stream into what it is: a violation,
// unless the session's end closed it.
func controlEnd(err error) error {
	if _, ok := errors.AsType[*CloseError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	if isStreamEnd(err) {
		return wire.Violation("control stream closed")
	}
	return err
}
