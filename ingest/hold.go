package ingest

import (
	"errors"
	"time"
)

// ErrHoldOver is the reason that a broadcast ends with when its publisher did
// not come back.
var ErrHoldOver = errors.New("the publisher did not come back")

// hold is one wait for a publisher; a broadcast can have several, in turns.
type hold struct{ timer *time.Timer }

// release takes the name from session, if it still has it, and starts the hold.
func (s *Sessions) release(session *Session) {
	s.metrics.sessions.WithLabelValues(session.req.Protocol).Dec()
	s.mu.Lock()
	b := s.broadcasts[session.req.Name]
	if b == nil || b.owner != session {
		s.mu.Unlock()
		return
	}
	b.owner = nil
	if s.cfg.Hold > 0 {
		b.offerLocked(true)
		h := &hold{}
		h.timer = time.AfterFunc(s.cfg.Hold, func() { s.holdOver(b, h) })
		b.hold = h
		s.mu.Unlock()
		return
	}
	sink := s.removeLocked(b)
	s.mu.Unlock()
	s.closeSink(b, sink, ErrHoldOver)
}

// holdOver ends a broadcast whose hold has passed, unless the publisher came
// back just before.
func (s *Sessions) holdOver(b *broadcast, h *hold) {
	s.mu.Lock()
	if b.hold != h || s.broadcasts[b.name] != b {
		s.mu.Unlock()
		return
	}
	sink := s.removeLocked(b)
	s.mu.Unlock()
	s.closeSink(b, sink, ErrHoldOver)
}

// removeLocked forgets the broadcast. closeSink must follow. Guarded by mu.
func (s *Sessions) removeLocked(b *broadcast) HeldSink {
	s.forgetLocked(b)
	s.ending.Add(1)
	return b.sink
}

// forgetLocked gives the name up. Guarded by mu.
func (s *Sessions) forgetLocked(b *broadcast) {
	delete(s.broadcasts, b.name)
	close(b.gone)
	if b.lease != nil {
		b.lease.Release()
	}
}

func (s *Sessions) closeSink(b *broadcast, sink HeldSink, reason error) {
	defer s.ending.Done()
	s.log.Info("broadcast ended", "name", b.name, "reason", reason.Error(),
		"duration", time.Since(b.since), "reconnects", b.reconnects)
	sink.Close(reason)
}
