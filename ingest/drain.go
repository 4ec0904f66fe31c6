package ingest

// Drain refuses new publishers from now on. Those who publish go on.
func (s *Sessions) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// Close ends every session and every broadcast, and returns when their sinks
// are closed.
func (s *Sessions) Close() {
	s.mu.Lock()
	s.draining = true
	var owners []*Session
	sinks := make(map[*broadcast]HeldSink)
	for _, b := range s.broadcasts {
		if b.hold != nil {
			b.hold.timer.Stop()
		}
		if b.owner != nil {
			owners = append(owners, b.owner)
		}
		if b.sink == nil { // makeSink finds out and closes it.
			s.forgetLocked(b)
			continue
		}
		sinks[b] = s.removeLocked(b)
	}
	s.mu.Unlock()

	for _, session := range owners {
		session.end(ErrDraining)
	}
	for b, sink := range sinks {
		s.closeSink(b, sink, ErrDraining)
	}
	s.ending.Wait()
}
