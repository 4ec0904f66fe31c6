package e2e_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/swarm/client"
	"github.com/freshet-live/freshet/transport/swarm/client/clienttest"
)

// audit compares what viewers play with what was published.
type audit struct {
	t         *testing.T
	gateway   *rig.Gateway
	path      string
	published *payloads
	crowd     *rig.Crowd
	appended  string // The script that notes what pages play.
	query     string // Of the pages' addresses.
}

// startAudit starts a swarm with more options and without viewers, and notes what is
// published from the next group on.
func startAudit(t *testing.T, path, options string) *audit {
	t.Helper()
	a := &audit{t: t, path: path, query: "&swarm-consent=granted", gateway: startSwarm(t, path, options)}
	script, err := os.ReadFile(filepath.Join(scripts, "appended.js"))
	must(t, err)
	a.appended = string(script)
	a.published = record(t, a.gateway, relay.Namespace(path), "video")
	within(t, 10*time.Second, func() error {
		if groups := a.published.groups(); groups < 2 {
			return fmt.Errorf("%d groups recorded", groups)
		}
		return nil
	})
	a.crowd = startCrowd(t, rig.CrowdConfig{
		Origins: origins(a.gateway.HTTP("/")), Stats: "({...freshet.stats(), appended: window.appended})",
	})
	return a
}

// open has browsers come, one after the other.
func (a *audit) open(names ...string) {
	a.t.Helper()
	for _, name := range names {
		must(a.t, a.crowd.Open(rig.CrowdViewer{
			Name: name, URL: a.gateway.HTTP("/"+a.path+"/") + "?muted" + a.query, Script: a.appended,
		}))
	}
}

// native is a viewer in this process whose chunks are compared as they are due.
type native struct {
	*rig.Peer
	good, wrong atomic.Int64
}

func (a *audit) join(config rig.PeerConfig) *native {
	a.t.Helper()
	n := new(native)
	config.Namespace = relay.Namespace(a.path)
	config.OnChunk = func(c client.Chunk) {
		switch {
		case c.Payload == nil: // Its picture stands, which Stats tell.
		case a.published.get(relay.Location{Group: c.Group, Object: c.Object}) == hashOf(c.Payload):
			n.good.Add(1)
		default:
			n.wrong.Add(1)
		}
	}
	var err error
	n.Peer, err = a.gateway.StartPeer(context.Background(), config)
	must(a.t, err)
	a.t.Cleanup(func() {
		if err := n.Leave(); err != nil {
			a.t.Errorf("a native viewer: %v", err)
		}
	})
	return n
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// genuine checks that a page handed nothing to its decoder that was not published.
func (a *audit) genuine(v viewing) {
	a.t.Helper()
	if len(v.stats.Appended) == 0 {
		a.t.Errorf("%s played nothing", v.Name)
	}
	// The page may have had its last chunks before this process.
	within(a.t, 5*time.Second, func() error {
		published, wrong := a.published.hashes(), 0
		for _, hash := range v.stats.Appended {
			if !published[hash] {
				wrong++
			}
		}
		if wrong > 0 {
			return fmt.Errorf("%s played %d chunks that nobody published, of %d", v.Name, wrong, len(v.stats.Appended))
		}
		return nil
	})
}

// genuine checks the same of a native viewer.
func (n *native) genuine(t *testing.T) {
	t.Helper()
	if good, wrong := n.good.Load(), n.wrong.Load(); good == 0 || wrong > 0 {
		t.Errorf("a native viewer was given %d chunks that nobody published, and %d others", wrong, good)
	}
}

// A browser and a native viewer know each other alone, and each has verified pieces of
// the other: Chromium's WebRTC and pion's, both ways over one connection. Each has
// slots for half of the stream, or the edge would have one of them feed all.
func TestSwarmOfBrowserAndNative(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	const enough = 100e3 // bytes
	// Where nobody has to be asked a page takes part without a word of its viewer's.
	a := startAudit(t, "live/mixed", "  cap_factor: 0.6\n  consent:\n    default: allow\n")
	a.query = "&transport=websocket" // The swarm's session works over it, too.
	a.open("browser")
	peer := a.join(rig.PeerConfig{})

	within(t, 45*time.Second, func() error {
		page, stats := watchCrowd(t, a.crowd)["browser"], peer.Stats()
		if page.stats.Swarm == nil {
			return errors.New("the browser takes no part")
		}
		if s := page.stats.Swarm; s.PeerBytes < enough || stats.PeerBytes < enough {
			return fmt.Errorf("the browser (%s %s) has %.0f B of its peer; the native viewer (%s %s): %s",
				s.Mode, s.Reason, s.PeerBytes, stats.Mode, stats.Reason, stats)
		}
		return nil
	})
	page, stats := watchCrowd(t, a.crowd)["browser"], peer.Stats()
	if page.RTC.PiecesSent == 0 {
		t.Error("the browser sent nothing to its peer")
	}
	if page.stats.Carrier != "websocket" {
		t.Errorf("the browser's session goes over %q", page.stats.Carrier)
	}
	swarm := page.stats.Swarm
	t.Logf("browser: %.0f kB from its peer, %.0f kB from the edge, %.0f kB sent, parents %v", swarm.PeerBytes/1e3, swarm.EdgeBytes/1e3, page.RTC.PiecesSent/1e3, swarm.Parents)
	t.Logf("native: %s; connected in %v", stats, stats.Connect)
	if swarm.InvalidPieces > 0 || stats.InvalidPieces+stats.InvalidBeacons > 0 {
		t.Errorf("false pieces: the browser got %.0f; the native viewer: %s", swarm.InvalidPieces, stats)
	}
	if stats.Late+stats.Missing+stats.Stalls > 0 {
		t.Errorf("the native viewer's picture stood: %s", stats)
	}
	a.genuine(page)
	peer.genuine(t)
}

// watcher is a native viewer with connections that may have a fault.
type watcher struct {
	*native
	faults *clienttest.Faulty
}

func (a *audit) joinFaulty(seed uint64) *watcher {
	a.t.Helper()
	w := new(watcher)
	w.native = a.join(rig.PeerConfig{Seed: seed, Peers: func(p client.Peers) client.Peers {
		w.faults = clienttest.NewFaulty(p)
		return w.faults
	}})
	return w
}

// bans is how many viewers the edge has banned.
func (a *audit) bans() float64 {
	a.t.Helper()
	metrics, err := a.gateway.Metrics(a.t.Context())
	must(a.t, err)
	return metrics.Sum("freshet_swarm_bans_total")
}

// Among five browsers and two native viewers one sends pieces that nobody published, or
// beacons that nobody signed: within a second it is banned, and nobody else; nothing of it
// is played or passed on, and nobody's picture stands for it.
func TestSwarmPolluter(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	t.Run("pieces", func(t *testing.T) { pollute(t, clienttest.Pollute) })
	if os.Getenv("E2E_LONG") == "1" {
		t.Run("beacons", func(t *testing.T) { pollute(t, clienttest.Forge) })
	}
}

func pollute(t *testing.T, fault clienttest.Fault) {
	t.Helper()
	// What viewers give is scarce, so that those two are needed.
	a := startAudit(t, "live/polluted", "  cap_factor: 0.6\n")
	a.open("a", "b", "c", "d", "e")
	polluter, honest := a.joinFaulty(1), a.join(rig.PeerConfig{Seed: 2})
	a.turnBad(polluter, fault)
	for _, v := range watchCrowd(t, a.crowd) {
		a.genuine(v)
	}
	honest.genuine(t)
	stats := honest.Stats()
	if stats.Late+stats.Missing+stats.Stalls > 0 {
		t.Errorf("a native viewer's picture stood: %s", stats)
	}
	// Whoever passes false pieces on is accused as well.
	for _, ban := range stats.Banned {
		if ban.Peer != polluter.Stats().Self {
			t.Errorf("viewer %d was banned, who did nothing", ban.Peer)
		}
	}
	if bans := a.bans(); bans != 1 {
		t.Errorf("%.0f viewers were banned", bans)
	}
}

// turnBad has a viewer on which others depend send what is false, and watches what it
// does to them.
func (a *audit) turnBad(bad *watcher, fault clienttest.Fault) {
	t := a.t
	t.Helper()
	feeds := bad.Stats().UploadBytes
	within(t, 90*time.Second, func() error {
		if sent := bad.Stats().UploadBytes - feeds; sent < 100e3 {
			return fmt.Errorf("it feeds nobody much: %d B; %s", sent, bad.Stats())
		}
		return nil
	})
	must(t, a.crowd.Reset())
	before := watchCrowd(t, a.crowd)
	bad.faults.Set(fault)
	since := time.Now()
	within(t, 10*time.Second, func() error {
		if a.bans() == 0 {
			return fmt.Errorf("not banned, %d were sent", bad.faults.Bad.Load())
		}
		return nil
	})
	took := time.Since(since)
	t.Logf("banned after %v, %d were sent", took.Round(time.Millisecond), bad.faults.Bad.Load())
	if took > time.Second {
		t.Errorf("banned only after %v", took)
	}
	time.Sleep(time.Second)
	sent := bad.faults.Bad.Load()
	time.Sleep(5 * time.Second)
	if more := bad.faults.Bad.Load() - sent; more > 0 {
		t.Errorf("%d more were sent to peers a second later", more)
	}
	for name, after := range watchCrowd(t, a.crowd) {
		b := before[name]
		t.Logf("%s got %.0f false ones, stood %d times, longest gap %.0f ms, %.0f kB from peers", name,
			after.stats.Swarm.InvalidPieces-b.stats.Swarm.InvalidPieces, after.stood(b), after.LongestGap, (after.stats.Swarm.PeerBytes-b.stats.Swarm.PeerBytes)/1e3)
		bearable(t, b, after)
	}
}
