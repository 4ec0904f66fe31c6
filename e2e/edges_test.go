package e2e_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// embedded is our player on a page of another origin.
func embedded(gateway *rig.Gateway, path string, attributes url.Values) string {
	attributes.Set("src", gateway.HTTP("/"+path+"/"))
	attributes.Set("muted", "")
	return foreign + "embed.html?" + attributes.Encode()
}

// startCrowd opens a browser for many viewers that is closed with the test.
func startCrowd(t *testing.T, config rig.CrowdConfig) *rig.Crowd {
	t.Helper()
	config.Scripts, config.Log = scripts, t.Output()
	crowd, err := rig.StartCrowd(context.Background(), config)
	must(t, err)
	t.Cleanup(func() {
		if err := crowd.Close(); err != nil {
			t.Error(err)
		}
	})
	return crowd
}

// startEdges starts an origin with a broadcast, and two edges that have it and may be
// killed.
func startEdges(t *testing.T, path string, camera rig.Camera, encoding rig.Encoding) [2]*rig.Gateway {
	t.Helper()
	certs := t.TempDir()
	origin := startGateway(t, rig.GatewayConfig{Name: "origin", CertDir: certs})
	var edges [2]*rig.Gateway
	for i, name := range []string{"edge-a", "edge-b"} {
		edge, err := rig.StartGateway(context.Background(), rig.GatewayConfig{
			Binary: binary, Dir: artifactDir(t), Name: name, CertDir: certs, Parents: []string{origin.HTTPS("/moq")},
		})
		must(t, err)
		t.Cleanup(func() { _ = edge.Kill() })
		edges[i] = edge
	}
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: origin, StreamID: path}, camera, encoding)
	must(t, err)
	t.Cleanup(source.Stop)
	for _, edge := range edges {
		within(t, 20*time.Second, func() error {
			_, err := rig.Get(t.Context(), edge.HTTP("/"+path+"/video/index.m3u8"))
			return err
		})
	}
	return edges
}

// An edge is killed, and its viewers go on at the other one: with a second of buffer
// without standing, with less for as long as the buffer does not reach.
func TestEdgeIsGone(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	const path = "live/gone"
	edges := startEdges(t, path, small, rig.Encoding{})
	crowd := startCrowd(t, rig.CrowdConfig{Origins: origins(edges[0].HTTP("/"), edges[1].HTTP("/"), foreign), Stats: "freshet.stats()"})
	other := edges[1].HTTP("/")
	must(t, crowd.Open(
		rig.CrowdViewer{Name: "a second", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}, "target": {"1000"}})},
		rig.CrowdViewer{Name: "adaptive", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}})},
		rig.CrowdViewer{Name: "LL-HLS", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}, "transport": {"hls"}})},
	))
	time.Sleep(4 * time.Second)
	must(t, crowd.Reset())
	must(t, edges[0].Kill())
	time.Sleep(8 * time.Second)
	seen, err := crowd.Look()
	must(t, err)
	// How long a viewer may stand: finding out, connecting, less what it has buffered.
	limits := map[string]float64{"a second": 0, "adaptive": 1500, "LL-HLS": 1000}
	for _, s := range seen {
		var stats playerStats
		must(t, json.Unmarshal(s.Stats, &stats))
		longest := slices.Max(append(s.Stalls, 0))
		media, wall := s.Advanced()
		t.Logf("%s: stood %v ms, longest gap %.0f ms, %d seeks, %.1f s played in %.1f s, over %s, %d reconnects",
			s.Name, s.Stalls, s.LongestGap, s.Seeks, media, wall, stats.Transport, stats.Reconnects)
		if longest > limits[s.Name] {
			t.Errorf("%s: the picture stood for %.0f ms", s.Name, longest)
		}
		if stats.Reconnects == 0 || media < wall-2 {
			t.Errorf("%s: it did not go on: %.1f s in %.1f s, %d reconnects; console %q", s.Name, media, wall, stats.Reconnects, s.Console)
		}
		if s.Name == "a second" && s.Seeks > 0 {
			t.Errorf("%s: %d jumps", s.Name, s.Seeks)
		}
	}
}

// origins are those of URLs.
func origins(urls ...string) []string {
	var all []string
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			all = append(all, u.Scheme+"://"+u.Host)
		}
	}
	return all
}
