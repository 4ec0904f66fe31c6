package e2e_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// payloads are the SHA-256 of objects' payloads.
type payloads struct {
	mu sync.Mutex
	of map[relay.Location]string // Guarded by mu.
}

func (h *payloads) note(o moqt.Object) {
	if o.End {
		return
	}
	sum := sha256.Sum256(o.Payload)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of[o.Location] = hex.EncodeToString(sum[:])
}

func (h *payloads) get(l relay.Location) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of[l]
}

func (h *payloads) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.of)
}

// hashes are those of all objects.
func (h *payloads) hashes() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]bool, len(h.of))
	for _, hash := range h.of {
		all[hash] = true
	}
	return all
}

// groups is how many have objects among them.
func (h *payloads) groups() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	groups := make(map[uint64]bool)
	for at := range h.of {
		groups[at.Group] = true
	}
	return len(groups)
}

// record has our own client note a track's objects, from now on.
func record(t *testing.T, gateway *rig.Gateway, ns relay.Namespace, track string) *payloads {
	t.Helper()
	h := &payloads{of: make(map[relay.Location]string)}
	client, err := gateway.DialMoQ(t.Context(), moqt.ClientConfig{}, "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	within(t, 10*time.Second, func() error {
		_, err := client.Subscribe(t.Context(), ns, track, moqt.SubscribeOptions{
			Filter: &wire.Filter{Type: wire.LargestObject}, OnObject: h.note,
		})
		return err
	})
	return h
}

// theirs is what the page of @moqt/webtransport noted.
type theirs struct {
	Protocol  string      `json:"protocol"`
	Catalog   []object    `json:"catalog"`
	Objects   []object    `json:"objects"`
	Subgroups [][2]uint64 `json:"subgroups"` // Those that ended with FIN.
	Messages  []string    `json:"messages"`
	Errors    []string    `json:"errors"`
}

// object is [group, object, SHA-256].
type object struct {
	place relay.Location
	hash  string
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *object) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&o.place.Group, &o.place.Object, &o.hash})
}

// startExchange opens the page in a role, at a gateway.
func startExchange(t *testing.T, gateway *rig.Gateway, role, namespace, track string) *rig.Viewer {
	t.Helper()
	page := foreignPage("moqt.html", url.Values{
		"url": {gateway.HTTPS("/moq")}, "fingerprint": {gateway.HTTP("/certificate.sha256")},
		"role": {role}, "namespace": {namespace}, "track": {track},
	}, 0, "")
	page.Script = "exchange.mjs"
	v := startViewer(t, page)
	if err := v.Playing(); err != nil {
		t.Fatal(err)
	}
	return v
}

// ended hangs up and gives the page's notes.
func ended(t *testing.T, v *rig.Viewer) *theirs {
	t.Helper()
	if err := v.HangUp(); err != nil {
		t.Error(err)
	}
	seen, err := v.Result()
	if err != nil {
		t.Fatal(err)
	}
	var out theirs
	if err := json.Unmarshal(seen.Stats, &out); err != nil {
		t.Fatalf("the page's notes %s: %v", seen.Stats, err)
	}
	t.Logf("%s: %d objects, %d subgroups, messages %q", out.Protocol, len(out.Objects), len(out.Subgroups), out.Messages)
	if out.Protocol != "moqt-18" || len(out.Errors) > 0 {
		t.Errorf("protocol %q, errors %q; console %q", out.Protocol, out.Errors, seen.Console)
	}
	return &out
}

// TestForeignClient18: @moqt/webtransport, which shares no code with us, exchanges
// draft 18 with the gateway in Chromium; every payload is the same at both ends.
func TestForeignClient18(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	origin := startGateway(t, rig.GatewayConfig{Name: "origin", Publish: true})
	edge := startGateway(t, rig.GatewayConfig{Name: "edge", Parents: []string{origin.HTTPS("/moq")}})

	t.Run("subscribes", func(t *testing.T) { foreignSubscribes(t, origin, edge) })
	for _, role := range []string{"publish", "announce"} {
		t.Run(role, func(t *testing.T) { foreignPublishes(t, origin, edge, role) })
	}
}

// foreignSubscribes joins a live broadcast below a relay.
func foreignSubscribes(t *testing.T, origin, edge *rig.Gateway) {
	t.Helper()
	const path = "live/to-them"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: origin, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	within(t, 20*time.Second, func() error {
		_, err := rig.Get(t.Context(), edge.HTTP("/"+path+"/video/index.m3u8"))
		return err
	})
	catalog, media := record(t, edge, path, "catalog"), record(t, edge, path, "video")
	page := startExchange(t, edge, "subscribe", path, "video")
	time.Sleep(3 * time.Second)
	seen := ended(t, page)

	same(t, catalog, seen.Catalog)
	same(t, media, seen.Objects)
	gapless(t, seen)
}

// same compares what they received with what we did.
func same(t *testing.T, ours *payloads, objects []object) {
	t.Helper()
	if len(objects) == 0 {
		t.Error("the foreign client received nothing")
	}
	for _, o := range objects {
		within(t, 3*time.Second, func() error {
			if ours.get(o.place) == "" {
				return fmt.Errorf("object %v did not come to us", o.place)
			}
			return nil
		})
		if hash := ours.get(o.place); hash != o.hash {
			t.Errorf("object %v has the hash %q there and %q here", o.place, o.hash, hash)
		}
	}
}

// gapless tells whether all of each group came that ended with FIN.
func gapless(t *testing.T, seen *theirs) {
	t.Helper()
	if len(seen.Subgroups) < 2 {
		t.Errorf("%d groups ended at the foreign client", len(seen.Subgroups))
	}
	count, next := make(map[uint64]int), make(map[uint64]uint64)
	for _, o := range seen.Objects {
		count[o.place.Group]++
		next[o.place.Group] = max(next[o.place.Group], o.place.Object+1)
	}
	for _, s := range seen.Subgroups {
		if count[s[0]] == 0 || count[s[0]] != int(next[s[0]]) {
			t.Errorf("group %d: %d objects, the largest is %d", s[0], count[s[0]], next[s[0]]-1)
		}
	}
}

// foreignPublishes has them publish at the origin, and compares what our own client
// receives below a relay.
func foreignPublishes(t *testing.T, origin, edge *rig.Gateway, role string) {
	t.Helper()
	path, track := "theirs/"+role, "data"
	page := startExchange(t, origin, role, path, track)
	ours := record(t, edge, relay.Namespace(path), track)
	within(t, 10*time.Second, func() error {
		if n := ours.len(); n < 50 {
			return fmt.Errorf("%d objects", n)
		}
		return nil
	})
	seen := ended(t, page)

	sent := make(map[relay.Location]string, len(seen.Objects))
	for _, o := range seen.Objects {
		sent[o.place] = o.hash
	}
	ours.mu.Lock()
	defer ours.mu.Unlock()
	for place, hash := range ours.of {
		if sent[place] != hash {
			t.Errorf("object %v was sent as %q and came as %q", place, sent[place], hash)
		}
	}
	t.Logf("%d of the %d objects sent came below the relay", len(ours.of), len(sent))
	missing := slices.DeleteFunc(seen.Objects, func(o object) bool { return ours.of[o.place] != "" })
	first := ours.first()
	if i := slices.IndexFunc(missing, func(o object) bool { return first.Less(o.place) }); i >= 0 {
		t.Errorf("object %v did not come", missing[i].place)
	}
}

// first is the smallest location. The caller holds mu.
func (h *payloads) first() relay.Location {
	var first relay.Location
	for l := range h.of {
		if first == (relay.Location{}) || l.Less(first) {
			first = l
		}
	}
	return first
}
