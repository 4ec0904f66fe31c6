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
)

// audit compares what viewers play with what was published.
type audit struct {
	t         *testing.T
	gateway   *rig.Gateway
	path      string
	published *payloads
	crowd     *rig.Crowd
	appended  string // The script that notes what pages play.
}

// startAudit starts a swarm with more options and without viewers, and notes what is
// published from the next group on.
func startAudit(t *testing.T, path, options string) *audit {
	t.Helper()
	a := &audit{t: t, path: path, gateway: startSwarm(t, path, options)}
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
			Name: name, URL: a.gateway.HTTP("/"+a.path+"/") + "?muted&swarm-consent=granted", Script: a.appended,
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
	published := a.published.hashes()
	wrong := 0
	for _, hash := range v.stats.Appended {
		if !published[hash] {
			wrong++
		}
	}
	if wrong > 0 || len(v.stats.Appended) == 0 {
		a.t.Errorf("%s played %d chunks that nobody published, of %d", v.Name, wrong, len(v.stats.Appended))
	}
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
	a := startAudit(t, "live/mixed", "  cap_factor: 0.6\n")
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
