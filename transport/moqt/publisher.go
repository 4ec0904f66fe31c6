package moqt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Publishers takes in what peers publish to a Server. Its methods are called by
// many goroutines at once.
type Publishers interface {
	// Announce decides whether p may publish its namespace, and takes it over
	// until p.Context ends. An error refuses: a RequestError with its code, any
	// other as UNAUTHORIZED.
	Announce(ctx context.Context, p *Publisher) error
	// Offer tells that p sends a track unasked (PUBLISH). Whoever wants it
	// subscribes soon; otherwise the peer is told UNINTERESTED.
	Offer(p *Publisher, track string)
}

// offerWait is how long a track that was offered waits for somebody to want it.
const offerWait = 5 * time.Second

// Publisher is a peer that publishes a namespace to us, by PUBLISH_NAMESPACE, by
// PUBLISH, or by both. It is the relay.Upstream of its tracks.
type Publisher struct {
	// Set by publisherOf, then read-only.
	s         *session
	namespace relay.Namespace
	token     string
	ctx       context.Context
	cancel    context.CancelCauseFunc

	mu     sync.Mutex
	uses   int               // Guarded by mu. Requests of the peer that hold the namespace.
	offers map[string]*offer // Guarded by mu. Tracks that were offered and not taken.
}

var _ relay.Upstream = (*Publisher)(nil)

// errWithdrawn ends a Publisher whose peer has taken its offer back.
var errWithdrawn = fmt.Errorf("namespace withdrawn: %w", relay.ErrLost)

// Namespace is what the peer publishes.
func (p *Publisher) Namespace() relay.Namespace { return p.namespace }

// Context ends when the peer withdraws the namespace, or is gone.
func (p *Publisher) Context() context.Context { return p.ctx }

// RemoteAddr is the peer's address.
func (p *Publisher) RemoteAddr() net.Addr { return p.s.conn.RemoteAddr() }

// Protocol is the draft that the peer speaks, such as "moqt-18".
func (p *Publisher) Protocol() string { return p.s.d.Protocol }

// Token is what the peer showed for its right, empty when it showed nothing.
func (p *Publisher) Token() string { return p.token }

// Cancel ends the publication from our side: the peer is told.
func (p *Publisher) Cancel(reason error) { p.cancel(reason) }

// Subscribe implements relay.Upstream: it takes the peer's offer of the track, if
// there is one, and asks for it otherwise.
func (p *Publisher) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	if o := p.takeOffer(t.Name()); o != nil {
		return o.fill(ctx, t, accepted)
	}
	return p.s.subscribeInto(ctx, t, accepted)
}

// Fetch implements relay.Upstream.
func (p *Publisher) Fetch(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return p.s.fetchInto(ctx, t, start, end, emit)
}

// publisherOf gives the session's Publisher of a namespace, after asking for one that
// is new. releasePublisher must
// follow.
func (x *exchange) publisherOf(ns relay.Namespace) (*Publisher, error) {
	in := &x.s.incoming
	in.publishing.Lock()
	defer in.publishing.Unlock()
	if p := in.publishers[ns]; p != nil && p.ctx.Err() == nil {
		p.mu.Lock()
		p.uses++
		p.mu.Unlock()
		return p, nil
	}
	if len(in.publishers) >= x.s.limits.Namespaces {
		return nil, &RequestError{Code: wire.RequestExcessiveLoad, Reason: "too many namespaces in one session"}
	}
	p := &Publisher{s: x.s, namespace: ns, token: x.token, uses: 1, offers: make(map[string]*offer)}
	p.ctx, p.cancel = context.WithCancelCause(x.s.ctx)
	if err := x.s.publishers.Announce(x.ctx, p); err != nil {
		p.cancel(err)
		return nil, err
	}
	if in.publishers == nil {
		in.publishers = make(map[relay.Namespace]*Publisher)
	}
	in.publishers[ns] = p
	return p, nil
}

func (x *exchange) releasePublisher(p *Publisher) {
	in := &x.s.incoming
	in.publishing.Lock()
	defer in.publishing.Unlock()
	p.mu.Lock()
	p.uses--
	last := p.uses == 0
	p.mu.Unlock()
	if last {
		p.cancel(errWithdrawn)
		if in.publishers[p.namespace] == p {
			delete(in.publishers, p.namespace)
		}
	}
}

// publishNamespace answers PUBLISH_NAMESPACE and lasts as long as the offer.
func (x *exchange) publishNamespace(m *wire.PublishNamespace) {
	p := x.admit(namespaceOf(m.Namespace))
	if p == nil {
		return
	}
	defer x.releasePublisher(p)
	x.takeUpdates(func(u *wire.RequestUpdate) { x.send(&wire.RequestOK{RequestID: u.RequestID}) })
	x.send(&wire.RequestOK{RequestID: x.id})
	select {
	case <-x.ctx.Done():
	case <-p.ctx.Done():
		x.declined(context.Cause(p.ctx))
	}
}

// declined tells the peer that its namespace is not wanted any more.
func (x *exchange) declined(reason error) {
	if x.st != nil {
		// Where a request has a stream of its own, its end says so.
		x.cancel()
		return
	}
	x.send(&wire.PublishNamespaceCancel{RequestID: x.id, Code: wire.RequestUnauthorized, Reason: reason.Error()})
}

// admit asks whether the peer may publish; nil when the request was refused.
func (x *exchange) admit(ns relay.Namespace) *Publisher {
	if x.s.publishers == nil {
		x.refuse(wire.RequestNotSupported, "nothing can be published here")
		return nil
	}
	if _, ok := x.authorized(ActionPublish, ns); !ok {
		return nil
	}
	p, err := x.publisherOf(ns)
	if err == nil {
		return p
	}
	if refused, ok := errors.AsType[*RequestError](err); ok {
		x.refuse(refused.Code, refused.Reason)
	} else {
		x.refuse(wire.RequestUnauthorized, err.Error())
	}
	return nil
}
