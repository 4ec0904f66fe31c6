package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// What is granted ends when the token does: the publisher's session, the subscription, and
// HLS.
func TestTokenExpiresMidSession(t *testing.T) {
	issuer := newIssuer(t, "EdDSA")
	g := startGateway(t, guarded(issuer.file))
	long := issuer.token("live", time.Hour)
	g.pushAs(t, long)
	get(t, g.url("/live/demo/index.m3u8?token="+long))

	short := issuer.token("live", 3*time.Second)
	playlist := g.url("/live/demo/index.m3u8?token=" + short)
	get(t, playlist)
	client, err := quic.Dial(t.Context(), quic.ClientConfig{
		Address: g.web.HTTPSAddr().String(), TLS: certs.Pinned(g.certs.Hash()), Name: "live/by-quic", Token: short,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	caller, err := srt.Call("srt://" + g.srt.Addr().String() + "?streamid=publish:live/by-srt?token=" + short)
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	conn, cfg, err := viaSetup(t, g, short)
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := moqt.NewClient(t.Context(), conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer viewer.Close()
	sub, err := viewer.Subscribe(t.Context(), demoName, "video", moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	published, err := viewer.PublishNamespace(t.Context(), "live/in-moq")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for err == nil {
		_, err = sub.Next(ctx)
	}
	if done, ok := errors.AsType[*moqt.DoneError](err); !ok || done.Code != wire.DoneUnauthorized {
		t.Errorf("the subscription ended with %v", err)
	}
	select {
	case <-client.Context().Done():
	case <-ctx.Done():
	}
	if closed, ok := errors.AsType[*quic.ClosedError](client.Err()); !ok || closed.Code != quic.CodeUnauthorized {
		t.Errorf("the publisher over QUIC ended with %v", client.Err())
	}
	select {
	case <-published.Done():
	case <-ctx.Done():
		t.Error("the publisher over MoQ goes on")
	}
	until(t, 5*time.Second, g.operator("/metrics"), func(_ int, body string) bool {
		return strings.Contains(body, `freshet_srt_ended_total{reason="expired"} 1`)
	})
	if status, body := try(t, playlist); status != http.StatusUnauthorized || !strings.Contains(body, `"reason":"expired"`) {
		t.Errorf("HLS: %d %s", status, body)
	}
}
