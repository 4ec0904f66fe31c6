package moqt

import (
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subscribe answers SUBSCRIBE and delivers until the subscription ends.
func (x *exchange) subscribe(m *wire.Subscribe) {
	p, release := x.establish(m)
	if p != nil {
		// Before settled: a joining fetch sees the updates that came before it.
		x.takeUpdates(p.update)
	}
	close(x.settled)
	if p == nil {
		return
	}
	defer release()
	defer x.s.incoming.unsubscribed(p.track, x)
	x.s.progressed()
	x.s.metrics.subscriptions.Inc()
	defer x.s.metrics.subscriptions.Dec()

	code, reason := p.run(x.ctx)
	if x.expired.Load() {
		code, reason = wire.DoneUnauthorized, "authorization has expired"
	} else if x.ctx.Err() != nil {
		return
	}
	x.send(&wire.PublishDone{RequestID: x.id, Code: code, Streams: p.streams, Reason: reason})
}

// establish accepts or refuses a subscription; nil when refused, otherwise release
// must follow.
func (x *exchange) establish(m *wire.Subscribe) (p *publication, release func()) {
	track, release := x.lookup(ActionSubscribe, m.Track, wait(m.Params.RendezvousTimeout))
	if track == nil {
		return nil, nil
	}
	p = newPublication(x, track, m)
	if p.ended() {
		release()
		x.refuse(wire.RequestInvalidRange, "the end group has been published already")
		return nil, nil
	}
	if code, ok := x.s.incoming.subscribed(track, x); !ok {
		release()
		x.refuse(code, "the session has this subscription, or too many others")
		return nil, nil
	}
	x.mu.Lock()
	x.publication = p
	x.mu.Unlock()
	// The Request ID is unique in the session, so it serves as Track Alias.
	x.send(&wire.SubscribeOK{RequestID: x.id, TrackAlias: x.id, Params: wire.Params{Largest: p.joined()}})
	return p, release
}

// trackStatus answers as subscribe would, and leaves it at that.
func (x *exchange) trackStatus(m *wire.TrackStatus) {
	track, release := x.lookup(ActionSubscribe, m.Track, 0)
	if track == nil {
		return
	}
	defer release()
	x.send(&wire.RequestOK{
		RequestID: x.id,
		Params:    wire.Params{Largest: largest(track)},
	})
}

// subscribed notes a subscription, unless it must be refused; a track can have one in a session
// ("Subscriptions"). One that was cancelled and is still being put away is none.
func (in *incoming) subscribed(t *relay.Track, x *exchange) (refused wire.RequestCode, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	other := in.subscriptions[t]
	if other != nil && other.ctx.Err() == nil {
		return wire.RequestDuplicate, false
	}
	if other == nil && len(in.subscriptions) >= in.s.maxSubscriptions() {
		return wire.RequestExcessiveLoad, false
	}
	in.subscriptions[t] = x
	return 0, true
}

func (in *incoming) unsubscribed(t *relay.Track, x *exchange) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.subscriptions[t] == x {
		delete(in.subscriptions, t)
	}
}
