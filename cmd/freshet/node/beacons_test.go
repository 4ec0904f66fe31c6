package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// Pictures of 320x180: the parameter sets of x264, and slices that only their types
// count of.
var (
	testSPS = []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0x9f, 0x9e, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0xa4, 0x80}
	testPPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
)

// camera is an encoder of video whose access units are packaged.
type camera struct {
	tb      testing.TB
	session *ingest.Session
	n       int
}

func (m *machine) camera(name relay.Namespace) *camera {
	m.w.tb.Helper()
	s, err := m.Sessions.Open(context.Background(), ingest.Request{Name: string(name), Protocol: "test", Remote: "a camera"})
	if err == nil {
		err = errors.Join(s.Begin(0), s.SetProgram(ingest.Program{Streams: []ingest.Stream{{Codec: ingest.CodecH264}}}))
	}
	if err != nil {
		m.w.tb.Fatal(err)
	}
	return &camera{tb: m.w.tb, session: s}
}

// film pushes pictures in their own time, 25 a second, a key frame of 100 kB each
// second.
func (c *camera) film(d time.Duration) {
	c.tb.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); c.n++ {
		slice := bytes.Repeat([]byte{byte(c.n) | 1}, 5000)
		slice[0] = 0x41
		units, key := [][]byte{slice}, c.n%25 == 0
		if key {
			slice = bytes.Repeat([]byte{byte(c.n) | 1}, 100_000)
			slice[0] = 0x65
			units = [][]byte{testSPS, testPPS, slice}
		}
		at := int64(c.n) * ingest.Clock / 25
		if err := c.session.Push(ingest.AccessUnit{PTS: at, DTS: at, Units: units, Random: key, Complete: time.Now()}); err != nil {
			c.tb.Fatal(err)
		}
		time.Sleep(time.Second / 25)
	}
}

// recorder keeps what a viewer gets of a broadcast, by track.
type recorder struct {
	tb     testing.TB
	client *moqt.Client
	tasks  sync.WaitGroup

	mu      sync.Mutex
	objects map[string][]moqt.Object // Guarded by mu.
}

// recordAt connects a viewer to a node; stop must follow.
func (w *world) recordAt(ctx context.Context, id string) *recorder {
	w.tb.Helper()
	conn, err := w.net.dial(ctx, w.address(), w.net.find(id), "", quicconn.UplinkConfig())
	if err != nil {
		w.tb.Fatal(err)
	}
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{})
	if err != nil {
		w.tb.Fatal(err)
	}
	return &recorder{tb: w.tb, client: client, objects: make(map[string][]moqt.Object)}
}

func (r *recorder) subscribe(ctx context.Context, name relay.Namespace, track string) {
	r.tb.Helper()
	sub, err := r.client.Subscribe(ctx, name, track, moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.NextGroupStart}})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tasks.Go(func() {
		for {
			o, err := sub.Next(ctx)
			if err != nil {
				return
			}
			if !o.End {
				r.mu.Lock()
				r.objects[track] = append(r.objects[track], o)
				r.mu.Unlock()
			}
		}
	})
}

func (r *recorder) got(track string) []moqt.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.objects[track]
}

func (r *recorder) stop() {
	_ = r.client.Close()
	r.tasks.Wait()
}

// Beacons pass through three tiers of two drafts as they are, right behind their
// chunks, and verify at the end by the catalog that came the same way. LL-HLS at the
// edge serves the video and knows nothing of them.
func TestBeaconsThroughTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		w := newWorld(t)
		origin := w.machine("origin", cluster.TierOrigin)
		origin.key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		origin.start()
		w.mid("mid", "origin@16")
		edge := w.edge("edge", "mid@18")
		cam1 := origin.camera(cam)
		cam1.film(2 * time.Second)
		view := w.recordAt(ctx, "edge")
		defer view.stop()
		for _, track := range []string{msf.TrackName, "video", "video.beacons"} {
			view.subscribe(ctx, cam, track)
		}
		server := serveHLS(ctx, t, edge)
		cam1.film(6 * time.Second)

		checkBeacons(t, origin, view)
		checkHLS(t, server)
		cam1.session.Close()
		cancel()
	})
}

// checkBeacons verifies all that came of a second and more.
func checkBeacons(t *testing.T, origin *machine, view *recorder) {
	t.Helper()
	catalogs := view.got(msf.TrackName)
	if len(catalogs) == 0 {
		t.Fatal("no catalog")
	}
	c, err := msf.Parse(catalogs[len(catalogs)-1].Payload)
	if err != nil || len(c.Tracks) != 1 || c.Tracks[0].Beacons != "video.beacons" || c.Swarm == nil {
		t.Fatalf("catalog %+v, %v", c, err)
	}
	v := beacon.NewVerifier(beacon.Config{Namespace: string(cam), Track: "video", Delay: time.Second})
	if err := v.SetKeys(c.Swarm); err != nil {
		t.Fatal(err)
	}
	beacons := make(map[relay.Location]moqt.Object)
	for _, o := range view.got("video.beacons") {
		beacons[o.Location] = o
	}
	video, verified := view.got("video"), 0
	for _, o := range video {
		b, ok := beacons[o.Location]
		if !ok {
			t.Errorf("no beacon of %v", o.Location)
			continue
		}
		checkSame(t, origin, "video.beacons", b)
		if d := b.Arrival.Sub(o.Arrival); d > 5*time.Millisecond {
			t.Errorf("the beacon of %v came %v after it", o.Location, d)
		}
		verifyChunk(t, v, b, o)
		verified++
	}
	if verified < 100 || len(beacons) != verified {
		t.Errorf("%d chunks verified, %d beacons", verified, len(beacons))
	}
}

// checkSame compares with what the origin published.
func checkSame(t *testing.T, origin *machine, track string, o moqt.Object) {
	t.Helper()
	b, _ := origin.Relay.Broadcast(cam)
	tr, _ := b.Track(track)
	g, ok := tr.Group(o.Location.Group)
	if !ok {
		t.Fatalf("the origin has no group %d", o.Location.Group)
	}
	if want, ok := g.Get(o.Location.Object); !ok || !bytes.Equal(want.Payload, o.Payload) {
		t.Errorf("%s %v has other bytes", track, o.Location)
	}
}

func verifyChunk(t *testing.T, v *beacon.Verifier, b, chunk moqt.Object) {
	t.Helper()
	got, _, err := v.Add(b.Arrival, b.Payload)
	if err != nil || got.Group != chunk.Location.Group || got.Chunk != chunk.Location.Object {
		t.Fatalf("beacon of %v: %v, %v", chunk.Location, got, err)
	}
	rest := chunk.Payload
	for i, size := range got.Sizes {
		if err := v.Piece(got.Piece(i), rest[:size]); err != nil {
			t.Errorf("piece %d of %v: %v", i, chunk.Location, err)
		}
		rest = rest[size:]
	}
	if key := chunk.Location.Object == 0; len(rest) > 0 || key != (len(got.Sizes) > 1) {
		t.Errorf("chunk of %d bytes in pieces %v", len(chunk.Payload), got.Sizes)
	}
}

func serveHLS(ctx context.Context, t *testing.T, edge *machine) *hls.Server {
	t.Helper()
	server, err := hls.New(hls.Config{Relay: edge.Relay, SegmentDuration: time.Second, PartDuration: 500 * time.Millisecond, Window: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	edge.tasks.Go(func() { _ = server.Run(ctx) })
	if _, ok := server.Presentation(cam); !ok {
		t.Fatal("the edge has no broadcast")
	}
	return server
}

func checkHLS(t *testing.T, server *hls.Server) {
	t.Helper()
	p, ok := server.Presentation(cam)
	if !ok || len(p.Renditions()) != 1 || p.Renditions()[0].Name() != "video" {
		t.Fatalf("renditions %v", p.Renditions())
	}
	text := p.Renditions()[0].Playlist().Document(hls.SkipNone).Text
	if bytes.Count(text, []byte("#EXTINF:")) < 3 {
		t.Errorf("playlist\n%s", text)
	}
}
