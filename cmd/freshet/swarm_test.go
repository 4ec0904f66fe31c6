package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay/cluster"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	swarmwire "github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/swarm"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// pieceReader takes the pieces that an edge sends.
type pieceReader struct {
	mu  sync.Mutex
	got map[policy.PieceID][]byte // Guarded by mu.
}

func (p *pieceReader) receive(_ context.Context, r moqt.ReceiveStream) {
	pieces, err := swarmwire.NewPieces(r)
	for err == nil {
		var id policy.PieceID
		var b []byte
		if id, b, err = pieces.Next(); err == nil {
			p.mu.Lock()
			p.got[id] = b
			p.mu.Unlock()
		}
	}
}

func (p *pieceReader) take(id policy.PieceID) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.got[id]
	return b, ok
}

// What an edge feeds by pieces is what the origin signed, over a tier and the real
// packager: the numbers agree, and every hash. Operators and players are told.
func TestSwarmAtAnEdge(t *testing.T) {
	t.Parallel()
	top := loopback()
	top.Swarm.Enabled = true
	origin := startGateway(t, top)
	low := below(origin, origin.moqURL("https"))
	low.Node.Tier = configs.TierEdge
	low.Swarm.Enabled, low.Swarm.STUN = true, "127.0.0.1:0"
	low.Swarm.Control = 0 // One viewer in fifty would be of the control group.
	low.Swarm.STUNURLs, low.Swarm.Fallbacks = []string{"stun:127.0.0.1:3478"}, []string{"https://edge-b.example.com"}
	edge := startGateway(t, low)
	origin.push(t)
	get(t, edge.url("/live/demo/video/index.m3u8"))

	conn, err := wtconn.Dial(t.Context(), edge.moqURL("https"), certs.Pinned(edge.certs.Hash()), wire.Protocols(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reader := &pieceReader{got: make(map[policy.PieceID][]byte)}
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{Extensions: []moqt.ClientExtension{{
		Extension: swarm.Extension(), Receive: reader.receive,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	catalog, err := msf.Parse(next(ctx, t, client, msf.TrackName).Payload)
	if err != nil || catalog.Swarm == nil {
		t.Fatalf("catalog: %+v, %v", catalog, err)
	}
	i := slices.IndexFunc(catalog.Tracks, func(tr msf.Track) bool { return tr.Name == "video" })
	verifier := beacon.NewVerifier(beacon.Config{Namespace: string(demoName), Track: "video", Delay: time.Second})
	if err := verifier.SetKeys(catalog.Swarm); err != nil {
		t.Fatal(err)
	}
	beacons, err := client.Subscribe(ctx, demoName, catalog.Tracks[i].Beacons, moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer beacons.Close()

	welcome := joinSwarm(ctx, t, client)
	if welcome.Mode != policy.ModeEdge || welcome.Reason != "small" || len(welcome.ICE) != 1 {
		t.Errorf("welcome is %+v", welcome)
	}
	checked := 0
	for begun := time.Now(); checked < 20; {
		o, err := beacons.Next(ctx)
		if err != nil {
			t.Fatalf("after %d pieces: %v", checked, err)
		}
		if o.End {
			continue
		}
		b, _, err := verifier.Add(time.Now(), o.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if b.Group == 0 || time.Since(begun) < time.Second {
			continue // The feeding has to begin.
		}
		for n := range b.Sizes {
			id := b.Piece(n)
			piece := awaitPiece(ctx, t, reader, id)
			if err := verifier.Piece(id, piece); err != nil {
				t.Fatalf("piece %v of %d bytes: %v", id, len(piece), err)
			}
			checked++
		}
	}
	checkSwarmPages(t, edge)
	checkSTUN(t, edge)
}

// joinSwarm says hello and wants everything, from the newest group on.
func joinSwarm(ctx context.Context, t *testing.T, client *moqt.Client) *swarmwire.Welcome {
	t.Helper()
	st, err := client.OpenExtension(ctx, swarmwire.StreamType)
	if err != nil {
		t.Fatal(err)
	}
	say := func(m swarmwire.Message) {
		b, err := swarmwire.AppendMessage(nil, m)
		if err == nil {
			_, err = st.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	say(&swarmwire.Hello{
		Version: swarmwire.Version, Namespace: string(demoName), Track: "video", Fingerprint: strings.Repeat("0f", 32),
		Consent: policy.ConsentGranted, Net: policy.NetEthernet, Agent: "native",
	})
	b, err := swarmwire.NewFrames(st).Next()
	if err != nil {
		t.Fatal(err)
	}
	m, err := swarmwire.ParseEdge(b)
	if err != nil {
		t.Fatal(err)
	}
	welcome, ok := m.(*swarmwire.Welcome)
	if !ok {
		t.Fatalf("the edge says %s", b)
	}
	status, err := client.TrackStatus(ctx, demoName, "video")
	if err != nil || status.Largest == nil {
		t.Fatalf("track status: %+v, %v", status, err)
	}
	say(&swarmwire.Feed{Subs: 1<<welcome.Params.Subs - 1, Group: status.Largest.Group})
	return welcome
}

func awaitPiece(ctx context.Context, t *testing.T, reader *pieceReader, id policy.PieceID) []byte {
	t.Helper()
	for {
		if b, ok := reader.take(id); ok {
			return b
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("piece %v did not come", id)
		}
	}
}

func checkSwarmPages(t *testing.T, edge *running) {
	t.Helper()
	var info struct {
		Swarm struct{ Ask string }
		Edges []string
	}
	if err := json.Unmarshal([]byte(get(t, edge.url("/v1/info"))), &info); err != nil {
		t.Fatal(err)
	}
	if info.Swarm.Ask != "ask" || !slices.Equal(info.Edges, []string{"https://edge-b.example.com"}) {
		t.Errorf("/v1/info says %+v", info)
	}
	until(t, 5*time.Second, edge.operator("/v1/swarm"), func(_ int, body string) bool {
		return strings.Contains(body, `"namespace":"live/demo"`) && strings.Contains(body, `"viewers":1`)
	})
	if metrics := get(t, edge.operator("/metrics")); !strings.Contains(metrics, `freshet_swarm_viewers{mode="edge",reason="small"} 1`) {
		t.Error("the viewer is not in the metrics")
	}
}

func checkSTUN(t *testing.T, edge *running) {
	t.Helper()
	conn, err := net.Dial("udp", edge.stun.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer := make([]byte, 512)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	var mapped stun.XORMappedAddress
	m := stun.Message{Raw: answer[:n]}
	if err := m.Decode(); err != nil || mapped.GetFrom(&m) != nil || mapped.String() != conn.LocalAddr().String() {
		t.Errorf("STUN says %v, %v; the address is %v", mapped, err, conn.LocalAddr())
	}
}

// Without the swarm nothing of it is there.
func TestNoSwarm(t *testing.T) {
	t.Parallel()
	g := startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	if body := get(t, g.url("/v1/info")); strings.Contains(body, "swarm") || strings.Contains(body, "edges") {
		t.Errorf("/v1/info is %s", body)
	}
	if status, _ := try(t, g.operator("/v1/swarm")); status != 404 {
		t.Errorf("/v1/swarm: %d", status)
	}
	conn, err := wtconn.Dial(t.Context(), g.moqURL("https"), certs.Pinned(g.certs.Hash()), wire.Protocols(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{Extensions: []moqt.ClientExtension{{
		Extension: swarm.Extension(), Receive: func(_ context.Context, r moqt.ReceiveStream) { _, _ = io.Copy(io.Discard, r) },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.OpenExtension(t.Context(), swarmwire.StreamType); err == nil {
		t.Error("the swarm can be joined")
	}
}

func TestEdgesOfTheRegion(t *testing.T) {
	nodes := []cluster.Node{
		{ID: "a", Tier: cluster.TierEdge, Region: "eu", URL: "https://a.example.com/moq", Load: 0.5},
		{ID: "b", Tier: cluster.TierEdge, Region: "eu", URL: "https://b.example.com:4443/moq", Load: 0.1},
		{ID: "self", Tier: cluster.TierEdge, Region: "eu", URL: "https://self.example.com/moq"},
		{ID: "far", Tier: cluster.TierEdge, Region: "us", URL: "https://far.example.com/moq"},
		{ID: "mid", Tier: cluster.TierMid, Region: "eu", URL: "https://mid.example.com/moq"},
		{ID: "going", Tier: cluster.TierEdge, Region: "eu", URL: "https://going.example.com/moq", Drain: true},
		{ID: "quic", Tier: cluster.TierEdge, Region: "eu", URL: "moqt://10.0.0.1:4443"},
	}
	got := edgesOf(nodes, configs.Node{ID: "self", Region: "eu"})
	if want := []string{"https://b.example.com:4443", "https://a.example.com"}; !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}
