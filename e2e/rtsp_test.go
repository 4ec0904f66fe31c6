package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/freshet-live/freshet/e2e/rig"
)

// What ffmpeg publishes over RTSP plays on our page in Chromium over WebTransport.
func TestRTSPPlaysInChromium(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	port, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	media, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	media &^= 1 // RTP has an even port.
	gateway := startGateway(t, rig.GatewayConfig{
		More: fmt.Sprintf("rtsp:\n  address: 127.0.0.1:%d\n  rtp_address: 127.0.0.1:%d\n", port, media),
	})
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			path := "live/" + transport
			url := fmt.Sprintf("rtsp://127.0.0.1:%d/%s", port, path)
			source, err := rig.StartRTSP(context.Background(), artifactDir(t), url, transport, hd, rig.Encoding{})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Stop()
			seen := look(t, ourPage(gateway, path, watchFor(false)))
			report(t, seen)
			plays(t, seen)
			if stats := ourStats(t, seen); stats.Transport != "moq" {
				t.Errorf("our page plays by %q", stats.Transport)
			}
			if p50 := rig.Percentile(seen.Latency, 0.5); p50 > 1000 {
				t.Errorf("median latency %.0f ms", p50)
			}
		})
	}
}
