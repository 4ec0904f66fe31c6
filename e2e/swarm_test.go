package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// crowded is a stream that six browsers decode on two cores: 1 Mbit/s in small pictures,
// and fewer of them than usual.
var (
	crowded  = rig.Camera{Width: 320, Height: 180, Rate: 15, Noise: 60}
	megabit  = rig.Encoding{Bitrate: "1000k"}
	swarming = "swarm:\n  enabled: true\n  lan: true\n  min_viewers: 2\n  control: 0\n  share: 0.8\n"
)

// swarmStats is what these tests want of the player's own figures.
type swarmStats struct {
	Transport string `json:"transport"`
	Carrier   string `json:"carrier"`
	Stalls    int    `json:"stalls"`
	// Appended are SHA-256 of the chunks of video that were played (browser/appended.js).
	Appended []string `json:"appended"`
	Swarm    *struct {
		Mode          string  `json:"mode"`
		Reason        string  `json:"reason"`
		Delay         float64 `json:"delay"`
		Parents       []int   `json:"parents"`
		PeerBytes     float64 `json:"peerBytes"`
		EdgeBytes     float64 `json:"edgeBytes"`
		HedgeBytes    float64 `json:"hedgeBytes"`
		LateBytes     float64 `json:"lateBytes"`
		UploadBytes   float64 `json:"uploadBytes"`
		InvalidPieces float64 `json:"invalidPieces"`
		Uplink        float64 `json:"uplink"` // bit/s, 0 is not known
		Slots         int     `json:"slots"`
	} `json:"swarm"`
}

// viewing is what one viewer of a crowd saw in a stretch of time.
type viewing struct {
	rig.CrowdSeen
	stats swarmStats
}

func watchCrowd(t *testing.T, crowd *rig.Crowd, names ...string) map[string]viewing {
	t.Helper()
	seen, err := crowd.Look(names...)
	must(t, err)
	all := make(map[string]viewing, len(seen))
	for _, s := range seen {
		v := viewing{CrowdSeen: s}
		must(t, json.Unmarshal(s.Stats, &v.stats))
		all[s.Name] = v
	}
	return all
}

// stood is how often the picture did, by the page's element and the player's own count.
func (v viewing) stood(before viewing) int {
	return max(len(v.Stalls), v.stats.Stalls-before.stats.Stalls)
}

// smooth checks that somebody watched without standing.
func smooth(t *testing.T, before, after viewing) {
	t.Helper()
	watched(t, before, after, 0, 0.97)
}

// bearable is smooth on a machine with nothing else to do (E2E_LONG). Six browsers on two
// cores may stand for want of them otherwise: then twice is let pass.
func bearable(t *testing.T, before, after viewing) {
	t.Helper()
	if os.Getenv("E2E_LONG") == "1" {
		smooth(t, before, after)
		return
	}
	watched(t, before, after, 2, 0.8)
}

// watched checks that the picture stood so often at most, and moved for a share of the time.
func watched(t *testing.T, before, after viewing, stands int, share float64) {
	t.Helper()
	media, wall := after.Advanced()
	if n := after.stood(before); n > stands || media < share*wall-0.3 {
		t.Errorf("%s stood %d times (%v ms) and played %.1f s in %.1f s; console %q", after.Name, n, after.Stalls, media, wall, after.Console)
	}
}

// measured is how long the swarm is watched: the 60 s of its goal with E2E_LONG.
func measured() time.Duration {
	if os.Getenv("E2E_LONG") == "1" {
		return 60 * time.Second
	}
	return 30 * time.Second
}

// startSwarm starts a gateway with a swarm, of which more options may be given as lines
// of YAML, and a broadcast.
func startSwarm(t *testing.T, path string, options ...string) *rig.Gateway {
	t.Helper()
	gateway := startGateway(t, rig.GatewayConfig{More: swarming + strings.Join(options, "")})
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, crowded, megabit)
	must(t, err)
	t.Cleanup(source.Stop)
	within(t, 20*time.Second, func() error {
		_, err := rig.Get(t.Context(), gateway.HTTP("/"+path+"/video/index.m3u8"))
		return err
	})
	return gateway
}

// Six browsers of one stream get most of it from each other, a second after the edge has
// it; then five leave at once, and the last one does not stand. Beside it somebody else's
// engine on the same LL-HLS.
func TestSwarmOfSixBrowsers(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	const path = "live/six"
	gateway := startSwarm(t, path)
	t.Run("ours", func(t *testing.T) { sixBrowsers(t, gateway, path) })
	t.Run("p2p-media-loader", func(t *testing.T) { rivalBrowsers(t, gateway, path) })
}

func sixBrowsers(t *testing.T, gateway *rig.Gateway, path string) {
	t.Helper()
	crowd := startCrowd(t, rig.CrowdConfig{Origins: origins(gateway.HTTP("/")), Stats: "freshet.stats()"})
	page := gateway.HTTP("/"+path+"/") + "?muted&swarm-consent=granted"
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, name := range names {
		must(t, crowd.Open(rig.CrowdViewer{Name: name, URL: page}))
		// A browser that starts takes both cores from those who watch.
		time.Sleep(3 * time.Second)
	}
	settle(t, crowd)
	must(t, crowd.Reset())
	before := watchCrowd(t, crowd)
	time.Sleep(measured())
	after := watchCrowd(t, crowd)

	var hedged, late float64
	for _, name := range names {
		b, a := before[name], after[name]
		if a.stats.Swarm == nil || b.stats.Swarm == nil {
			t.Fatalf("%s has no swarm: %s; console %q", name, string(a.Stats), a.Console)
		}
		got, fed := a.stats.Swarm.PeerBytes-b.stats.Swarm.PeerBytes, a.stats.Swarm.EdgeBytes-b.stats.Swarm.EdgeBytes
		hedged += a.stats.Swarm.HedgeBytes - b.stats.Swarm.HedgeBytes
		late += a.stats.Swarm.LateBytes - b.stats.Swarm.LateBytes
		t.Logf("%s: %s %s, %.0f kB from peers, %.0f kB from the edge, parents %v, %.0f kB uploaded over %.1f Mbit/s in %d slots, T %.0f ms, stood %d times, longest gap %.0f ms",
			name, a.stats.Swarm.Mode, a.stats.Swarm.Reason, got/1e3, fed/1e3, a.stats.Swarm.Parents,
			(a.stats.Swarm.UploadBytes-b.stats.Swarm.UploadBytes)/1e3, a.stats.Swarm.Uplink/1e6, a.stats.Swarm.Slots, a.stats.Swarm.Delay, a.stood(b), a.LongestGap)
		bearable(t, b, a)
		if a.stats.Swarm.InvalidPieces > 0 {
			t.Errorf("%s got %v invalid pieces", name, a.stats.Swarm.InvalidPieces)
		}
	}
	share := offload(before, after)
	t.Logf("offload %.1f %% over %v at T = 1 s, %.1f kB hedged, %.1f kB late, %d viewers", 100*share, measured(), hedged/1e3, late/1e3, len(names))
	if share < wantedOffload() {
		t.Errorf("offload %.1f %%, wanted %.0f %%", 100*share, 100*wantedOffload())
	}

	must(t, crowd.Reset())
	last := watchCrowd(t, crowd, "f")["f"]
	must(t, crowd.Leave(names[:5]...))
	time.Sleep(8 * time.Second)
	alone := watchCrowd(t, crowd, "f")["f"]
	t.Logf("the last one: longest gap %.0f ms, parents %v", alone.LongestGap, alone.stats.Swarm.Parents)
	bearable(t, last, alone)
}

// settle waits until the swarm gives what it is measured by, at most a minute, and three
// with E2E_LONG: while browsers start on the same cores pieces come late, and who was fed
// badly tries peers again half a minute later, one sub-stream after the other.
func settle(t *testing.T, crowd *rig.Crowd) {
	t.Helper()
	const window = 5 * time.Second
	begun, patience := time.Now(), time.Minute
	if os.Getenv("E2E_LONG") == "1" {
		patience = 3 * time.Minute
	}
	for before, good := watchCrowd(t, crowd), 0; good < 2 && time.Since(begun) < patience; {
		time.Sleep(window)
		after := watchCrowd(t, crowd)
		if good++; offload(before, after) < wantedOffload() {
			good = 0
		}
		before = after
	}
	t.Logf("settled after %.0f s", time.Since(begun).Seconds())
}

// wantedOffload of five sixths, the most that six viewers can give each other. Without
// E2E_LONG, which is for a machine with nothing else to do, it is only seen that they do.
func wantedOffload() float64 {
	if os.Getenv("E2E_LONG") == "1" {
		return 0.7
	}
	return 0.15
}

// offload is the share of video that came from peers.
func offload(before, after map[string]viewing) float64 {
	var peers, edge float64
	for name, a := range after {
		b := before[name]
		if a.stats.Swarm != nil && b.stats.Swarm != nil {
			peers += a.stats.Swarm.PeerBytes - b.stats.Swarm.PeerBytes
			edge += a.stats.Swarm.EdgeBytes - b.stats.Swarm.EdgeBytes
		}
	}
	return peers / max(1, peers+edge)
}

// rivalBrowsers prints what p2p-media-loader reaches on the same stream, in parts and,
// with the settings that are its best, in whole segments.
func rivalBrowsers(t *testing.T, gateway *rig.Gateway, path string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(scripts, "p2p", "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("p2p-media-loader is not installed: scripts/install-tools installs it")
		}
		t.Skip("p2p-media-loader is not installed: scripts/install-tools installs it")
	}
	tracker := startTracker(t)
	crowd := startCrowd(t, rig.CrowdConfig{Origins: origins(gateway.HTTP("/"), foreign), Stats: "rival()", Patience: 40})
	const viewers = 4
	for _, way := range []struct{ name, query string }{{"parts", "&parts=1"}, {"segments", ""}} {
		if way.name == "parts" && os.Getenv("E2E_LONG") != "1" {
			continue // It takes as long again for a figure that is 0.
		}
		var names []string
		for i := range viewers {
			name := fmt.Sprint(way.name, i)
			names = append(names, name)
			must(t, crowd.Open(rig.CrowdViewer{
				Name: name,
				URL:  foreign + "p2pml.html?url=" + gateway.HTTP("/"+path+"/index.m3u8") + "&tracker=" + tracker + "&swarm=" + path + way.name + way.query,
			}))
		}
		time.Sleep(12 * time.Second)
		must(t, crowd.Reset())
		before := rivalFigures(t, crowd, names)
		time.Sleep(measured() / 2)
		after := rivalFigures(t, crowd, names)
		http, p2p := after.HTTP-before.HTTP, after.P2P-before.P2P
		t.Logf("p2p-media-loader 2.3.1, %s, %d viewers: offload %.1f %% (%.0f kB of %.0f kB), latency %.1f s, %d stalls, %d peers at once",
			way.name, viewers, 100*p2p/(http+p2p), p2p/1e3, (http+p2p)/1e3, after.Latency/viewers, after.stalls, after.Peers)
		if http+p2p == 0 {
			t.Errorf("p2p-media-loader plays nothing with %s", way.name)
		}
		must(t, crowd.Leave(names...))
	}
}

// rivals are the figures of several viewers added up.
type rivals struct {
	HTTP    float64 `json:"http"`
	P2P     float64 `json:"p2p"`
	Peers   int     `json:"peers"`
	Latency float64 `json:"latency"` // s
	stalls  int
}

func rivalFigures(t *testing.T, crowd *rig.Crowd, names []string) rivals {
	t.Helper()
	seen, err := crowd.Look(names...)
	must(t, err)
	var sum rivals
	for _, s := range seen {
		var one rivals
		must(t, json.Unmarshal(s.Stats, &one))
		sum.HTTP += one.HTTP
		sum.P2P += one.P2P
		sum.Peers += one.Peers
		sum.Latency += one.Latency
		sum.stalls += len(s.Stalls)
	}
	return sum
}

// startTracker starts the tracker that p2p-media-loader's peers meet at, until the end
// of the test.
func startTracker(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(scripts, "p2p", "tracker.mjs"))
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	var said struct {
		URL string `json:"url"`
	}
	must(t, json.NewDecoder(stdout).Decode(&said))
	return said.URL
}

// A phone on its mobile network uploads nothing; who saves data or was not asked takes no
// part at all: WebRTC is not even touched. All of them watch as well as anybody.
func TestSwarmLeavesViewersAlone(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	const path = "live/alone"
	gateway := startSwarm(t, path)
	crowd := startCrowd(t, rig.CrowdConfig{Origins: origins(gateway.HTTP("/")), Stats: "freshet.stats()"})
	page := gateway.HTTP("/"+path+"/") + "?muted"
	granted := page + "&swarm-consent=granted"
	must(t, crowd.Open(
		rig.CrowdViewer{Name: "willing", URL: granted},
		rig.CrowdViewer{Name: "willing too", URL: granted},
		rig.CrowdViewer{Name: "phone", URL: granted, Connection: "cellular"},
		rig.CrowdViewer{Name: "saves data", URL: granted, SaveData: true},
		rig.CrowdViewer{Name: "not asked", URL: page},
	))
	time.Sleep(5 * time.Second)
	must(t, crowd.Reset())
	before := watchCrowd(t, crowd)
	time.Sleep(time.Duration(watchFor(false)) * time.Second)
	after := watchCrowd(t, crowd)
	for _, c := range []struct {
		name, reason string
		touches      bool // WebRTC
	}{{"phone", "cellular", true}, {"saves data", "saveData", false}, {"not asked", "consent", false}} {
		v := after[c.name]
		if v.stats.Swarm == nil {
			t.Errorf("%s has no swarm: %s; console %q", c.name, string(v.Stats), v.Console)
			continue
		}
		t.Logf("%s: %s %s, %.0f kB from peers, uploaded %.0f B by its own count and %.0f B by WebRTC's, %d connections, %d candidates, stood %d times",
			c.name, v.stats.Swarm.Mode, v.stats.Swarm.Reason, v.stats.Swarm.PeerBytes/1e3, v.stats.Swarm.UploadBytes, v.RTC.PiecesSent, v.RTC.Connections, v.RTC.Candidates, v.stood(before[c.name]))
		if v.stats.Swarm.Reason != c.reason || v.stats.Swarm.UploadBytes > 0 || v.RTC.PiecesSent > 0 {
			t.Errorf("%s: reason %q, uploaded %.0f B, %.0f B of pieces sent", c.name, v.stats.Swarm.Reason, v.stats.Swarm.UploadBytes, v.RTC.PiecesSent)
		}
		if !c.touches && (v.RTC.Connections > 0 || v.RTC.Candidates > 0 || v.stats.Swarm.PeerBytes > 0) {
			t.Errorf("%s: %d connections, %d candidates, %.0f B from peers", c.name, v.RTC.Connections, v.RTC.Candidates, v.stats.Swarm.PeerBytes)
		}
	}
	for name, v := range after {
		smooth(t, before[name], v)
	}
	// Somebody does share, or the rest shows nothing.
	if a, b := after["willing"], after["willing too"]; a.RTC.PiecesSent+b.RTC.PiecesSent == 0 {
		t.Errorf("nobody shares: %s; %s", string(a.Stats), string(b.Stats))
	}
}
