package moqt

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// upstreamWait bounds the wait for upstream to accept a track: it may have to be
// dialled first, or dialled elsewhere.
const upstreamWait = 10 * time.Second

// lookup authorizes and finds a track, here or upstream, waiting up to timeout for
// it to be published ("RENDEZVOUS TIMEOUT Parameter"). It refuses the request and
// gives nil when there is none; otherwise release must follow.
func (x *exchange) lookup(a Action, name wire.TrackName, timeout time.Duration) (t *relay.Track, release func()) {
	ns := namespaceOf(name.Namespace)
	if _, ok := x.authorized(a, ns); !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(x.ctx, timeout)
	defer cancel()
	for {
		_, changed := x.s.relay.Broadcasts(ns)
		var tracks <-chan struct{} // Nil while there is no broadcast.
		if b, ok := x.s.relay.Broadcast(ns); ok {
			if b.Remote() {
				return x.demand(b, name.Name, timeout)
			}
			if t, tracks, _ = b.WaitTrack(name.Name); t != nil {
				return t, func() {}
			}
		}
		select {
		case <-changed:
		case <-tracks:
		case <-ctx.Done():
			x.notFound(timeout)
			return nil, nil
		}
	}
}

// notFound refuses a request for a track that did not show in time.
func (x *exchange) notFound(timeout time.Duration) {
	switch {
	case timeout <= 0:
		x.refuse(wire.RequestDoesNotExist, "no such track")
	case x.ctx.Err() == nil:
		x.refuse(wire.RequestTimeout, "no such track in time")
	}
}

// demand asks upstream for a track.
func (x *exchange) demand(b *relay.Broadcast, name string, timeout time.Duration) (*relay.Track, func()) {
	d := b.Demand(name)
	ctx, cancel := context.WithTimeout(x.ctx, max(timeout, upstreamWait))
	defer cancel()
	t, err := d.Track(ctx)
	if err == nil {
		t.AwaitStart(ctx)
		return t, d.Release
	}
	d.Release()
	if x.ctx.Err() != nil {
		return nil, nil
	}
	code := wire.RequestDoesNotExist
	refused, ok := errors.AsType[*RequestError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		code = wire.RequestTimeout
	case ok && refused.Code != wire.RequestUnauthorized && refused.Code != wire.RequestGoingAway:
		code = refused.Code
	case ok:
		code = wire.RequestInternal // Upstream refuses this relay, not its viewer.
	}
	x.refuse(code, "upstream has no such track")
	return nil, nil
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
