package moqt

import (
	"context"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Announcement says that a broadcast came or went.
type Announcement struct {
	Namespace relay.Namespace
	Live      bool
}

// NamespaceSubscription tells of the broadcasts under a prefix.
type NamespaceSubscription struct {
	call   *call
	prefix relay.Namespace
	live   map[relay.Namespace]struct{} // Owned by Next.
}

// SubscribeNamespace asks for the broadcasts under a prefix; the empty one is
// all.
func (c *Client) SubscribeNamespace(ctx context.Context, prefix relay.Namespace) (*NamespaceSubscription, error) {
	m := &wire.SubscribeNamespace{Prefix: fields(prefix), Options: wire.WantNamespace}
	cl, err := c.s.call(ctx, m)
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
	return &NamespaceSubscription{
		call: cl, prefix: prefix, live: make(map[relay.Namespace]struct{}),
	}, nil
}

// Next waits for the next change. It is used by one goroutine at a time.
func (n *NamespaceSubscription) Next(ctx context.Context) (Announcement, error) {
	m, err := n.call.await(ctx)
	if err != nil {
		return Announcement{}, err
	}
	switch m := m.(type) {
	case *wire.Namespace:
		ns := n.join(m.Suffix)
		n.live[ns] = struct{}{}
		return Announcement{Namespace: ns, Live: true}, nil
	case *wire.NamespaceDone:
		ns := n.join(m.Suffix)
		if _, ok := n.live[ns]; !ok {
			return Announcement{}, n.call.s.unexpected(m)
		}
		delete(n.live, ns)
		return Announcement{Namespace: ns}, nil
	}
	return Announcement{}, n.call.s.unexpected(m)
}

func (n *NamespaceSubscription) join(suffix []string) relay.Namespace {
	return namespaceOf(append(fields(n.prefix), suffix...))
}

// Close ends the subscription.
func (n *NamespaceSubscription) Close() { n.call.cancel() }
