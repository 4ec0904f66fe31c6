package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// An edge has all that its viewers watch from one parent, over one session, where a
// viewer may not have so much.
func TestRelayOfManyTracks(t *testing.T) {
	t.Parallel()
	const broadcasts, viewers = 300, 6
	origin := startGateway(t, loopback())
	for i := range broadcasts {
		b, err := origin.node.Relay.Publish(relay.Namespace(fmt.Sprintf("live/%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close(nil) })
		track, err := b.NewTrack("data", relay.TrackConfig{Window: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := track.StartGroup(1, relay.Object{Payload: []byte{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, scheme := range []string{"https", "moqt"} {
		t.Run(scheme, func(t *testing.T) {
			edge := startGateway(t, below(origin, origin.moqURL(scheme)))
			until(t, 10*time.Second, "http://"+edge.ops.Addr().String()+"/readyz", func(status int, _ string) bool { return status == http.StatusOK })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var got atomic.Int64
			var watching sync.WaitGroup
			for v := range viewers {
				conn, err := quicconn.Dial(ctx, edge.web.HTTPSAddr().String(), certs.Pinned(edge.certs.Hash()), wire.Protocols(), nil)
				if err != nil {
					t.Fatal(err)
				}
				client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				for i := v; i < broadcasts; i += viewers {
					watching.Go(func() {
						sub, err := client.Subscribe(ctx, relay.Namespace(fmt.Sprintf("live/%d", i)), "data", moqt.SubscribeOptions{})
						if err != nil {
							t.Errorf("live/%d: %v", i, err)
							return
						}
						// Until all are there, so that the edge has all of them at one time.
						got.Add(1)
						for got.Load() < broadcasts && ctx.Err() == nil {
							time.Sleep(10 * time.Millisecond)
						}
						_ = sub.Close()
					})
				}
			}
			watching.Wait()
			if n := got.Load(); n != broadcasts {
				t.Errorf("%d of %d tracks", n, broadcasts)
			}
		})
	}
}
