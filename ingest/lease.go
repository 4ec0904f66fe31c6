package ingest

import "fmt"

// Lease is the ownership of a name among several gateways.
type Lease interface {
	// Epoch rises with each owner of the name.
	Epoch() uint64
	// Lost is closed when another gateway owns the name; Err says which.
	Lost() <-chan struct{}
	Err() error
	// Hold says that the publisher has gone and is waited for (true), or is back:
	// another gateway may take a name that is held. It does not wait.
	Hold(held bool)
	// Release gives the name up. It does not wait.
	Release()
}

// watch ends a broadcast whose name another gateway owns. It returns when the
// broadcast has ended, whatever the reason.
func (s *Sessions) watch(b *broadcast, lease Lease) {
	defer s.ending.Done()
	select {
	case <-lease.Lost():
	case <-b.gone:
		return
	}
	reason := fmt.Errorf("%w: %w", ErrTakenOver, lease.Err())
	s.mu.Lock()
	if s.broadcasts[b.name] != b {
		s.mu.Unlock()
		return
	}
	owner := b.owner
	if b.hold != nil {
		b.hold.timer.Stop()
	}
	sink := s.removeLocked(b)
	s.mu.Unlock()
	if owner != nil {
		owner.end(reason)
	}
	s.closeSink(b, sink, reason)
}
