package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// A node that could not feed one more turns new viewers away, over MoQ and LL-HLS, and
// says when to come back. Who watches goes on, and may have more; so do relays.
func TestAdmission(t *testing.T) {
	cfg := loopback()
	cfg.Swarm.Enabled, cfg.Swarm.Admission, cfg.Swarm.Capacity = true, configs.AdmissionRefuse, 0.001
	origin := startGateway(t, cfg)
	origin.push(t)
	get(t, origin.url("/live/demo/index.m3u8"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	watch := func() *moqt.Client {
		conn, err := wtconn.Dial(ctx, origin.moqURL("https"), certs.Pinned(origin.certs.Hash()), wire.Protocols(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	first := watch()
	next(ctx, t, first, msf.TrackName)
	sub, err := first.Subscribe(ctx, demoName, "video", moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for !origin.full() {
		if _, err := sub.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	_, err = watch().Subscribe(ctx, demoName, msf.TrackName, moqt.SubscribeOptions{})
	if refused, ok := errors.AsType[*moqt.RequestError](err); !ok || refused.Code != wire.RequestExcessiveLoad || refused.RetryAfter != retryWhenFull {
		t.Errorf("a new viewer is answered %v", err)
	}
	next(ctx, t, first, msf.TrackName)
	next(ctx, t, first, "audio")
	answer, err := http.Get(origin.url("/live/demo/index.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "10" {
		t.Errorf("a new viewer over LL-HLS is answered %s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
	get(t, origin.url("/live/demo/video/index.m3u8"))

	edge := startGateway(t, below(origin, origin.moqURL("https")))
	get(t, edge.url("/live/demo/index.m3u8"))
}
