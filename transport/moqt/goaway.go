package moqt

import (
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// goAway asks the peer to leave by deadline. New requests are refused from now
// on ("GOAWAY").
func (s *session) goAway(uri string, deadline time.Time) {
	s.mu.Lock()
	already := s.leaving
	s.leaving = true
	s.mu.Unlock()
	if already || s.awaitReady() != nil {
		return
	}
	timeout := max(time.Until(deadline), 0)
	m := &wire.Goaway{
		URI:          uri,
		Timeout:      uint64(timeout.Milliseconds()),
		RequestID:    s.incoming.nextID(),
		HasRequestID: true,
	}
	if err := s.control.write(m); err != nil {
		s.fail(err)
	}
}

func (s *session) isLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving
}

// gotGoaway notes the peer's wish to end the session.
func (s *session) gotGoaway(m *wire.Goaway) error {
	s.mu.Lock()
	s.goaways++
	n := s.goaways
	s.mu.Unlock()
	switch {
	case n > 1:
		return wire.Violation("second GOAWAY")
	case s.role == roleServer && m.URI != "":
		return wire.Violation("GOAWAY with a URI from a client")
	case m.HasRequestID && m.RequestID%2 != s.outgoing.parity():
		return &wire.Error{Code: wire.InvalidRequestID, Reason: "GOAWAY with a Request ID of the wrong side"}
	}
	if s.onGoaway != nil {
		s.onGoaway(m.URI, time.Duration(m.Timeout)*time.Millisecond)
	}
	return nil
}

// peerIsLeaving tells whether the peer sent GOAWAY.
func (s *session) peerIsLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goaways > 0
}
