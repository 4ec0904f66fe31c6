package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/freshet-live/freshet/auth"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/push"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// issuer mints tokens for a gateway that has its public key.
type issuer struct {
	t    *testing.T
	key  []byte
	file string // Of the public key.
}

func newIssuer(t *testing.T, algorithm string) *issuer {
	t.Helper()
	private, public, err := auth.GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: private, file: filepath.Join(t.TempDir(), "keys.pem")}
	if err := os.WriteFile(i.file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// token grants all below root for a while.
func (i *issuer) token(root string, lasts time.Duration) string {
	i.t.Helper()
	token, err := auth.Mint(i.key, "", auth.Claims{
		Root: root, Put: auth.Paths{""}, Get: auth.Paths{""},
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(lasts))},
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

// guarded is the configuration of a gateway with every door, that asks for the
// issuer's tokens.
func guarded(keys string) configs.Config {
	cfg := loopback()
	cfg.Auth.Keys = keys
	cfg.RTSP.Address, cfg.RTSP.RTPAddress = "127.0.0.1:0", ""
	cfg.MoQ.Publish, cfg.QUIC.Publish = true, true
	return cfg
}

// pushAs plays the demo's clip with a token until the test ends.
func (r *running) pushAs(t *testing.T, token string) {
	t.Helper()
	clip, err := push.Clip(demoClip)
	if err != nil {
		t.Fatal(err)
	}
	status, log := &push.Status{}, slog.New(slog.DiscardHandler)
	to := fmt.Sprintf("srt://%s?streamid=%%23!::r=%s,m=publish,s=%s", r.srt.Addr(), demoName, token)
	output, err := push.NewOutput(push.OutputConfig{To: to, Status: status, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- push.Run(ctx, clip, output, push.NewQueue(time.Second), status) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// codes are what a door answers to each kind of token.
type codes struct{ none, path, expired, key, right string }

// All doors refuse what is not shown, is for other broadcasts, has expired, or comes from
// somebody else, each in its own words; and take what is right.
func TestEveryDoorAsksForTheToken(t *testing.T) {
	issuer := newIssuer(t, "EdDSA")
	g := startGateway(t, guarded(issuer.file))
	g.pushAs(t, issuer.token("live", time.Hour))
	get(t, g.url("/live/demo/index.m3u8?token="+issuer.token("live", time.Hour)))

	tokens := []struct {
		name, token string
		want        func(codes) string
	}{
		{"no token", "", func(c codes) string { return c.none }},
		{"wrong path", issuer.token("live2", time.Hour), func(c codes) string { return c.path }},
		{"expired", issuer.token("live", -time.Second), func(c codes) string { return c.expired }},
		{"wrong key", newIssuer(t, "EdDSA").token("live", time.Hour), func(c codes) string { return c.key }},
		{"right token", issuer.token("live", time.Hour), func(c codes) string { return c.right }},
	}
	moq := codes{"unauthorized", "unauthorized", "expired_auth_token", "unauthorized", ""}
	web := codes{"401", "403", "401", "401", "200"}
	doors := []struct {
		name string
		ask  func(t *testing.T, g *running, token string) string
		codes
	}{
		{"MoQ, WebTransport, publish", moqDoor(viaWebTransport, publishes), moq},
		{"MoQ, WebTransport, subscribe", moqDoor(viaWebTransport, subscribes), moq},
		{"MoQ, WebTransport, token in SETUP", moqDoor(viaSetup, subscribes), moq},
		{"MoQ, QUIC, publish", moqDoor(viaSetup, publishes), moq},
		{"MoQ, QUIC, subscribe", moqDoor(viaPath, subscribes), moq},
		{"MoQ, QUIC, namespaces", moqDoor(viaPath, discovers), codes{"unauthorized", "", "expired_auth_token", "unauthorized", "live/demo"}},
		{"SRT", askSRT, codes{"1401", "1403", "1401", "1401", ""}},
		{"TS over QUIC", askQUIC, codes{"0x21", "0x22", "0x21", "0x21", ""}},
		{"RTSP, password", askRTSP(basicAuth), web},
		{"RTSP, query", askRTSP(inQuery), web},
		{"HLS, playlist", askHTTP("/live/demo/index.m3u8"), web},
		{"HLS, playlist of a rendition", askHTTP("/live/demo/video/index.m3u8"), web},
		{"HLS, media", askHTTP("/live/demo/video/init.mp4"), codes{"401", "403", "401", "401", "404"}},
		{"API", askHTTP("/v1/broadcasts"), codes{"401", "200", "401", "401", "200 live/demo"}},
	}
	for _, door := range doors {
		for _, tt := range tokens {
			t.Run(door.name+"/"+tt.name, func(t *testing.T) {
				if got, want := door.ask(t, g, tt.token), tt.want(door.codes); got != want {
					t.Errorf("answered %q, want %q", got, want)
				}
			})
		}
	}
	metrics := get(t, g.operator("/metrics"))
	for _, door := range []string{"moq", "srt", "quic", "rtsp", "hls", "api"} {
		if want := fmt.Sprintf(`freshet_auth_refused_total{door=%q,reason="expired"}`, door); !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// dial connects a MoQ client that shows a token.
type dial func(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error)

func viaWebTransport(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := wtconn.Dial(t.Context(), g.moqURL("https")+"?jwt="+token, certs.Pinned(g.certs.Hash()), wire.Protocols(), nil, nil)
	return conn, moqt.ClientConfig{}, err
}

func viaPath(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), wire.Protocols(), nil)
	return conn, moqt.ClientConfig{Path: "/moq?token=" + token}, err
}

func viaSetup(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), []string{"moqt-16"}, nil)
	return conn, moqt.ClientConfig{AuthToken: token}, err
}

func moqDoor(dial dial, act func(context.Context, *moqt.Client) (string, error)) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		conn, cfg, err := dial(t, g, token)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		client, err := moqt.NewClient(ctx, conn, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		got, err := act(ctx, client)
		if refused, ok := errors.AsType[*moqt.RequestError](err); ok {
			return refused.Code.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func publishes(ctx context.Context, c *moqt.Client) (string, error) {
	p, err := c.PublishNamespace(ctx, relay.Namespace("live/in-moq"))
	if err == nil {
		_ = p.Close()
	}
	return "", err
}

func subscribes(ctx context.Context, c *moqt.Client) (string, error) {
	sub, err := c.Subscribe(ctx, demoName, "video", moqt.SubscribeOptions{})
	if err == nil {
		sub.Close()
	}
	return "", err
}

// discovers gives the first broadcast that is announced within a moment.
func discovers(ctx context.Context, c *moqt.Client) (string, error) {
	sub, err := c.SubscribeNamespace(ctx, "")
	if err != nil {
		return "", err
	}
	defer sub.Close()
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	a, err := sub.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return "", nil
	}
	return string(a.Namespace), err
}

func askSRT(t *testing.T, g *running, token string) string {
	t.Helper()
	caller, err := srt.Call("srt://" + g.srt.Addr().String() + "?streamid=%23!::r=live/by-srt,m=publish,token=" + token)
	if refused, ok := errors.AsType[*srt.RejectedError](err); ok {
		return fmt.Sprint(refused.Code)
	}
	if err != nil {
		t.Fatal(err)
	}
	caller.Close()
	return ""
}

func askQUIC(t *testing.T, g *running, token string) string {
	t.Helper()
	client, err := quic.Dial(t.Context(), quic.ClientConfig{
		Address: g.web.HTTPSAddr().String(), TLS: certs.Pinned(g.certs.Hash()), Name: "live/by-quic", Token: token,
	})
	if closed, ok := errors.AsType[*quic.ClosedError](err); ok {
		return fmt.Sprintf("%#x", uint64(closed.Code))
	}
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	return ""
}

func basicAuth(url, token string) (string, string) {
	if token == "" {
		return url, ""
	}
	req := http.Request{Header: make(http.Header)}
	req.SetBasicAuth("anybody", token)
	return url, "Authorization: " + req.Header.Get("Authorization") + "\r\n"
}

func inQuery(url, token string) (string, string) { return url + "?jwt=" + token, "" }

func askRTSP(show func(url, token string) (newURL, header string)) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
			"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=control:streamid=0\r\n"
		conn, err := net.Dial("tcp", g.rtsp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		// A path of its own for each: a name stays with its publisher for a while.
		url, header := show(fmt.Sprintf("rtsp://%s/live/by-rtsp-%d", g.rtsp.Addr(), time.Now().UnixNano()), token)
		fmt.Fprintf(conn, "ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\n%sContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", url, header, len(sdp), sdp)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(line)[1]
	}
}

// askHTTP gives the status, and whether a list names the broadcast.
func askHTTP(path string) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		status, body := try(t, g.url(path+"?token="+token))
		if strings.Contains(body, `"name":"live/demo"`) {
			return fmt.Sprintf("%d live/demo", status)
		}
		return fmt.Sprint(status)
	}
}

// A player needs the token in the first URL alone; with a header in none. What it may not
// have, it is told in words.
func TestPlaylistsCarryTheToken(t *testing.T) {
	issuer := newIssuer(t, "ES256")
	g := startGateway(t, guarded(issuer.file))
	token := issuer.token("live", time.Hour)
	g.pushAs(t, token)
	variants := get(t, g.url("/live/demo/index.m3u8?token="+token))
	media := get(t, g.url("/live/demo/video/index.m3u8?token="+token))
	for _, text := range []string{variants, media} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, ".m3u8") || strings.Contains(line, ".mp4") || strings.Contains(line, ".m4s") {
				if !strings.Contains(line, "?token="+token) {
					t.Errorf("%q does not carry the token", line)
				}
			}
		}
	}
	_, rest, ok := strings.Cut(media, `#EXT-X-MAP:URI="`)
	header, _, _ := strings.Cut(rest, `"`)
	if status, _ := try(t, g.url("/live/demo/video/"+header)); !ok || status != http.StatusOK {
		t.Errorf("%s: %d", header, status)
	}
	req, err := http.NewRequest(http.MethodGet, g.url("/live/demo/index.m3u8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(body, []byte("token=")) {
		t.Errorf("with a header: %s %s %v", resp.Status, body, err)
	}
	if _, body := try(t, g.url("/live/demo/index.m3u8")); !strings.Contains(body, `"reason":"no_token"`) {
		t.Errorf("without: %s", body)
	}
}

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

// Without keys this machine is served, others are told what to set, and what comes by a
// proxy is of others.
func TestClosedByDefault(t *testing.T) {
	g := startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	req, err := http.NewRequest(http.MethodGet, g.url("/live/demo/index.m3u8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", "192.0.2.7")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte("auth.open")) {
		t.Errorf("by a proxy: %s %s %v", resp.Status, body, err)
	}
}

// The keys in the file change, and tokens of the new ones count; those of the old do not.
func TestKeysRotate(t *testing.T) {
	old, fresh := newIssuer(t, "RS256"), newIssuer(t, "EdDSA")
	g := startGateway(t, guarded(old.file))
	list := func(i *issuer) string { return g.url("/v1/broadcasts?token=" + i.token("", time.Hour)) }
	if status, body := try(t, list(old)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	text, err := os.ReadFile(fresh.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, 10*time.Second, list(fresh), func(status int, _ string) bool { return status == http.StatusOK })
	if status, body := try(t, list(old)); status != http.StatusUnauthorized || !strings.Contains(body, `"reason":"wrong_key"`) {
		t.Errorf("a token of the key before: %d %s", status, body)
	}
}

// A relay whose token is replaced in its file goes on with the new one, and its viewers
// notice nothing.
func TestRelayTokenIsReplaced(t *testing.T) {
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
	edge := startGateway(t, cfg)
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
	write(time.Hour)
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
}

// A relay is known by its certificate, over WebTransport and QUIC; another certificate, or
// another name, is none.
func TestRelaysByCertificate(t *testing.T) {
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
