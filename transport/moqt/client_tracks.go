package moqt

import (
	"context"
	"errors"
	"io"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// TrackPublication is a track that a Client publishes unasked.
type TrackPublication struct {
	ending
	call *call
	x    *exchange // What the subscriber asks for, as of any subscription.
}

// Publish offers a track of ClientConfig.Relay by PUBLISH and returns when the peer
// wants it. Its objects are sent until the track ends, which the peer is told, or
// the peer has enough.
func (c *Client) Publish(ctx context.Context, t *relay.Track) (*TrackPublication, error) {
	m := &wire.Publish{Track: trackName(t.Broadcast().Namespace(), t.Name())}
	m.Params.Largest = largest(t)
	cl, err := c.s.call(ctx, m)
	if err != nil {
		return nil, err
	}
	answer, err := cl.await(ctx)
	if err != nil {
		cl.cancel()
		return nil, err
	}
	var wanted wire.Params
	switch ok := answer.(type) {
	case *wire.PublishOK:
		wanted = ok.Params
	case *wire.RequestOK:
		wanted = ok.Params
	default:
		return nil, c.s.unexpected(answer)
	}
	p := &TrackPublication{ending: newEnding(), call: cl}
	p.x = &exchange{s: c.s, id: cl.id, w: cl.w, st: cl.st, settled: make(chan struct{})}
	p.x.ctx, p.x.cancel = context.WithCancel(c.s.ctx)
	close(p.x.settled)
	if cl.st != nil {
		// STOP_SENDING shows in the stream's context alone.
		context.AfterFunc(cl.st.Context(), p.x.cancel)
	}
	delivery := newPublication(p.x, t, &wire.Subscribe{Params: wanted})
	p.x.takeUpdates(delivery.update)
	// Up to draft 16 what the subscriber says comes by Request ID; ours are of
	// the other parity than the peer's.
	c.s.incoming.adopt(p.x)
	c.s.begin(p.watch)
	c.s.begin(func() { p.run(delivery) })
	return p, nil
}

// adopt files what is no request of the peer but is talked of as one.
func (in *incoming) adopt(x *exchange) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.exchanges[x.id] = x
}

func (p *TrackPublication) run(delivery *publication) {
	code, reason := delivery.run(p.x.ctx)
	var err error = &DoneError{Code: code, Reason: reason}
	if p.x.ctx.Err() != nil {
		err = ErrSessionClosed
	} else {
		p.x.send(&wire.PublishDone{RequestID: p.x.id, Code: code, Streams: delivery.streams, Reason: reason})
	}
	p.x.s.incoming.close(p.x)
	p.x.s.outgoing.forget(p.call)
	p.end(err)
}

// watch takes what the subscriber says on the request's own stream.
func (p *TrackPublication) watch() {
	defer p.x.cancel()
	for {
		m, err := p.call.next(p.x.ctx)
		if errors.Is(err, io.EOF) {
			<-p.x.ctx.Done() // No update will follow, which is no end.
		}
		if err != nil {
			return
		}
		u, ok := m.(*wire.RequestUpdate)
		if !ok {
			_ = p.x.s.unexpected(m)
			return
		}
		if err := p.x.update(u); err != nil {
			p.x.s.fail(err)
			return
		}
	}
}
