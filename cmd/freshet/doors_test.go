package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// codes are what a door answers to each kind of token.
type codes struct{ none, path, expired, key, right string }

// All doors refuse what is not shown, is for other broadcasts, has expired, or comes from
// somebody else, each in its own words; and take what is right.
func TestEveryDoorAsksForTheToken(t *testing.T) {
	t.Parallel()
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
