package main

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// A relay whose token is replaced in its file goes on with the new one, and its viewers
// notice nothing. So does one whose certificate is, over WebTransport and QUIC.
func TestRelayCredentialsAreReplaced(t *testing.T) {
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		tokenIsReplaced(t)
	})
	for _, scheme := range []string{"https", "moqt"} {
		t.Run("certificate, "+scheme, func(t *testing.T) {
			t.Parallel()
			certificateIsReplaced(t, scheme)
		})
	}
}

func tokenIsReplaced(t *testing.T) {
	t.Helper()
	issuer := newIssuer(t, "EdDSA")
	origin := startGateway(t, guarded(issuer.file))
	origin.pushAs(t, issuer.token("live", time.Hour))
	cfg := below(origin, origin.moqURL("https"))
	cfg.Relay.TokenFile = filepath.Join(t.TempDir(), "token")
	write := func(lasts time.Duration) {
		if err := os.WriteFile(cfg.Relay.TokenFile, []byte(issuer.token("", lasts)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(8 * time.Second)
	outlives(t, startGateway(t, cfg), func() { write(time.Hour) })
}

func certificateIsReplaced(t *testing.T, scheme string) {
	t.Helper()
	issuer, ca := newIssuer(t, "EdDSA"), newCA(t)
	cfg := guarded(issuer.file)
	cfg.Auth.Relays.CA = ca.file
	origin := startGateway(t, cfg)
	origin.pushAs(t, issuer.token("live", time.Hour))
	cfg = below(origin, origin.moqURL(scheme))
	const name = "spiffe://test/relay/edge/a"
	ca.issue(&cfg.Relay, name)
	ca.renew(&cfg.Relay, name, 8*time.Second)
	outlives(t, startGateway(t, cfg), func() { ca.renew(&cfg.Relay, name, time.Hour) })
}

// outlives watches the demo at an edge for longer than what the edge showed its parent
// lasts; replace gives it another.
func outlives(t *testing.T, edge *running, replace func()) {
	t.Helper()
	get(t, edge.url("/live/demo/index.m3u8"))
	conn, err := quicconn.Dial(t.Context(), edge.web.HTTPSAddr().String(), certs.Pinned(edge.certs.Hash()), wire.Protocols(), nil)
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer viewer.Close()
	sub, err := viewer.Subscribe(t.Context(), demoName, "video", moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	replace()
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	last := time.Now()
	for {
		_, err := sub.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatalf("the viewer's subscription ended: %v", err)
		}
		last = time.Now()
	}
	if waited := time.Since(last); waited > 3*time.Second {
		t.Errorf("nothing came for %v", waited)
	}
	if n := edge.node.Uplink.Connected(); n != 1 {
		t.Errorf("%d parents are connected", n)
	}
	// What ended in time was replaced before: no session was lost to a refusal.
	if lost := strings.Count(edge.said(), "parent lost"); lost != 0 {
		t.Errorf("the parent was lost %d times", lost)
	}
}

// What a relay was granted by its certificate ends with that.
func TestRelayCertificateExpires(t *testing.T) {
	issuer, ca := newIssuer(t, "EdDSA"), newCA(t)
	cfg := guarded(issuer.file)
	cfg.Auth.Relays.CA = ca.file
	origin := startGateway(t, cfg)
	token := issuer.token("live", time.Hour)
	origin.pushAs(t, token)
	get(t, origin.url("/live/demo/index.m3u8?token="+token))
	hash := origin.certs.Hash()
	shown := configs.Relay{Fingerprints: []string{hex.EncodeToString(hash[:])}}
	ca.issue(&shown, "spiffe://test/relay/edge/a")
	ca.renew(&shown, "spiffe://test/relay/edge/a", 4*time.Second)
	byCertificate := func(scheme string) dial {
		return func(t *testing.T, g *running, _ string) (moqt.Conn, moqt.ClientConfig, error) {
			t.Helper()
			conf, err := parentTLS(shown)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := dialMoQ(t.Context(), g.moqURL(scheme), conf, wire.Protocols())
			return conn, moqt.ClientConfig{}, err
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	ends := map[string]func(context.Context) string{
		"https": moqLasting(byCertificate("https"), subscription)(t, origin, ""),
		"moqt":  moqLasting(byCertificate("moqt"), subscription)(t, origin, ""),
	}
	for scheme, end := range ends {
		if got := end(ctx); got != "done: 0x1" {
			t.Errorf("%s: %q", scheme, got)
		}
	}
}

// A relay is known by its certificate, over WebTransport and QUIC; another certificate, or
// another name, is none.
func TestRelaysByCertificate(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	cfg := guarded(newIssuer(t, "EdDSA").file)
	cfg.Auth.Relays = configs.AuthRelays{CA: ca.file, Names: []string{"spiffe://test/relay/edge/*"}}
	cfg.SRT.Passphrase = ""
	cfg.SRT.Streams = []configs.Stream{{Path: "live/own", Passphrase: "its-own-secret"}}
	origin := startGateway(t, cfg)
	if _, err := origin.node.Relay.Publish("live/own"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, scheme string
		issue        func(c *configs.Relay)
		want         bool
	}{
		{"WebTransport", "https", func(c *configs.Relay) { ca.issue(c, "spiffe://test/relay/edge/a") }, true},
		{"QUIC", "moqt", func(c *configs.Relay) { ca.issue(c, "spiffe://test/relay/edge/a") }, true},
		{"another name", "moqt", func(c *configs.Relay) { ca.issue(c, "spiffe://test/relay/mid/a") }, false},
		{"another CA", "https", func(c *configs.Relay) { newCA(t).issue(c, "spiffe://test/relay/edge/a") }, false},
		{"no certificate", "moqt", func(*configs.Relay) {}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hash := origin.certs.Hash()
			c := configs.Relay{Fingerprints: []string{hex.EncodeToString(hash[:])}}
			tt.issue(&c)
			conf, err := parentTLS(c)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := dialMoQ(t.Context(), origin.moqURL(tt.scheme), conf, wire.Protocols())
			if err != nil {
				t.Fatal(err)
			}
			client, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			got, err := discovers(t.Context(), client)
			if _, refused := errors.AsType[*moqt.RequestError](err); refused == tt.want || (got == "live/own") != tt.want {
				t.Errorf("told of %q, %v", got, err)
			}
			// A relay watches and does not publish.
			if _, err := client.PublishNamespace(t.Context(), "live/x"); err == nil {
				t.Error("it may publish")
			}
		})
	}
}
