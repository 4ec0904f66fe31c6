package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Received is what viewers got together.
type Received struct {
	Objects, Bytes, Resets atomic.Int64
}

func (r *Received) add(o moqt.Object) {
	if o.End {
		if o.Reset != nil {
			r.Resets.Add(1)
		}
		return
	}
	r.Objects.Add(1)
	r.Bytes.Add(int64(len(o.Payload)))
}

// View watches all tracks of a broadcast over WebTransport until ctx ends,
// which is no error.
func View(ctx context.Context, gateway *rig.Gateway, ns relay.Namespace, received *Received) error {
	client, err := gateway.DialMoQ(ctx, moqt.ClientConfig{})
	if err == nil {
		err = errors.Join(view(ctx, client, ns, received), client.Close())
	}
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func view(ctx context.Context, client *moqt.Client, ns relay.Namespace, received *Received) error {
	catalog, err := rig.Catalog(ctx, client, ns)
	if err != nil {
		return err
	}
	for _, track := range catalog.Tracks {
		_, err := client.Subscribe(ctx, ns, track.Name, moqt.SubscribeOptions{
			Filter:   &wire.Filter{Type: wire.LargestObject},
			OnObject: received.add,
		})
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", track.Name, err)
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-client.Done():
		return fmt.Errorf("session ended: %w", client.Err())
	}
}
