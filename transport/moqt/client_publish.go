package moqt

import (
	"context"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Publication is a namespace that a Client publishes.
type Publication struct {
	ending
	call *call
}

// PublishNamespace offers a namespace of ClientConfig.Relay and returns when the
// peer has accepted. The peer's requests for its tracks are answered until Close,
// or the session's end.
func (c *Client) PublishNamespace(ctx context.Context, ns relay.Namespace) (*Publication, error) {
	cl, err := c.s.call(ctx, &wire.PublishNamespace{Namespace: fields(ns)})
	if err != nil {
		return nil, err
	}
	answer, err := cl.await(ctx)
	if err != nil {
		cl.cancel()
		return nil, err
	}
	if _, ok := answer.(*wire.RequestOK); !ok {
		return nil, c.s.unexpected(answer)
	}
	p := &Publication{ending: newEnding(), call: cl}
	c.s.begin(p.watch)
	return p, nil
}

// watch waits for the peer to change its mind.
func (p *Publication) watch() {
	for {
		if _, err := p.call.await(p.call.s.ctx); err != nil {
			p.end(err)
			return
		}
	}
}

// Close withdraws the namespace.
func (p *Publication) Close() error {
	var err error
	if p.call.st == nil {
		err = p.call.w.write(&wire.PublishNamespaceDone{RequestID: p.call.id})
	}
	p.call.cancel()
	return err
}

// cancelled hands PUBLISH_NAMESPACE_CANCEL to its publication.
func (o *outgoing) cancelled(m *wire.PublishNamespaceCancel) {
	o.mu.Lock()
	c := o.calls[m.RequestID]
	o.mu.Unlock()
	if c != nil {
		c.end(&RequestError{Code: m.Code, Reason: m.Reason})
	}
}
