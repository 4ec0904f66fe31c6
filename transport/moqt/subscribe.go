package moqt

import (
	"context"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subscribe answers SUBSCRIBE and delivers until the subscription ends.
func (x *exchange) subscribe(m *wire.Subscribe) {
	p := x.establish(m)
	if p != nil {
		// Before settled: a joining fetch sees the updates that came before it.
		x.takeUpdates(p.update)
	}
	close(x.settled)
	if p == nil {
		return
	}
	defer x.s.incoming.unsubscribed(p.track)
	x.s.progressed()
	x.s.metrics.subscriptions.Inc()
	defer x.s.metrics.subscriptions.Dec()

	code, reason := p.run(x.ctx)
	if x.ctx.Err() != nil {
		return
	}
	x.send(&wire.PublishDone{RequestID: x.id, Code: code, Streams: p.streams, Reason: reason})
}

// establish accepts or refuses a subscription; nil when refused.
func (x *exchange) establish(m *wire.Subscribe) *publication {
	track := x.lookup(ActionSubscribe, m.Track, wait(m.Params.RendezvousTimeout))
	if track == nil {
		return nil
	}
	p := newPublication(x, track, m)
	if p.ended() {
		x.refuse(wire.RequestInvalidRange, "the end group has been published already")
		return nil
	}
	if code, ok := x.s.incoming.subscribed(track); !ok {
		x.refuse(code, "the session has this subscription, or too many others")
		return nil
	}
	x.mu.Lock()
	x.publication = p
	x.mu.Unlock()
	// The Request ID is unique in the session, so it serves as Track Alias.
	x.send(&wire.SubscribeOK{RequestID: x.id, TrackAlias: x.id, Params: wire.Params{Largest: p.joined()}})
	return p
}

// trackStatus answers as subscribe would, and leaves it at that.
func (x *exchange) trackStatus(m *wire.TrackStatus) {
	track := x.lookup(ActionSubscribe, m.Track, 0)
	if track == nil {
		return
	}
	x.send(&wire.RequestOK{
		RequestID: x.id,
		Params:    wire.Params{Largest: largest(track)},
	})
}

// subscribed notes a subscription, unless it must be refused; a track can have one in a session
// ("Subscriptions").
func (in *incoming) subscribed(t *relay.Track) (refused wire.RequestCode, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, ok := in.subscriptions[t]; ok {
		return wire.RequestDuplicate, false
	}
	if len(in.subscriptions) >= in.s.limits.Subscriptions {
		return wire.RequestExcessiveLoad, false
	}
	in.subscriptions[t] = struct{}{}
	return 0, true
}

func (in *incoming) unsubscribed(t *relay.Track) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.subscriptions, t)
}

// lookup authorizes and finds a track, waiting up to timeout for it to be
// published ("RENDEZVOUS TIMEOUT Parameter"). It refuses the request and gives
// nil when there is none.
func (x *exchange) lookup(a Action, name wire.TrackName, timeout time.Duration) *relay.Track {
	ns := namespaceOf(name.Namespace)
	if !x.authorized(a, ns) {
		return nil
	}
	if t := findTrack(x.s.relay, ns, name.Name); t != nil {
		return t
	}
	if timeout <= 0 {
		x.refuse(wire.RequestDoesNotExist, "no such track")
		return nil
	}
	ctx, cancel := context.WithTimeout(x.ctx, timeout)
	defer cancel()
	t := awaitTrack(ctx, x.s.relay, ns, name.Name)
	if t == nil && x.ctx.Err() == nil {
		x.refuse(wire.RequestTimeout, "no such track in time")
	}
	return t
}

func findTrack(r *relay.Relay, ns relay.Namespace, name string) *relay.Track {
	b, ok := r.Broadcast(ns)
	if !ok {
		return nil
	}
	t, _ := b.Track(name)
	return t
}

// awaitTrack waits for a track to be published until ctx ends.
func awaitTrack(ctx context.Context, r *relay.Relay, ns relay.Namespace, name string) *relay.Track {
	for {
		_, changed := r.Broadcasts(ns)
		var tracks <-chan struct{} // Nil while there is no broadcast.
		if b, ok := r.Broadcast(ns); ok {
			var t *relay.Track
			if t, tracks, _ = b.WaitTrack(name); t != nil {
				return t
			}
		}
		select {
		case <-changed:
		case <-tracks:
		case <-ctx.Done():
			return nil
		}
	}
}

func wait(ms *uint64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(min(*ms, uint64(maxRendezvous.Milliseconds()))) * time.Millisecond
}

// largest is the Largest Object of a track, nil when it has none.
func largest(t *relay.Track) *wire.Location {
	if l, ok := t.Largest(); ok {
		return &l
	}
	return nil
}
