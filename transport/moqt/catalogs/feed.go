// Package catalogs follows the MSF catalog of a broadcast over a MoQT session, for
// whoever subscribes as viewers do.
package catalogs

import (
	"context"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// fetchAfter is how long a server has to repeat its catalog by itself: those that do
// not have it fetched, as MSF asks.
const fetchAfter = 500 * time.Millisecond

// Feed is a subscription to a catalog.
type Feed struct {
	client *moqt.Client
	sub    *moqt.Subscription
	newest chan *msf.Catalog
}

// Follow subscribes to the catalog of a broadcast.
func Follow(ctx context.Context, client *moqt.Client, ns relay.Namespace) (*Feed, error) {
	f := &Feed{client: client, newest: make(chan *msf.Catalog, 1)}
	sub, err := client.Subscribe(ctx, ns, msf.TrackName, moqt.SubscribeOptions{
		Filter: &wire.Filter{Type: wire.LargestObject}, OnObject: f.offer,
	})
	f.sub = sub
	return f, err
}

// Newest gives each catalog that comes; one that nobody took is replaced.
func (f *Feed) Newest() <-chan *msf.Catalog { return f.newest }

// Done is closed with the subscription, Err says why.
func (f *Feed) Done() <-chan struct{} { return f.sub.Done() }

// Err is nil while the subscription lasts.
func (f *Feed) Err() error { return f.sub.Err() }

// First waits for a catalog, and fetches the present one when none comes by itself.
func (f *Feed) First(ctx context.Context) (*msf.Catalog, error) {
	timer := time.NewTimer(fetchAfter)
	defer timer.Stop()
	for {
		select {
		case c := <-f.newest:
			return c, nil
		case <-timer.C:
			f.fetch(ctx)
		case <-f.sub.Done():
			return nil, f.sub.Err()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// fetch asks for the newest group. A server that cannot may still send it.
func (f *Feed) fetch(ctx context.Context) {
	fetch, err := f.client.JoinRelative(ctx, f.sub, 0, moqt.FetchOptions{})
	for err == nil {
		var o moqt.Object
		if o, err = fetch.Next(ctx); err == nil {
			f.offer(o)
		}
	}
}

// offer leaves the newest catalog to its reader. Deltas are left out: what they add
// comes with the next whole one.
func (f *Feed) offer(o moqt.Object) {
	if o.End || len(o.Payload) == 0 {
		return
	}
	c, err := msf.Parse(o.Payload)
	if err != nil {
		return
	}
	select {
	case <-f.newest:
	default:
	}
	select {
	case f.newest <- c:
	default:
	}
}
