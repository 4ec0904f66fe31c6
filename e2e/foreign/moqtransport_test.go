package foreign

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/Eyevinn/moqtransport"
	"github.com/Eyevinn/moqtransport/quicmoq"
	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// serve publishes "live/cam1" over QUIC on loopback.
func serve(t *testing.T) (b *relay.Broadcast, addr string, pinned *tls.Config) {
	t.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	source, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := moqt.NewServer(moqt.Config{Relay: r})
	l, err := quicconn.New(quicconn.Config{
		Addr:      "127.0.0.1:0",
		TLS:       &tls.Config{GetCertificate: source.GetCertificate},
		Protocols: wire.Protocols(),
		MoQ: func(ctx context.Context, conn moqt.Conn) {
			if err := server.Serve(ctx, conn); err != nil && !errors.Is(err, context.Canceled) {
				t.Logf("session ended: %v", err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b, l.Addr().String(), certs.Pinned(source.Hash())
}

// dial sets up a session of Eyevinn/moqtransport with draft 16.
func dial(t *testing.T, ctx context.Context, addr string, pinned *tls.Config) *moqtransport.Session {
	t.Helper()
	cfg := pinned.Clone()
	cfg.NextProtos = []string{"moqt-16"}
	conn, err := quic.DialAddr(ctx, addr, cfg, &quic.Config{EnableDatagrams: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	s := &moqtransport.Session{InitialMaxRequestID: 100}
	if err := s.RunContext(ctx, quicmoq.NewClient(conn)); err != nil {
		t.Fatalf("set up: %v", err)
	}
	return s
}

func publish(t *testing.T, b *relay.Broadcast, track string, group uint64, n int) *relay.Group {
	t.Helper()
	tr, ok := b.Track(track)
	if !ok {
		var err error
		if tr, err = b.NewTrack(track, relay.TrackConfig{Window: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := tr.NewGroup(group)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		add(t, g)
	}
	return g
}

func add(t *testing.T, g *relay.Group) {
	t.Helper()
	payload := fmt.Appendf(nil, "%d/%d", g.ID(), g.Len())
	if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, ctx context.Context, track *moqtransport.RemoteTrack, want ...string) {
	t.Helper()
	for _, w := range want {
		o, err := track.ReadObject(ctx)
		if err != nil {
			t.Fatalf("want %s: %v", w, err)
		}
		place := fmt.Sprintf("%d/%d", o.GroupID, o.ObjectID)
		if place != w || string(o.Payload) != w {
			t.Fatalf("got %s with %q; want %s", place, o.Payload, w)
		}
	}
}

// Eyevinn/moqtransport v0.9.0 at draft 16: subscribe, the catalog by Largest
// Object alone, refusals, unsubscribe, the end. Its FETCH and TRACK_STATUS still
// have draft 14's layout, so they are left out.
func TestMoqtransport16(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	b, addr, pinned := serve(t)
	publish(t, b, "video", 1000, 2)
	newest := publish(t, b, "video", 1001, 2)
	publish(t, b, "catalog", 1000, 1)
	s := dial(t, ctx, addr, pinned)
	ns := []string{"live", "cam1"}

	video, err := s.Subscribe(ctx, ns, "video")
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	if l, ok := video.LargestLocation(); !ok || l != (moqtransport.Location{Group: 1001, Object: 1}) {
		t.Errorf("largest is %v, %t", l, ok)
	}
	add(t, newest)
	expect(t, ctx, video, "1001/2")

	time.Sleep(300 * time.Millisecond) // The catalog's group settles on the real clock.
	catalog, err := s.Subscribe(ctx, ns, "catalog")
	if err != nil {
		t.Fatalf("subscribe to the catalog: %v", err)
	}
	expect(t, ctx, catalog, "1000/0")

	if _, err := s.Subscribe(ctx, ns, "nothing"); err == nil {
		t.Error("a track that is not there was accepted")
	}
	if err := s.Announce(ctx, []string{"live", "mine"}); err == nil {
		t.Error("a namespace was accepted")
	}
	if err := video.Close(); err != nil {
		t.Errorf("unsubscribe: %v", err)
	}
	publish(t, b, "catalog", 1001, 1)
	expect(t, ctx, catalog, "1001/0")
	b.Close(nil)
	if _, err := catalog.ReadObject(ctx); err == nil {
		t.Error("the track has ended, and there is an object")
	}
}
