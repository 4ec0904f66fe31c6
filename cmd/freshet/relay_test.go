package main

import (
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
)

// below is the configuration of a relay whose only parent is g.
func below(g *running, url string) configs.Config {
	cfg := loopback()
	cfg.SRT.Address = ""
	cfg.Relay.Parents = []configs.Parent{{URL: url}}
	hash := g.certs.Hash()
	cfg.Relay.Fingerprints = []string{hex.EncodeToString(hash[:])}
	return cfg
}

func (r *running) moqURL(scheme string) string {
	if scheme == "https" {
		return "https://" + r.web.HTTPSAddr().String() + "/moq"
	}
	return scheme + "://" + r.web.HTTPSAddr().String()
}

var segmentName = regexp.MustCompile(`(?m)^[^#\n]+\.m4s`)

// What an encoder pushes to the origin plays at the edge, two hops below, and it is
// the same to the byte. There is one subscription upstream for each track.
func TestThreeTiers(t *testing.T) {
	t.Parallel()
	origin := startGateway(t, loopback())
	mid := startGateway(t, below(origin, origin.moqURL("https")))
	edge := startGateway(t, below(mid, mid.moqURL("moqt")))
	origin.push(t)

	const playlist = "/live/demo/video/index.m3u8"
	var segment string
	deadline := time.Now().Add(20 * time.Second)
	for segment == "" && time.Now().Before(deadline) {
		if all := segmentName.FindAllString(get(t, edge.url(playlist)), -1); len(all) > 0 {
			segment = all[len(all)-1] // The origin may have let go of the first one.
		}
		time.Sleep(100 * time.Millisecond)
	}
	if segment == "" {
		t.Fatal("no segment at the edge")
	}
	_, there := try(t, edge.url("/live/demo/video/"+segment))
	if status, here := try(t, origin.url("/live/demo/video/"+segment)); status != http.StatusOK || here != there {
		t.Errorf("segment %s: %d, %d bytes at the origin, %d at the edge", segment, status, len(here), len(there))
	}
	for range 3 {
		get(t, edge.url("/live/demo/audio/index.m3u8"))
	}
	state := get(t, "http://"+edge.ops.Addr().String()+"/v1/relay")
	if !strings.Contains(state, `"name":"live/demo"`) || !strings.Contains(state, `"connected":true`) {
		t.Errorf("/v1/relay: %s", state)
	}
	// The catalog, video and audio; and nobody asked twice.
	metrics := get(t, "http://"+mid.ops.Addr().String()+"/metrics")
	if !strings.Contains(metrics, "\nfreshet_relay_upstream_subscriptions 3\n") {
		t.Errorf("the mid has %s", regexp.MustCompile(`(?m)^freshet_relay_upstream.*`).FindAllString(metrics, -1))
	}
}

// A relay without its parent is not ready, and says why.
func TestRelayWithoutParentIsNotReady(t *testing.T) {
	t.Parallel()
	origin := startGateway(t, loopback())
	edge := startGateway(t, below(origin, origin.moqURL("https")))
	ready := "http://" + edge.ops.Addr().String() + "/readyz"
	get(t, ready)
	if err := origin.stop(); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		status, body := try(t, ready)
		if status == http.StatusServiceUnavailable && strings.Contains(body, "parents: none is connected") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Another certificate than the expected one is no parent.
func TestParentIsKnownByItsCertificate(t *testing.T) {
	t.Parallel()
	origin, other := startGateway(t, loopback()), startGateway(t, loopback())
	edge := startGateway(t, below(other, origin.moqURL("https")))
	failed := "freshet_uplink_dials_total{result=\"failed\"}"
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(get(t, "http://"+edge.ops.Addr().String()+"/metrics"), failed) {
		if time.Now().After(deadline) {
			t.Fatal("no dial has failed")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := edge.node.Uplink.Connected(); n != 0 {
		t.Errorf("%d parents", n)
	}
}

func TestRelayNeedsAParent(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"relay"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "needs a parent") {
		t.Errorf("exit %d, %s", code, errs.String())
	}
}
