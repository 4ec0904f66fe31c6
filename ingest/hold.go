package ingest

import (
	"errors"
	"time"
)

// errHoldOver is the reason that a broadcast ends with when its publisher did
// not come back.
var errHoldOver = errors.New("the publisher did not come back")

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
		b.holds++
		n := b.holds
		b.hold = time.AfterFunc(s.cfg.Hold, func() { s.holdOver(b, n) })
		s.mu.Unlock()
		return
	}
	sink := s.removeLocked(b)
	s.mu.Unlock()
	s.closeSink(b, sink, errHoldOver)
}

// holdOver ends a broadcast whose n-th hold has passed.
func (s *Sessions) holdOver(b *broadcast, n int) {
	s.mu.Lock()
	if b.owner != nil || b.holds != n || s.broadcasts[b.name] != b {
		s.mu.Unlock()
		return
	}
	sink := s.removeLocked(b)
	s.mu.Unlock()
	s.closeSink(b, sink, errHoldOver)
}

// removeLocked forgets the broadcast. closeSink must follow. Guarded by mu.
func (s *Sessions) removeLocked(b *broadcast) HeldSink {
	delete(s.broadcasts, b.name)
	s.ending.Add(1)
	return b.sink
}

func (s *Sessions) closeSink(b *broadcast, sink HeldSink, reason error) {
	defer s.ending.Done()
	s.log.Info("broadcast ended", "name", b.name, "reason", reason.Error(),
		"duration", time.Since(b.since), "reconnects", b.reconnects)
	sink.Close(reason)
}
