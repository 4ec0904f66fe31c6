package moqt

import (
	"context"
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

func (o *outgoing) unroute(s *Subscription) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.aliases[s.alias] == s {
		delete(o.aliases, s.alias)
	}
}
