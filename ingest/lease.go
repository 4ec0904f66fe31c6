package ingest

import (
	"fmt"
	"time"
)

// Lease is the ownership of a name among several gateways.
type Lease interface {
	// Epoch rises with each owner of the name.
	Epoch() uint64
	// Lost is closed when another gateway owns the name; Err says which.
	Lost() <-chan struct{}
	Err() error
	// Hold says that the publisher has gone or is silent, and is waited for (true), or
	// is back: another gateway may take a name that is held. It does not wait.
	Hold(held bool)
	// Release gives the name up. It does not wait.
	Release()
}

// offerEvery is how often a publisher is looked at for silence.
const offerEvery = 250 * time.Millisecond

// watch ends a broadcast whose name another gateway owns. It returns when the
// broadcast has ended, whatever the reason.
func (s *Sessions) watch(b *broadcast, lease Lease) {
	defer s.ending.Done()
	tick := time.NewTicker(offerEvery)
	defer tick.Stop()
	for lost := false; !lost; {
		select {
		case <-lease.Lost():
			lost = true
		case <-tick.C:
			s.offer(b)
		case <-b.gone:
			return
		}
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

// offer lets another gateway take the name from a publisher who is silent: an encoder
// that lost its power says no goodbye, and may be back elsewhere.
func (s *Sessions) offer(b *broadcast) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broadcasts[b.name] == b && b.owner != nil {
		b.offerLocked(b.owner.idle() >= silentAfter)
	}
}

// offerLocked tells the other gateways whether they may take the name. Guarded by
// Sessions.mu.
func (b *broadcast) offerLocked(offered bool) {
	if b.lease != nil && offered != b.offered {
		b.offered = offered
		b.lease.Hold(offered)
	}
}
