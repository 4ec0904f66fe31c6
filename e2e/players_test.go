package e2e_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Players of other people, as they are released, play what the gateway serves.
func TestForeignPlayers(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium", "firefox-esr")
	gateway := startGateway(t, rig.GatewayConfig{})
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
		seen := look(t, foreignPage("shaka.html", parameters, watchFor(false), "player.getStats().streamBandwidth"))
		report(t, seen)
		plays(t, seen)
		metrics, err := gateway.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("sessions so far: %v", metrics["freshet_moqt_sessions_total"])
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
	if p50 := rig.Percentile(seen.Latency, 0.5); p50 > 3500 {
		t.Errorf("median latency %.0f ms in low-latency mode", p50)
	}
}

// Without WebTransport our own page falls back to LL-HLS by itself: Firefox ESR
// has none, and Chromium is told to.
func TestOurPageFallsBackToHLS(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium", "firefox-esr")
	gateway := startGateway(t, rig.GatewayConfig{})
	const path = "live/fallback"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	for browser, query := range map[string]string{"firefox": "", "chromium": "?transport=hls"} {
		t.Run(browser, func(t *testing.T) {
			watch := ourPage(gateway, path, watchFor(false))
			watch.Browser = browser
			watch.URL += query
			seen := look(t, watch)
			report(t, seen)
			plays(t, seen)
			if stats := ourStats(t, seen); stats.Transport != "hls" {
				t.Errorf("our page plays by %q", stats.Transport)
			}
		})
	}
}
