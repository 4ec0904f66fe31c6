package moqt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Subscription delivers a track's objects.
type Subscription struct {
	s        *session
	call     *call // nil when the publisher began it by PUBLISH.
	onObject func(Object)
	lent     bool
	statuses bool
	into     *intoTrack // nil unless a track is filled.
	queue    chan Object
	largest  *relay.Location
	alias    uint64
	// acks answer updates on the request's own stream (draft 18).
	acks chan wire.Message

	done chan struct{} // Closed when it has ended and nothing is under way.
	left chan struct{} // Closed when nobody wants what is under way.

	mu      sync.Mutex
	err     error  // Guarded by mu. The reason of the end, once known.
	ended   uint64 // Guarded by mu. Streams that were read to their end.
	opened  uint64 // Guarded by mu. Streams that PUBLISH_DONE counts.
	settled bool   // Guarded by mu. done is closed.
}

func newSubscription(s *session, alias uint64) *Subscription {
	return &Subscription{
		s:     s,
		queue: make(chan Object),
		alias: alias,
		acks:  make(chan wire.Message, 1),
		done:  make(chan struct{}),
		left:  make(chan struct{}),
	}
}

// Largest is the newest object when the publisher accepted; false if there was
// none.
func (s *Subscription) Largest() (relay.Location, bool) {
	if s.largest == nil {
		return relay.Location{}, false
	}
	return *s.largest, true
}

// Next waits for the next object or end of a group. After the subscription has
// ended it gives the reason: a DoneError from the publisher.
func (s *Subscription) Next(ctx context.Context) (Object, error) {
	select {
	case o := <-s.queue:
		return o, nil
	default:
	}
	select {
	case o := <-s.queue:
		return o, nil
	case <-s.done:
		return Object{}, s.Err()
	case <-ctx.Done():
		return Object{}, context.Cause(ctx)
	}
}

// Done is closed when the subscription has ended, for Err to say why.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Err is nil while the subscription lives.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settled {
		return nil
	}
	return s.err
}

// Close ends the subscription.
func (s *Subscription) Close() error {
	s.depart(ErrSessionClosed)
	if s.call.st == nil {
		if err := s.call.w.write(&wire.Unsubscribe{RequestID: s.call.id}); err != nil {
			return err
		}
	}
	s.leave(ErrSessionClosed)
	return nil
}

// read takes what the publisher says after it has accepted.
func (s *Subscription) read() {
	for {
		m, err := s.call.next(s.s.ctx)
		if err != nil {
			s.leave(err)
			return
		}
		switch m := m.(type) {
		case *wire.PublishDone:
			s.finish(m)
			return
		case *wire.RequestOK, *wire.RequestError:
			select {
			case s.acks <- m:
			default: // Nobody asked.
			}
		default:
			s.leave(s.s.unexpected(m))
			return
		}
	}
}

// depart says that nobody wants what is under way, before the peer is told: it will
// reset its streams.
func (s *Subscription) depart(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.left)
	}
}

// leave ends the subscription at once.
func (s *Subscription) leave(err error) {
	s.depart(err)
	s.mu.Lock()
	s.settleLocked()
	s.mu.Unlock()
	if s.call != nil {
		s.call.cancel()
	}
	s.s.outgoing.unroute(s)
}

// finish ends the subscription when the streams that PUBLISH_DONE counts have
// come, for which they have a while ("PUBLISH_DONE").
func (s *Subscription) finish(m *wire.PublishDone) {
	if s.call != nil {
		s.call.cancel()
	}
	s.mu.Lock()
	if s.err == nil {
		s.err = &DoneError{Code: m.Code, Reason: m.Reason}
	}
	s.opened = m.Streams
	if s.ended >= s.opened {
		s.settleLocked()
	}
	s.mu.Unlock()
	timer := time.NewTimer(reorderWait)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
	case <-s.s.ctx.Done():
	}
	s.mu.Lock()
	s.settleLocked()
	s.mu.Unlock()
	s.s.outgoing.unroute(s)
}

func (s *Subscription) settleLocked() {
	if !s.settled {
		s.settled = true
		close(s.done)
	}
}

// streamEnded counts a stream that was read and handed out.
func (s *Subscription) streamEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended++
	if _, ok := errors.AsType[*DoneError](s.err); ok && s.ended >= s.opened {
		s.settleLocked()
	}
}
