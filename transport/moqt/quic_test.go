package moqt_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// listenQUIC serves the origin over QUIC on loopback until the test ends.
func listenQUIC(tb testing.TB, o *origin) (addr string, pinned *tls.Config) {
	tb.Helper()
	source, err := certs.New(certs.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	l, err := quicconn.New(quicconn.Config{
		Addr:      "127.0.0.1:0",
		TLS:       &tls.Config{GetCertificate: source.GetCertificate},
		Protocols: wire.Protocols(),
		MoQ:       func(ctx context.Context, conn moqt.Conn) { _ = o.server.Serve(ctx, conn) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return l.Addr().String(), certs.Pinned(source.Hash())
}

// The whole way over real QUIC: join, live objects, fetch, the end.
func TestOverQUIC(t *testing.T) {
	for _, protocol := range wire.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			o := newOrigin(t, nil)
			video := o.track("video")
			o.group(video, 1, 2)
			addr, pinned := listenQUIC(t, o)
			ctx := ctxFor(t, 20*time.Second)
			conn, err := quicconn.Dial(ctx, addr, pinned, []string{protocol}, nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := moqt.NewClient(context.Background(), conn, moqt.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			sub := subscribe(t, c, "video", moqt.SubscribeOptions{Filter: filter(wire.LargestObject, relay.Location{}, 0)})
			f, err := c.JoinRelative(ctx, sub, 0, moqt.FetchOptions{})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, f, "1/0", "1/1")
			g := o.group(video, 2, 1)
			big := make([]byte, 300<<10) // Many packets, several turns.
			if err := g.Append(relay.Object{Payload: big, Complete: time.Now()}); err != nil {
				t.Fatal(err)
			}
			g.Close()
			// Nothing more of group 1 passed the filter, so only its end may come.
			for {
				ob, err := sub.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if ob.Location == (relay.Location{Group: 2, Object: 1}) && len(ob.Payload) == len(big) {
					break
				}
			}
			video.Close(nil)
			expect(t, sub, "2 end")
			_, err = sub.Next(ctx)
			wantDone(t, err, wire.DoneTrackEnded)
		})
	}
}
