package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
)

// lasting begins something with a token that goes on for ever, and gives what waits for
// its end and tells how it ended.
type lasting func(t *testing.T, g *running, token string) (end func(context.Context) string)

// What is granted ends when the token does, at every door, in its own words; what was
// granted for longer goes on.
func TestTokenExpiresMidSession(t *testing.T) {
	const lasts = 3 * time.Second
	issuer := newIssuer(t, "EdDSA")
	g := startGateway(t, guarded(issuer.file))
	long := issuer.token("live", time.Hour)
	g.pushAs(t, long)
	get(t, g.url("/live/demo/index.m3u8?token="+long))

	doors := []struct {
		name  string
		begin lasting
		want  string
	}{
		{"MoQ, WebTransport, subscribe", moqLasting(viaWebTransport, subscription), "done: 0x1"},
		{"MoQ, QUIC, subscribe", moqLasting(viaPath, subscription), "done: 0x1"},
		{"MoQ, token in SETUP, subscribe", moqLasting(viaSetup, subscription), "done: 0x1"},
		{"MoQ, namespaces", moqLasting(viaPath, namespaces), "ended"},
		{"MoQ, PUBLISH_NAMESPACE", moqLasting(viaPath, namespaceOf("live/moq-18")), "ended"},
		{"MoQ, PUBLISH_NAMESPACE, draft 16", moqLasting(viaSetup, namespaceOf("live/moq-16")), "unauthorized"},
		{"MoQ, PUBLISH", moqLasting(viaPath, trackOf("live/track-18")), "ended"},
		{"MoQ, PUBLISH, draft 16", moqLasting(viaSetup, trackOf("live/track-16")), "ended"},
		{"SRT", lastingSRT, "ended"},
		{"TS over QUIC", lastingQUIC, "0x21"},
		{"RTSP", lastingRTSP, "hung up"},
		{"HLS", lastingHTTP("/live/demo/video/index.m3u8"), `401 expired`},
		{"API", lastingHTTP("/v1/broadcasts"), `401 expired`},
	}
	forever := moqLasting(viaPath, subscription)(t, g, long)
	short := issuer.token("live", lasts)
	expires := time.Now().Truncate(time.Second).Add(lasts) // Claims count in seconds.
	ends := make([]func(context.Context) string, len(doors))
	for i, door := range doors {
		ends[i] = door.begin(t, g, short)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	var waiting sync.WaitGroup
	for i, door := range doors {
		waiting.Go(func() {
			if got := ends[i](ctx); got != door.want {
				t.Errorf("%s: %q, want %q", door.name, got, door.want)
			}
			if time.Now().Before(expires) {
				t.Errorf("%s ended before the token", door.name)
			}
		})
	}
	waiting.Wait()
	for _, ended := range []string{`freshet_srt_ended_total{reason="expired"} 1`, `freshet_rtsp_ended_total{reason="expired"} 1`} {
		until(t, 5*time.Second, g.operator("/metrics"), func(_ int, body string) bool { return strings.Contains(body, ended) })
	}
	moment, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if got := forever(moment); got != "goes on" {
		t.Errorf("what was granted for an hour: %q", got)
	}
}

// said puts the end of something into a word.
func said(ctx context.Context, err error) string {
	if refused, ok := errors.AsType[*moqt.RequestError](err); ok {
		return refused.Code.String()
	}
	if done, ok := errors.AsType[*moqt.DoneError](err); ok {
		return fmt.Sprintf("done: %#x", uint64(done.Code))
	}
	if closed, ok := errors.AsType[*quic.ClosedError](err); ok {
		return fmt.Sprintf("%#x", uint64(closed.Code))
	}
	if ctx.Err() != nil {
		return "goes on"
	}
	return "ended"
}

// moqPeer is a MoQ client, and what it may publish from.
type moqPeer struct {
	*moqt.Client
	relay *relay.Relay
}

// moqLasting does something as a MoQ client; act gives what waits for its end.
func moqLasting(dial dial, act func(*testing.T, moqPeer) func(context.Context) error) lasting {
	return func(t *testing.T, g *running, token string) func(context.Context) string {
		t.Helper()
		conn, cfg, err := dial(t, g, token)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Relay = relay.New(relay.Config{})
		client, err := moqt.NewClient(t.Context(), conn, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		end := act(t, moqPeer{client, cfg.Relay})
		return func(ctx context.Context) string { return said(ctx, end(ctx)) }
	}
}

func subscription(t *testing.T, p moqPeer) func(context.Context) error {
	t.Helper()
	sub, err := p.Subscribe(t.Context(), demoName, "video", moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error {
		for {
			if _, err := sub.Next(ctx); err != nil {
				return err
			}
		}
	}
}

func namespaces(t *testing.T, p moqPeer) func(context.Context) error {
	t.Helper()
	sub, err := p.SubscribeNamespace(t.Context(), "live")
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error {
		for {
			if _, err := sub.Next(ctx); err != nil {
				return err
			}
		}
	}
}

// ending is a publication.
type ending interface {
	Done() <-chan struct{}
	Err() error
}

func endOf(p ending) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-p.Done():
			return p.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func namespaceOf(name relay.Namespace) func(*testing.T, moqPeer) func(context.Context) error {
	return func(t *testing.T, p moqPeer) func(context.Context) error {
		t.Helper()
		publication, err := p.PublishNamespace(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return endOf(publication)
	}
}

func trackOf(name relay.Namespace) func(*testing.T, moqPeer) func(context.Context) error {
	return func(t *testing.T, p moqPeer) func(context.Context) error {
		t.Helper()
		b, err := p.relay.Publish(name)
		if err != nil {
			t.Fatal(err)
		}
		track, err := b.NewTrack("data", relay.TrackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		publication, err := p.Publish(t.Context(), track)
		if err != nil {
			t.Fatal(err)
		}
		return endOf(publication)
	}
}

// lastingSRT sends nothing, and learns from the connection that it was closed.
func lastingSRT(t *testing.T, g *running, token string) func(context.Context) string {
	t.Helper()
	caller, err := srt.Call("srt://" + g.srt.Addr().String() + "?streamid=publish:live/by-srt?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(caller.Close)
	return func(ctx context.Context) string {
		return said(ctx, caller.Receive(ctx, func([]byte) error { return nil }))
	}
}

func lastingQUIC(t *testing.T, g *running, token string) func(context.Context) string {
	t.Helper()
	client, err := quic.Dial(t.Context(), quic.ClientConfig{
		Address: g.web.HTTPSAddr().String(), TLS: certs.Pinned(g.certs.Hash()), Name: "live/by-quic", Token: token,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return func(ctx context.Context) string {
		select {
		case <-client.Context().Done():
		case <-ctx.Done():
		}
		return said(ctx, client.Err())
	}
}

func lastingRTSP(t *testing.T, g *running, token string) func(context.Context) string {
	t.Helper()
	conn, err := net.Dial("tcp", g.rtsp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	url := fmt.Sprintf("rtsp://%s/live/by-rtsp", g.rtsp.Addr())
	answers := bufio.NewReader(conn)
	ask := func(text string) {
		t.Helper()
		if _, err := fmt.Fprint(conn, text); err != nil {
			t.Fatal(err)
		}
		if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Fatalf("%q: %q %v", text, line, err)
		}
		for line := ""; line != "\r\n"; {
			if line, err = answers.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, credentials := basicAuth(url, token)
	ask(announceRTSP(url, credentials))
	ask("SETUP " + url + "/streamid=0 RTSP/1.0\r\nCSeq: 2\r\n" + credentials + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\r\n\r\n")
	return func(ctx context.Context) string {
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
		defer stop()
		_, err := answers.ReadByte()
		if said := said(ctx, err); said != "ended" {
			return said
		}
		return "hung up"
	}
}

// lastingHTTP asks again and again, as players do.
func lastingHTTP(path string) lasting {
	return func(t *testing.T, g *running, token string) func(context.Context) string {
		t.Helper()
		url := g.url(path + "?token=" + token)
		get(t, url)
		return func(ctx context.Context) string {
			for ctx.Err() == nil {
				status, body := try(t, url)
				if status != http.StatusOK {
					var refusal struct{ Reason string }
					_ = json.Unmarshal([]byte(body), &refusal)
					return fmt.Sprint(status, " ", refusal.Reason)
				}
				time.Sleep(100 * time.Millisecond)
			}
			return "goes on"
		}
	}
}
