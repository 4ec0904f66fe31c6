package e2e_test

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"testing"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Players of other people, as they are released, play what the gateway serves.
func TestForeignPlayers(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium", "firefox-esr")
	// Beacons and their keys are none of their business.
	gateway := startGateway(t, rig.GatewayConfig{More: "swarm:\n  enabled: true\n"})
	const path = "live/foreign"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{BFrames: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()

	t.Run("shaka over moqt-16", func(t *testing.T) {
		parameters := url.Values{
			"url":         {gateway.HTTPS("/moq")},
			"namespace":   {path},
			"fingerprint": {gateway.HTTP("/certificate.sha256")},
		}
		viewer := startViewer(t, foreignPage("shaka.html", parameters, watchFor(false), "player.getStats().streamBandwidth"))
		if err := viewer.Playing(); err != nil {
			t.Fatal(err)
		}
		metrics, err := gateway.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if sessions := metrics.Sum("freshet_moqt_sessions", `draft="16"`); sessions != 1 {
			t.Errorf("%v sessions of draft 16", sessions)
		}
		seen, err := viewer.Result()
		if err != nil {
			t.Fatal(err)
		}
		report(t, seen)
		plays(t, seen)
	})
	for _, browser := range []string{"chromium", "firefox"} {
		t.Run("hls.js in "+browser, func(t *testing.T) { playHLS(t, gateway, path, browser) })
	}
}

// playHLS plays with hls.js in its low-latency mode.
func playHLS(t *testing.T, gateway *rig.Gateway, path, browser string) {
	t.Helper()
	parameters := url.Values{"url": {gateway.HTTP("/" + path + "/index.m3u8")}}
	watch := foreignPage("hls.html", parameters, watchFor(false), "({...counts, latency: hls.latency, target: hls.targetLatency})")
	watch.Browser = browser
	seen := look(t, watch)
	report(t, seen)
	plays(t, seen)
	var counts struct {
		Parts, Segments, Fatal int
		Latency                float64
	}
	if err := json.Unmarshal(seen.Stats, &counts); err != nil {
		t.Fatalf("hls.js's figures %s: %v", seen.Stats, err)
	}
	if counts.Parts < 5 || counts.Fatal > 0 {
		t.Errorf("hls.js loaded %d parts, %d segments and met %d fatal errors", counts.Parts, counts.Segments, counts.Fatal)
	}
	if p50 := rig.Percentile(seen.Latency, 0.5); p50 > 2500 {
		t.Errorf("median latency %.0f ms in low-latency mode", p50)
	}
}

// Our own page plays in Firefox ESR too, over WebTransport, and by LL-HLS where
// it is told to or has nothing else.
func TestOurPageInOtherWays(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium", "firefox-esr")
	gateway := startGateway(t, rig.GatewayConfig{})
	const path = "live/ours"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	for _, way := range []struct{ browser, query, transport, carrier string }{
		{"firefox", "", "moq", "webtransport"},
		{"firefox", "?transport=websocket", "moq", "websocket"},
		{"firefox", "?transport=hls", "hls", ""},
		{"chromium", "?transport=hls", "hls", ""},
	} {
		t.Run(way.browser+" "+way.transport, func(t *testing.T) {
			watch := ourPage(gateway, path, watchFor(false))
			watch.Browser = way.browser
			watch.URL += way.query
			seen := look(t, watch)
			report(t, seen)
			plays(t, seen)
			if stats := ourStats(t, seen); stats.Transport != way.transport || stats.Carrier != way.carrier {
				t.Errorf("our page plays by %q over %q", stats.Transport, stats.Carrier)
			}
		})
	}
}

// A network that drops UDP says nothing of it: our page plays over WebSocket then, as soon
// after the camera as over WebTransport.
func TestOurPageWithoutUDP(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	hole, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer hole.Close()
	gateway := startGateway(t, rig.GatewayConfig{MoQURL: "https://" + hole.LocalAddr().String() + "/moq"})
	const path = "live/tcp"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{})
	must(t, err)
	defer source.Stop()
	seen := look(t, ourPage(gateway, path, watchFor(false)))
	report(t, seen)
	plays(t, seen)
	if stats := ourStats(t, seen); stats.Transport != "moq" || stats.Carrier != "websocket" {
		t.Errorf("our page plays by %q over %q", stats.Transport, stats.Carrier)
	}
	if seen.FirstPicture > 3500 {
		t.Errorf("the first picture came after %.0f ms", seen.FirstPicture)
	}
	if p50 := rig.Percentile(seen.Latency, 0.5); p50 >= 550 {
		t.Errorf("median latency %.0f ms", p50)
	}
}
