package moqt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// SubscribeOptions say what a subscription wants. The zero value asks for all
// that is published, in the publisher's order.
type SubscribeOptions struct {
	Filter   *wire.Filter
	Priority *uint8
	// Paused subscribes without delivery until Update says otherwise.
	Paused bool
	// Rendezvous is how long to wait for the track to appear (draft 18).
	Rendezvous time.Duration
	// OnObject, if set, is called with each object by the goroutine that reads
	// its stream: in order within a group, at the same time for different
	// groups. Then Next is not to be used. Without it, objects wait for Next,
	// and a caller that is slow slows the publisher.
	OnObject func(Object)
	// Lent takes the payloads that OnObject is given back when it returns, for
	// others: who looks at them and is done saves an allocation an object.
	Lent bool
	// Statuses hands out what is no object but says where a group or the track
	// ends, too ("Object Status").
	Statuses bool

	into *intoTrack
}

// Update changes a subscription; a nil field leaves things as they are.
type Update struct {
	Filter   *wire.Filter
	Priority *uint8
	Forward  *bool
}

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

// Subscribe asks for a track and returns when the publisher has accepted.
func (c *Client) Subscribe(ctx context.Context, ns relay.Namespace, track string, o SubscribeOptions) (*Subscription, error) {
	return c.s.subscribe(ctx, ns, track, o)
}

func (s *session) subscribe(ctx context.Context, ns relay.Namespace, track string, o SubscribeOptions) (*Subscription, error) {
	m := &wire.Subscribe{Track: trackName(ns, track)}
	m.Params.Filter, m.Params.SubscriberPriority = o.Filter, o.Priority
	if o.Paused {
		m.Params.Forward = new(uint8)
	}
	if o.Rendezvous > 0 && s.d.Control == wire.TwoUni {
		m.Params.RendezvousTimeout = new(uint64(o.Rendezvous.Milliseconds()))
	}
	cl, err := s.call(ctx, m)
	if err != nil {
		return nil, err
	}
	answer, err := cl.await(ctx)
	if err != nil {
		if cl.st == nil && ctx.Err() != nil { // Else it would be sent what nobody reads, for ever.
			_ = cl.w.write(&wire.Unsubscribe{RequestID: cl.id})
		}
		cl.cancel()
		return nil, err
	}
	ok, is := answer.(*wire.SubscribeOK)
	if !is {
		return nil, s.unexpected(answer)
	}
	sub := newSubscription(s, ok.TrackAlias)
	sub.call, sub.onObject, sub.statuses = cl, o.OnObject, o.Statuses
	sub.lent = o.Lent && o.OnObject != nil
	sub.largest = ok.Params.Largest
	if o.into != nil {
		sub.into = o.into
		sub.into.accept(sub, ok.Properties)
	}
	if err := s.outgoing.deliverTo(sub); err != nil {
		s.fail(err)
		return nil, err
	}
	s.begin(sub.read)
	return sub, nil
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

// deliverTo routes the streams of a Track Alias to a subscription.
func (o *outgoing) deliverTo(sub *Subscription) error {
	o.datagrams.Do(func() { o.s.begin(o.s.receiveDatagrams) })
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.aliases[sub.alias]; ok {
		return &wire.Error{Code: wire.DuplicateTrackAlias, Reason: "Track Alias in use"}
	}
	o.aliases[sub.alias] = sub
	o.wakeLocked()
	return nil
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

// Update changes the subscription and returns when the publisher has agreed.
func (s *Subscription) Update(ctx context.Context, u Update) error {
	m := &wire.RequestUpdate{ExistingID: s.call.id}
	m.Params.Filter, m.Params.SubscriberPriority = u.Filter, u.Priority
	if u.Forward != nil {
		m.Params.Forward = new(uint8)
		if *u.Forward {
			*m.Params.Forward = 1
		}
	}
	if s.call.st == nil {
		cl, err := s.s.call(ctx, m)
		if err != nil {
			return err
		}
		defer cl.cancel()
		_, err = cl.await(ctx)
		return err
	}
	return s.update18(ctx, m)
}

// update18 sends an update on the request's own stream, where its answer comes.
func (s *Subscription) update18(ctx context.Context, m *wire.RequestUpdate) error {
	id, err := s.s.outgoing.takeID(ctx)
	if err != nil {
		return err
	}
	m.RequestID = id
	if err := s.call.w.write(m); err != nil {
		return err
	}
	select {
	case answer := <-s.acks:
		if e, ok := answer.(*wire.RequestError); ok {
			return refusal(e)
		}
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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

func (o *outgoing) unroute(s *Subscription) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aliases[s.alias] == s {
		delete(o.aliases, s.alias)
	}
}
