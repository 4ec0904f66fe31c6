package e2e_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// A publisher that is not ours (ffmpeg's fragments, Eyevinn's MoQT) plays in a browser
// two relays further down.
func TestForeignPublisherThroughThreeTiers(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	publisher, err := rig.BuildPublisher(t.Context(), "foreign", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	all := startTiers(t)
	const path = "live/theirs"
	source, err := rig.StartForeignPublisher(context.Background(), t.TempDir(), publisher, all.origin, path, small)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	playAtEdge(t, all.edges[0], path)
	// LL-HLS is made of the same fragments.
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
		all.edges[0].HTTP("/"+path+"/index.m3u8")).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	t.Logf("LL-HLS at the edge: %q", out)
}

// `freshet push` plays in a browser two relays further down, whatever it speaks.
func TestPushThroughThreeTiers(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	all := startTiers(t)
	for name, to := range map[string]string{
		"ts":  "quic://" + all.origin.QUIC() + "/live/ts",
		"moq": "moqt://" + all.origin.QUIC() + "/live/moq",
	} {
		t.Run(name, func(t *testing.T) {
			source, err := rig.StartPush(context.Background(), t.TempDir(), binary, to, nil, small, rig.Encoding{})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Stop()
			playAtEdge(t, all.edges[0], "live/"+name)
		})
	}
}

// playAtEdge watches a broadcast in Chromium.
func playAtEdge(t *testing.T, edge *rig.Gateway, path string) {
	t.Helper()
	within(t, 20*time.Second, func() error {
		_, err := rig.Get(t.Context(), edge.HTTP("/"+path+"/video/index.m3u8"))
		return err
	})
	seen := look(t, ourPage(edge, path, watchFor(false)))
	report(t, seen)
	plays(t, seen)
}
