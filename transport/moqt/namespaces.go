package moqt

import (
	"slices"
	"strings"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subscribeNamespace answers SUBSCRIBE_NAMESPACE and tells of the broadcasts
// under the prefix until the request ends.
func (x *exchange) subscribeNamespace(m *wire.SubscribeNamespace) {
	prefix := namespaceOf(m.Prefix)
	if m.Options == wire.WantPublish {
		x.refuse(wire.RequestNotSupported, "tracks are not published unasked")
		return
	}
	grant, ok := x.authorized(ActionDiscover, prefix)
	if !ok {
		return
	}
	if !x.s.incoming.claim(prefix) {
		x.refuse(wire.RequestPrefixOverlap, "prefix overlaps with another")
		return
	}
	defer x.s.incoming.release(prefix)
	x.takeUpdates(func(u *wire.RequestUpdate) {
		// A failed update ends the request ("Updating Subscriptions").
		x.refuseUpdate(u, wire.RequestNotSupported, "the prefix cannot be changed")
		x.cancel()
	})
	x.send(&wire.RequestOK{RequestID: x.id})
	x.announce(prefix, grant.Visible)
}

// announce sends NAMESPACE and NAMESPACE_DONE as broadcasts come and go that the peer
// may see.
func (x *exchange) announce(prefix relay.Namespace, visible func(relay.Namespace) bool) {
	known := make(map[relay.Namespace]struct{})
	for {
		broadcasts, changed := x.s.relay.Broadcasts(prefix)
		live := make(map[relay.Namespace]struct{}, len(broadcasts))
		for _, b := range broadcasts {
			if ns := b.Namespace(); visible == nil || visible(ns) {
				live[ns] = struct{}{}
			}
		}
		for _, ns := range missing(known, live) {
			x.send(&wire.NamespaceDone{Suffix: suffix(ns, prefix)})
		}
		for _, ns := range missing(live, known) {
			x.send(&wire.Namespace{Suffix: suffix(ns, prefix)})
		}
		known = live
		select {
		case <-changed:
		case <-x.ctx.Done():
			return
		}
	}
}

// missing lists what is in a and not in b, in order.
func missing(a, b map[relay.Namespace]struct{}) []relay.Namespace {
	var out []relay.Namespace
	for ns := range a {
		if _, ok := b[ns]; !ok {
			out = append(out, ns)
		}
	}
	slices.Sort(out)
	return out
}

// suffix is what remains of a namespace after its prefix.
func suffix(ns, prefix relay.Namespace) []string {
	rest := strings.TrimPrefix(strings.TrimPrefix(string(ns), string(prefix)), "/")
	return fields(relay.Namespace(rest))
}

// claim reserves a prefix: two of one session may not overlap
// ("SUBSCRIBE_NAMESPACE").
func (in *incoming) claim(prefix relay.Namespace) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for other := range in.prefixes {
		if other.HasPrefix(prefix) || prefix.HasPrefix(other) {
			return false
		}
	}
	in.prefixes[prefix] = struct{}{}
	return true
}

func (in *incoming) release(prefix relay.Namespace) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.prefixes, prefix)
}
