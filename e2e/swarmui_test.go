package e2e_test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// panelLooks is what browser/panel.mjs saw of the panel.
type panelLooks struct {
	Looks []struct {
		Width        int      `json:"width"`
		ColorScheme  string   `json:"colorScheme"`
		Prompt       bool     `json:"prompt"`
		PromptFaults []string `json:"promptFaults"`
		Faults       []string `json:"faults"`
		Texts        int      `json:"texts"`
		Drawings     int      `json:"drawings"`
		Reached      []string `json:"reached"`
		Consent      string   `json:"consent"`
	} `json:"looks"`
}

// What viewers see of the swarm can be read at a desk and on a phone, light and dark;
// the keyboard reaches it, and the question is asked once.
func TestSwarmPanel(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	gateway := startGateway(t, rig.GatewayConfig{})
	const path = "live/panel"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{})
	must(t, err)
	defer source.Stop()
	swarm, err := os.ReadFile("testdata/swarmstats.json")
	must(t, err)
	picture, err := filepath.Abs(filepath.Join(artifactDir(t), "panel.png"))
	must(t, err)
	seen := look(t, rig.Watch{
		Script: "panel.mjs", Screenshot: picture, Swarm: swarm, Limit: 2 * time.Minute,
		URL: embedded(gateway, path, url.Values{"swarm-consent": {"ask"}}),
	})
	var out panelLooks
	must(t, json.Unmarshal(seen.Stats, &out))
	if len(out.Looks) != 4 || len(seen.Console) > 0 {
		t.Errorf("%d looks, the console says %q", len(out.Looks), seen.Console)
	}
	for _, l := range out.Looks {
		for _, fault := range append(l.PromptFaults, l.Faults...) {
			t.Errorf("%d px, %s: %s", l.Width, l.ColorScheme, fault)
		}
		if !l.Prompt || l.Consent != "granted" || l.Texts < 25 || l.Drawings != 1 {
			t.Errorf("%d px, %s: asked %v, consent %q, %d texts, %d drawings", l.Width, l.ColorScheme, l.Prompt, l.Consent, l.Texts, l.Drawings)
		}
		for _, wanted := range []string{"switch", "Sharing (P)"} {
			if !slices.Contains(l.Reached, wanted) {
				t.Errorf("%d px, %s: the keyboard does not reach %s but %q", l.Width, l.ColorScheme, wanted, l.Reached)
			}
		}
	}
}
