package moqt

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// exchange is a request of the peer that is being answered. Its messages go to
// w: the request's own stream or, in draft 16, the control stream.
type exchange struct {
	s   *session
	id  uint64
	w   *messageWriter
	st  Stream // The request's own stream; nil in draft 16.
	ctx context.Context
	// cancel ends the request: by the peer's wish, or when it was answered.
	cancel context.CancelFunc
	// settled is closed when a SUBSCRIBE was accepted or refused.
	settled chan struct{}
	token   string      // Set by takeToken.
	expired atomic.Bool // What granted the request has run out.

	mu          sync.Mutex
	apply       func(*wire.RequestUpdate) // Guarded by mu. Nil until updates can be taken.
	queued      []*wire.RequestUpdate     // Guarded by mu. Came before apply.
	publication *publication              // Guarded by mu. Of an accepted SUBSCRIBE.
	offer       *offer                    // Guarded by mu. Of a PUBLISH.
}

// serve answers a request and returns when it has ended.
func (x *exchange) serve(m wire.Message) {
	x.s.log.Debug("request", "request", x.id, "kind", m.Kind().String())
	if x.s.isLeaving() {
		x.refuse(wire.RequestGoingAway, "going away")
		return
	}
	if !x.takeToken(m) {
		return
	}
	switch m := m.(type) {
	case *wire.Subscribe:
		x.subscribe(m)
	case *wire.TrackStatus:
		x.trackStatus(m)
	case *wire.Fetch:
		x.fetch(m)
	case *wire.SubscribeNamespace:
		x.subscribeNamespace(m)
	case *wire.PublishNamespace:
		x.publishNamespace(m)
	case *wire.Publish:
		x.publish(m)
	default:
		x.refuse(wire.RequestNotSupported, m.Kind().String()+" is not supported")
	}
}

// send writes an answer. A peer that does not take its answers is gone.
func (x *exchange) send(m wire.Message) {
	if err := x.w.write(m); err != nil && !isStreamEnd(err) && x.ctx.Err() == nil {
		x.s.fail(err)
	}
}

// refuse answers with REQUEST_ERROR.
func (x *exchange) refuse(c wire.RequestCode, reason string) { x.refuseFor(c, reason, 0) }

// refuseFor says when to try again; zero leaves that to the code.
func (x *exchange) refuseFor(c wire.RequestCode, reason string, after time.Duration) {
	x.s.metrics.requestErrors.WithLabelValues(c.String()).Inc()
	x.s.log.Debug("request refused", "request", x.id, "code", c.String(), "reason", reason)
	retry := retryAfter(c)
	if after > 0 {
		retry = uint64(after.Milliseconds()) + 1
	}
	x.send(&wire.RequestError{RequestID: x.id, Code: c, RetryAfter: retry, Reason: reason})
}

// retryAfter is in milliseconds plus one; zero means never.
func retryAfter(c wire.RequestCode) uint64 {
	switch c {
	case wire.RequestDoesNotExist, wire.RequestExcessiveLoad, wire.RequestTimeout, wire.RequestInvalidRange:
		return 1001
	default:
		return 0
	}
}

// update applies a REQUEST_UPDATE, or keeps it until the request is accepted.
func (x *exchange) update(m *wire.RequestUpdate) error {
	x.mu.Lock()
	apply := x.apply
	if apply == nil {
		if len(x.queued) >= 16 {
			x.mu.Unlock()
			return wire.Violation("too many updates of a request that was not answered")
		}
		x.queued = append(x.queued, m)
	}
	x.mu.Unlock()
	if apply != nil {
		apply(m)
	}
	return nil
}

// takeUpdates lets updates reach apply, those that waited first.
func (x *exchange) takeUpdates(apply func(*wire.RequestUpdate)) {
	for {
		x.mu.Lock()
		queued := x.queued
		x.queued = nil
		if len(queued) == 0 {
			x.apply = apply
			x.mu.Unlock()
			return
		}
		x.mu.Unlock()
		for _, m := range queued {
			apply(m)
		}
	}
}

// refuseUpdate answers an update that cannot be made.
func (x *exchange) refuseUpdate(m *wire.RequestUpdate, c wire.RequestCode, reason string) {
	x.s.metrics.requestErrors.WithLabelValues(c.String()).Inc()
	x.send(&wire.RequestError{RequestID: m.RequestID, Code: c, Reason: reason})
}
