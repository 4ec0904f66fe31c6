package moqt

import (
	"context"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// offer is a track that the peer sends by PUBLISH.
type offer struct {
	x *exchange
	m *wire.Publish
	// taken gets who wants the track, done is closed when the peer is through.
	taken chan struct{}
	done  chan struct{}
	sub   *Subscription
}

// publish answers PUBLISH and lasts as long as the track flows.
func (x *exchange) publish(m *wire.Publish) {
	p := x.admit(namespaceOf(m.Track.Namespace))
	if p == nil {
		return
	}
	defer x.releasePublisher(p)
	o := &offer{x: x, m: m, taken: make(chan struct{}), done: make(chan struct{})}
	o.sub = newSubscription(x.s, m.TrackAlias)
	o.sub.largest = m.Params.Largest
	if !p.addOffer(m.Track.Name, o) {
		x.refuse(wire.RequestDuplicate, "the track is published already")
		return
	}
	defer p.dropOffer(m.Track.Name, o)
	x.mu.Lock()
	x.offer = o
	x.mu.Unlock()
	x.s.publishers.Offer(p, m.Track.Name)
	timer := time.NewTimer(offerWait)
	defer timer.Stop()
	select {
	case <-o.taken:
		x.await(o)
	case <-timer.C:
		if p.dropOffer(m.Track.Name, o) {
			x.refuse(wire.RequestUninterested, "nobody wants the track")
			return
		}
		x.await(o)
	case <-x.ctx.Done():
	}
}

// await lasts until the offer's track has ended on either side.
func (x *exchange) await(o *offer) {
	select {
	case <-o.done:
	case <-x.ctx.Done():
		o.sub.leave(errWithdrawn)
		<-o.done
	}
}

// fill takes the track in, until ctx or the peer ends it.
func (o *offer) fill(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	defer close(o.done)
	close(o.taken)
	x := o.x
	in := newIntoTrack(x.s, t, accepted)
	defer in.leave()
	// What went before is not asked for: the publisher begins where it begins.
	in.resume = true
	o.sub.into = in
	in.accept(o.sub, o.m.Properties)
	if err := x.s.outgoing.deliverTo(o.sub); err != nil {
		x.s.fail(err)
		return fmt.Errorf("%w: %w", relay.ErrLost, err)
	}
	forward := uint8(1)
	x.takeUpdates(func(u *wire.RequestUpdate) { x.send(&wire.RequestOK{RequestID: u.RequestID}) })
	if x.s.d.Control == wire.OneBidi {
		x.send(&wire.PublishOK{RequestID: x.id, Params: wire.Params{Forward: &forward}})
	} else {
		x.send(&wire.RequestOK{RequestID: x.id, Params: wire.Params{Forward: &forward}})
	}
	select {
	case <-o.sub.Done():
		return x.s.upstreamError(o.sub.Err())
	case <-ctx.Done():
	case <-x.s.ctx.Done():
	}
	o.sub.leave(ErrSessionClosed)
	if ctx.Err() == nil {
		return fmt.Errorf("%w: %w", relay.ErrLost, context.Cause(x.s.ctx))
	}
	if x.st == nil {
		x.send(&wire.Unsubscribe{RequestID: x.id})
	} else {
		x.cancel()
	}
	return context.Cause(ctx)
}

func (p *Publisher) addOffer(track string, o *offer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.offers[track]; ok {
		return false
	}
	p.offers[track] = o
	return true
}

// dropOffer takes an offer back; false when it was taken before.
func (p *Publisher) dropOffer(track string, o *offer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offers[track] != o {
		return false
	}
	delete(p.offers, track)
	return true
}

func (p *Publisher) takeOffer(track string) *offer {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.offers[track]
	delete(p.offers, track)
	return o
}

// publishDone hands PUBLISH_DONE to the offer that it ends. One for a request that
// has ended is no fault.
func (in *incoming) publishDone(m *wire.PublishDone) error {
	x, ok := in.find(m.RequestID)
	if !ok {
		return nil
	}
	x.mu.Lock()
	o := x.offer
	x.mu.Unlock()
	if o == nil {
		return wire.Violation("PUBLISH_DONE for what was not published")
	}
	in.s.tasks.Go(func() { o.sub.finish(m) })
	return nil
}
