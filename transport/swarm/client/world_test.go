package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	moqtwire "github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
	"github.com/freshet-live/freshet/transport/swarm"
	"github.com/freshet-live/freshet/transport/swarm/client"
	"github.com/freshet-live/freshet/transport/swarm/client/clienttest"
	"github.com/freshet-live/freshet/transport/swarm/stun"
)

const (
	cam      = relay.Namespace("live/cam")
	edgePort = 4443
)

// world is an internet with one edge, a live broadcast and viewers, in a bubble of
// virtual time. Media, signalling and peers share the viewers' lines.
type world struct {
	t      *testing.T
	net    *rtctest.Network
	relay  *relay.Relay
	edge   *swarm.Edge
	server *moqt.Server
	stun   string
	addr   string

	stop     context.CancelFunc
	endSwarm context.CancelFunc
	running  sync.WaitGroup
	viewers  []*viewer

	mu     sync.Mutex
	chunks map[relay.Location][sha256.Size]byte // Guarded by mu. What was published.
}

type worldConfig struct {
	rate  int64         // Of the stream, bit/s.
	every time.Duration // A chunk.
	loss  float64       // Of what the edge sends.
	// late is how long every third beacon is behind its chunk, less than every: as one
	// whose packet was lost on the way.
	late   time.Duration
	change func(*swarm.Config)
}

func newWorld(t *testing.T, cfg worldConfig) *world {
	t.Helper()
	w := &world{t: t, net: rtctest.New(t, 7), relay: relay.New(relay.Config{}), chunks: make(map[relay.Location][sha256.Size]byte)}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.openSTUN(ctx)
	w.openEdge(ctx, cfg)
	w.broadcast(ctx, cfg)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) openSTUN(ctx context.Context) {
	w.t.Helper()
	socket, err := w.net.Host(rtctest.Line{Delay: 2 * time.Millisecond}).Listen(3478)
	w.must(err)
	server, err := stun.New(stun.Config{Conn: socket})
	w.must(err)
	w.stun = "stun:" + socket.LocalAddr().String()
	w.running.Go(func() { _ = server.Run(ctx) })
}

// openEdge begins the edge: MoQ over QUIC, with the swarm beside.
func (w *world) openEdge(ctx context.Context, cfg worldConfig) {
	w.t.Helper()
	host := w.net.Host(rtctest.Line{Delay: 2 * time.Millisecond, Loss: cfg.loss})
	socket, err := host.Listen(edgePort)
	w.must(err)
	w.addr = socket.LocalAddr().String()
	config := swarm.Config{
		Relay: w.relay, STUN: []string{w.stun}, Registerer: prometheus.NewRegistry(),
		Sent:   func() int64 { return w.server.Sent() },
		Policy: swarm.Policy{DefaultAsk: swarm.AskNot},
	}
	if cfg.change != nil {
		cfg.change(&config)
	}
	w.edge, err = swarm.New(config)
	w.must(err)
	w.server = moqt.NewServer(moqt.Config{Relay: w.relay, Extensions: []moqt.ServerExtension{w.edge.Extension()}})
	source, err := certs.New(certs.Config{Hosts: []string{"localhost"}})
	w.must(err)
	listener, err := quicconn.New(quicconn.Config{
		Conn: socket, TLS: &tls.Config{GetCertificate: source.GetCertificate}, Protocols: moqtwire.Protocols(),
		MoQ: func(ctx context.Context, conn moqt.Conn) { _ = w.server.Serve(ctx, conn) },
	})
	w.must(err)
	swarmCtx, endSwarm := context.WithCancel(ctx)
	w.endSwarm = endSwarm
	w.running.Go(func() { _ = w.edge.Run(swarmCtx) })
	w.running.Go(func() { _ = listener.Run(ctx) })
}

// broadcast publishes a live stream with beacons: groups of a second, whose first
// chunk has four times the bytes of the others.
func (w *world) broadcast(ctx context.Context, cfg worldConfig) {
	w.t.Helper()
	b, err := w.relay.Publish(cam)
	w.must(err)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	p := &publisher{w: w, authority: beacon.NewAuthority(key, string(cam)), signer: beacon.NewSigner(string(cam), "video"), cfg: cfg}
	p.catalog, err = b.NewTrack(msf.TrackName, relay.TrackConfig{})
	w.must(err)
	p.video, err = b.NewTrack("video", relay.TrackConfig{Window: 10 * time.Second, Priority: 2})
	w.must(err)
	p.beacons, err = b.NewTrack("video.beacons", relay.TrackConfig{Window: 10 * time.Second, Priority: 1})
	w.must(err)
	p.group = uint64(time.Now().UnixMilli())
	p.begin()
	w.running.Go(func() { p.run(ctx) })
}

type publisher struct {
	w                       *world
	cfg                     worldConfig
	authority               *beacon.Authority
	signer                  *beacon.Signer
	catalog, video, beacons *relay.Track
	group                   uint64
	first                   uint32
}

func (p *publisher) begin() {
	_, err := p.authority.Advance(time.Now(), p.group)
	p.w.must(err)
	p.signer.Use(p.authority.Session())
	c := msf.Catalog{
		Version: msf.Version, Swarm: p.authority.Keys(),
		Tracks: []msf.Track{{Name: "video", Packaging: msf.PackagingCMAF, IsLive: true, Role: msf.RoleVideo, Beacons: "video.beacons"}},
	}
	b, err := c.Encode()
	p.w.must(err)
	_, err = p.catalog.StartGroup(1, relay.Object{Payload: b, Complete: time.Now()})
	p.w.must(err)
}

func (p *publisher) run(ctx context.Context) {
	perGroup := int(time.Second / p.cfg.every)
	small := int(p.cfg.rate/8) / (perGroup + 3)
	ticker := time.NewTicker(p.cfg.every)
	defer ticker.Stop()
	for ; ; p.group++ {
		p.first = 0
		var video, beacons *relay.Group
		for i := range perGroup {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			size := small
			if i == 0 {
				size = 4 * small
			}
			payload := p.payload(i, size)
			raw := p.beacon(i, payload)
			video = p.append(p.video, video, payload)
			if i%3 == 2 {
				time.Sleep(p.cfg.late)
			}
			beacons = p.append(p.beacons, beacons, raw)
		}
	}
}

func (p *publisher) append(t *relay.Track, g *relay.Group, b []byte) *relay.Group {
	o := relay.Object{Payload: b, Complete: time.Now()}
	if g == nil {
		g, err := t.StartGroup(p.group, o)
		p.w.must(err)
		return g
	}
	p.w.must(g.Append(o))
	return g
}

func (p *publisher) payload(i, size int) []byte {
	b := make([]byte, size)
	for j := 0; j+16 <= len(b); j += 16 {
		binary.BigEndian.PutUint64(b[j:], p.group)
		binary.BigEndian.PutUint64(b[j+8:], uint64(i)<<32|uint64(j))
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.chunks[relay.Location{Group: p.group, Object: uint64(i)}] = sha256.Sum256(b)
	return b
}

func (p *publisher) beacon(i int, payload []byte) []byte {
	now := time.Now()
	b := beacon.Beacon{
		Group: p.group, Chunk: uint64(i), First: p.first, Time: now.UnixMilli(),
		PTS: time.Duration(now.UnixMicro()) * time.Microsecond,
	}
	p.w.must(b.Describe(payload))
	p.first = b.End()
	raw, err := p.signer.Sign(&b)
	p.w.must(err)
	return raw
}

// viewer is one that watches, and checks all that it is given.
type viewer struct {
	w        *world
	n        int
	line     rtctest.Line
	host     *rtctest.Host
	endpoint *rtc.Endpoint
	faulty   *clienttest.Faulty
	v        *client.Viewer
	leave    context.CancelFunc
	left     chan struct{}

	mu    sync.Mutex
	good  int // Guarded by mu. Chunks that are as they were published.
	wrong int // Guarded by mu.
}

type viewerConfig struct {
	line      rtctest.Line
	situation client.Situation
}

// granted is a viewer who takes part.
var granted = client.Situation{Consent: policy.ConsentGranted, Net: policy.NetEthernet}

// join adds a viewer that watches until the world ends, or it leaves.
func (w *world) join(cfg viewerConfig) *viewer {
	w.t.Helper()
	if cfg.situation.Consent == "" {
		cfg.situation = granted
	}
	v := &viewer{w: w, n: len(w.viewers), line: cfg.line, host: w.net.Host(cfg.line), left: make(chan struct{})}
	var err error
	v.endpoint, err = rtc.New(rtc.Config{Net: v.host})
	w.must(err)
	v.faulty = clienttest.NewFaulty(client.Connections(v.endpoint))
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("SWARM_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("viewer", v.n)
	}
	v.v = client.New(client.Config{
		Namespace: cam, Situation: cfg.situation, Peers: v.faulty, Seed: uint64(v.n), Logger: log,
	})
	ctx, leave := context.WithCancel(context.Background())
	v.leave = leave
	w.viewers = append(w.viewers, v)
	w.running.Go(func() {
		defer close(v.left)
		v.run(ctx)
	})
	return v
}

func (v *viewer) run(ctx context.Context) {
	socket, err := v.host.Listen(0)
	v.w.must(err)
	defer socket.Close()
	transport := &quic.Transport{Conn: socket}
	defer transport.Close()
	conn, err := quicconn.DialFrom(ctx, transport, v.w.addr, &tls.Config{InsecureSkipVerify: true}, moqtwire.Protocols(), nil)
	if err != nil {
		v.w.t.Errorf("viewer %d: %v", v.n, err)
		return
	}
	// The session ends behind the viewer's good-bye.
	session, err := moqt.NewClient(context.WithoutCancel(ctx), conn, moqt.ClientConfig{Extensions: []moqt.ClientExtension{v.v.Extension()}})
	if err != nil {
		v.w.t.Errorf("viewer %d: %v", v.n, err)
		return
	}
	defer session.Close()
	var watching sync.WaitGroup
	watching.Go(func() { v.watch(ctx) })
	if err := v.v.Run(ctx, session); !errors.Is(err, context.Canceled) {
		v.w.t.Errorf("viewer %d ended: %v", v.n, err)
	}
	watching.Wait()
}

// watch compares what is to be displayed with what was published.
func (v *viewer) watch(ctx context.Context) {
	for {
		c, err := v.v.Next(ctx)
		if err != nil {
			return
		}
		if c.Payload == nil {
			continue
		}
		at := relay.Location{Group: c.Group, Object: c.Object}
		v.w.mu.Lock()
		right := v.w.chunks[at] == sha256.Sum256(c.Payload)
		v.w.mu.Unlock()
		v.mu.Lock()
		if right {
			v.good++
		} else {
			v.wrong++
		}
		v.mu.Unlock()
	}
}

func (v *viewer) seen() (good, wrong int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.good, v.wrong
}

// close ends everything.
func (w *world) close() {
	for _, v := range w.viewers {
		v.leave()
	}
	for _, v := range w.viewers {
		<-v.left
	}
	w.stop()
	w.running.Wait()
}

// total is the sum over viewers.
func total(viewers []*viewer) client.Stats {
	var sum client.Stats
	for _, v := range viewers {
		sum.Add(v.v.Stats())
	}
	return sum
}

// minus is what has come since.
func minus(s, before client.Stats) client.Stats {
	s.Subtract(before)
	return s
}
