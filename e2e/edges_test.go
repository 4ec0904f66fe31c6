package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
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
	keepWarm(t, edges[1], path)
	must(t, crowd.Open(
		rig.CrowdViewer{Name: "a second", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}, "target": {"1000"}})},
		rig.CrowdViewer{Name: "adaptive", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}})},
		rig.CrowdViewer{Name: "LL-HLS", URL: embedded(edges[0], path, url.Values{"fallbacks": {other}, "transport": {"hls"}})},
		rig.CrowdViewer{Name: "to LL-HLS", URL: embedded(edges[0], path, url.Values{"fallbacks": {withoutMoQ(t, edges[1])}, "target": {"1000"}})},
	))
	time.Sleep(6 * time.Second) // What LL-HLS needs is fetched in time of peace.
	must(t, crowd.Reset())
	must(t, edges[0].Kill())
	const after = 8 * time.Second
	time.Sleep(after)
	seen, err := crowd.Look()
	must(t, err)
	// How long a viewer may stand, in ms: finding out, connecting, less what it has buffered.
	// Four browsers start anew at one time here, on whatever else the machine does.
	limits := map[string]float64{"a second": 600, "adaptive": 2500, "LL-HLS": 3000, "to LL-HLS": 4000}
	if os.Getenv("E2E_LONG") == "1" {
		limits = map[string]float64{"a second": 100, "adaptive": 1500, "LL-HLS": 1000, "to LL-HLS": 2500}
	}
	transports := map[string]string{"a second": "moq", "adaptive": "moq", "LL-HLS": "hls", "to LL-HLS": "hls"}
	for _, s := range seen {
		var stats playerStats
		must(t, json.Unmarshal(s.Stats, &stats))
		longest := slices.Max(append(s.Stalls, 0))
		t.Logf("%s: stood %.0f ms, longest gap %.0f ms, %d seeks, %d pictures in %v, over %s, %d reconnects",
			s.Name, s.Stalls, s.LongestGap, s.Seeks, s.Frames, after, stats.Transport, stats.Reconnects)
		if longest > limits[s.Name] {
			t.Errorf("%s: the picture stood for %.0f ms", s.Name, longest)
		}
		// A busy machine shows fewer pictures than there are.
		if least := float64(small.Rate) * (after.Seconds() - 3) / 2; float64(s.Frames) < least || stats.Transport != transports[s.Name] {
			t.Errorf("%s: it did not go on: %d pictures; %s; errors %q; console %q", s.Name, s.Frames, s.Stats, s.Errors, s.Console)
		}
		// One is what a busy machine costs.
		if s.Name == "a second" && s.Seeks > 1 {
			t.Errorf("%s: %d jumps", s.Name, s.Seeks)
		}
	}
}

// keepWarm asks for a broadcast's playlist until the end of the test, as its viewers do:
// what nobody watches an edge does not have.
func keepWarm(t *testing.T, edge *rig.Gateway, path string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			_, _ = rig.Get(ctx, edge.HTTP("/"+path+"/video/index.m3u8"))
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
}

// withoutMoQ is the URL of an edge as those see it whom no UDP reaches.
func withoutMoQ(t *testing.T, edge *rig.Gateway) string {
	t.Helper()
	to, err := url.Parse(edge.HTTP("/"))
	must(t, err)
	// The gateway is open to this machine alone, and not to whom a proxy says it speaks for.
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/info" {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			_, _ = io.WriteString(w, `{"version":"without MoQ"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
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
