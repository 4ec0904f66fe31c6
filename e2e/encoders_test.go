package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/freshet-live/freshet/e2e/rig"
)

// hd is what most people send; small is for tests that are about other things.
var (
	hd    = rig.Camera{Width: 1280, Height: 720, Rate: 30}
	small = rig.Camera{Width: 640, Height: 360, Rate: 30}
)

// No space and no sign that URLs escape: each tool has its own idea of those.
const secret = "correct-horse-battery-staple"

// encoder is one way to push; start returns what stops it.
type encoder struct {
	name     string
	streamID string // of the path %s, each in another accepted form
	// median is what half of the pictures may take from the camera to the screen,
	// in ms, with 120 ms of SRT latency in it. The aim is 500 for all; those that
	// reach it with little to spare, or not, have more on a busy machine.
	median float64
	start  func(ctx context.Context, dir string, target rig.Target) (*rig.Encoder, error)
}

var encoders = []encoder{
	{"ffmpeg", "publish:%s", 500, func(ctx context.Context, dir string, target rig.Target) (*rig.Encoder, error) {
		return rig.StartFFmpeg(ctx, dir, target, hd, rig.Encoding{})
	}},
	{"ffmpeg with B-frames", "#!::r=%s,m=publish,u=e2e", 550, func(ctx context.Context, dir string, target rig.Target) (*rig.Encoder, error) {
		return rig.StartFFmpeg(ctx, dir, target, hd, rig.Encoding{BFrames: 2})
	}},
	{"gstreamer", "%s", 550, func(ctx context.Context, dir string, target rig.Target) (*rig.Encoder, error) {
		return rig.StartGStreamer(ctx, dir, target, hd)
	}},
	{"srt-live-transmit", "publish:%s", 550, func(ctx context.Context, dir string, target rig.Target) (*rig.Encoder, error) {
		return rig.StartLiveTransmit(ctx, dir, target, hd, rig.Encoding{})
	}},
}

// Every encoder, in the clear and encrypted, plays on our page in Chromium over
// WebTransport, without a stall and soon enough.
func TestEncodersPlayInChromium(t *testing.T) {
	rig.Need(t, "ffmpeg", "gst-launch-1.0", "srt-live-transmit", "node", "chromium")
	gateway := startGateway(t, rig.GatewayConfig{Passphrases: map[string]string{"secret/*": secret}})
	for n, encoder := range encoders {
		t.Run(encoder.name, func(t *testing.T) {
			playThrough(t, gateway, encoder, fmt.Sprintf("live/cam%d", n), "", n == 0)
		})
		t.Run(encoder.name+" encrypted", func(t *testing.T) {
			playThrough(t, gateway, encoder, fmt.Sprintf("secret/cam%d", n), secret, false)
		})
	}
}

func playThrough(t *testing.T, gateway *rig.Gateway, encoder encoder, path, passphrase string, long bool) {
	t.Helper()
	target := rig.Target{Gateway: gateway, StreamID: fmt.Sprintf(encoder.streamID, path), Passphrase: passphrase}
	source, err := encoder.start(context.Background(), artifactDir(t), target)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	seen := look(t, ourPage(gateway, path, watchFor(long)))
	report(t, seen)
	plays(t, seen)
	stats := ourStats(t, seen)
	if stats.Transport != "moq" {
		t.Errorf("our page plays by %q", stats.Transport)
	}
	if p50 := rig.Percentile(seen.Latency, 0.5); p50 >= encoder.median {
		t.Errorf("median latency %.0f ms, not below %.0f", p50, encoder.median)
	}
}

// report prints the figures that people ask for.
func report(t *testing.T, seen *rig.Seen) {
	t.Helper()
	media, wall := seen.Advanced()
	t.Logf("camera to screen p50 %.0f ms, p95 %.0f ms; first picture after %.0f ms; %.1f s played in %.1f s; "+
		"%d pictures (%d unreadable), longest gap %.0f ms, stalls %.0f ms, seeks %d; player says %s",
		rig.Percentile(seen.Latency, 0.5), rig.Percentile(seen.Latency, 0.95), seen.FirstPicture, media, wall,
		seen.Frames, seen.Unreadable, seen.LongestGap, seen.Stalls, seen.Seeks, seen.Stats)
}

// plays checks that a stream was shown all the time. A machine with two busy
// cores may pause a browser for a moment; a stall is longer.
func plays(t *testing.T, seen *rig.Seen) {
	t.Helper()
	media, wall := seen.Advanced()
	if media < 0.9*wall {
		t.Errorf("%.1f s played in %.1f s", media, wall)
	}
	if longest := rig.Percentile(seen.Stalls, 1); longest > 500 {
		t.Errorf("playback stood for %.0f ms", longest)
	}
	if seen.LongestGap > 1000 {
		t.Errorf("no picture for %.0f ms", seen.LongestGap)
	}
	if len(seen.Latency) < 10*seen.Unreadable || len(seen.Latency) == 0 {
		t.Errorf("%d pictures carried the clock, %d did not", len(seen.Latency), seen.Unreadable)
	}
	if len(seen.Errors) > 0 {
		t.Errorf("errors in the page: %q", seen.Errors)
	}
}
