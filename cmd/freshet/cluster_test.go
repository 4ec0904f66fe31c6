package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
)

// lastPort is the port that was given out last. The system gives no port below
// 32768 to who asks for any, as other tests do all the time.
var lastPort atomic.Uint32

// freeAddress is a loopback address that nobody listens on, by TCP or UDP, nor will by
// chance: for who has to be known before it starts, or comes back.
func freeAddress(t *testing.T) string {
	t.Helper()
	lastPort.CompareAndSwap(0, 10_000+uint32(os.Getpid()%10_000))
	for range 1000 {
		address := fmt.Sprint("127.0.0.1:", lastPort.Add(1))
		stream, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		datagrams, err := net.ListenPacket("udp", address)
		_ = stream.Close()
		if err == nil {
			_ = datagrams.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// voters are the configurations of three origins whose directory is their own.
func voters(t *testing.T) []configs.Config {
	t.Helper()
	var out []configs.Config
	var routes []string
	for i := range 3 {
		cfg := loopback()
		cfg.Node.ID = fmt.Sprint("origin", i)
		cfg.Cluster.Listen, cfg.Cluster.Dir = freeAddress(t), t.TempDir()
		routes = append(routes, "nats://"+cfg.Cluster.Listen)
		out = append(out, cfg)
	}
	for i := range out {
		out[i].Cluster.Routes = routes
	}
	return out
}

func (r *running) operator(path string) string { return "http://" + r.ops.Addr().String() + path }

// until waits for what a page says.
func until(t *testing.T, within time.Duration, url string, ok func(status int, body string) bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		status, body := try(t, url)
		if ok(status, body) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d %s", url, status, body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func well(status int, body string) bool {
	return status == http.StatusOK && !strings.Contains(body, "directory")
}

// Three voters own each broadcast once; two of them end, and media goes on, old and
// new; the directory is well again when one is back.
func TestDirectoryOfThreeOrigins(t *testing.T) {
	t.Parallel()
	all := voters(t)
	a, b, c := startGateway(t, all[0]), startGateway(t, all[1]), startGateway(t, all[2])
	for _, g := range []*running{a, b, c} {
		until(t, 30*time.Second, g.operator("/readyz"), well)
	}
	a.push(t)
	get(t, a.url("/live/demo/index.m3u8"))
	_, err := b.node.Sessions.Open(t.Context(), ingest.Request{Name: "live/demo", Protocol: "srt", Trusted: true})
	if !errors.Is(err, ingest.ErrAlreadyPublishing) || !strings.Contains(err.Error(), `"origin0"`) {
		t.Errorf("a second publisher at another origin: %v", err)
	}
	until(t, 10*time.Second, b.operator("/v1/cluster"), func(_ int, body string) bool {
		return strings.Contains(body, `"origin2"`) && strings.Contains(body, `"live/demo"`)
	})
	if err := errors.Join(b.stop(), c.stop()); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, a.operator("/readyz"), func(status int, body string) bool {
		return status == http.StatusOK && strings.Contains(body, "directory: the directory does not answer")
	})
	if body := get(t, a.operator("/metrics")); !strings.Contains(body, "freshet_cluster_up 0") {
		t.Error("the metrics do not say that the directory is away")
	}
	playlist := get(t, a.url("/live/demo/video/index.m3u8"))
	until(t, 10*time.Second, a.url("/live/demo/video/index.m3u8"), func(status int, body string) bool {
		return status == http.StatusOK && body != playlist
	})
	session, err := a.node.Sessions.Open(t.Context(), ingest.Request{Name: "live/new", Protocol: "srt", Trusted: true})
	if err != nil {
		t.Fatalf("a new publisher while the directory is away: %v", err)
	}
	defer session.Close()
	back := startGateway(t, all[1])
	until(t, 30*time.Second, a.operator("/readyz"), well)
	until(t, 10*time.Second, back.operator("/v1/cluster"), func(_ int, body string) bool {
		return strings.Contains(body, `"live/new"`) && strings.Contains(body, `"live/demo"`)
	})
}

// Nodes find their parents in the directory.
func TestParentsFromTheDirectory(t *testing.T) {
	t.Parallel()
	cfg := loopback()
	cfg.Node.ID, cfg.Cluster.LeafListen = "origin", freeAddress(t)
	cfg.Web.HTTPS = freeAddress(t)
	cfg.Node.URL = "moqt://" + cfg.Web.HTTPS
	origin := startGateway(t, cfg)
	below := func(id, tier string) *running {
		child := loopback()
		child.SRT.Address, child.Relay.Insecure = "", true
		child.Node.ID, child.Node.Tier = id, tier
		child.Web.HTTPS = freeAddress(t)
		child.Node.URL = "https://" + child.Web.HTTPS + "/moq"
		child.Cluster.Leaf = []string{"nats://" + cfg.Cluster.LeafListen}
		return startGateway(t, child)
	}
	mid, edge := below("mid", configs.TierMid), below("edge", configs.TierEdge)
	origin.push(t)
	get(t, edge.url("/live/demo/index.m3u8"))
	for g, hops := range map[*running]string{mid: `"hops":["origin"]`, edge: `"hops":["origin","mid"]`} {
		until(t, 20*time.Second, g.operator("/v1/relay"), func(_ int, body string) bool { return strings.Contains(body, hops) })
	}
}
