package swarm_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/swarm"
)

const cam = relay.Namespace("live/cam1")

// stage is an edge with one track, in a bubble of virtual time.
type stage struct {
	t      *testing.T
	tb     testing.TB
	relay  *relay.Relay
	video  *relay.Track
	group  *relay.Group
	edge   *swarm.Edge
	server *moqt.Server
	reg    *prometheus.Registry

	protocol string
	hosts    int
	guests   []*guest
	served   sync.WaitGroup
	stop     context.CancelFunc
	ran      sync.WaitGroup
}

// onStage runs a test at every draft.
func onStage(t *testing.T, change func(*swarm.Config, *moqt.Config), play func(s *stage)) {
	t.Helper()
	for _, protocol := range []string{"moqt-18", "moqt-16"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, change)
				s.t, s.protocol = t, protocol
				defer s.close()
				play(s)
			})
		})
	}
}

func newStage(tb testing.TB, change func(*swarm.Config, *moqt.Config)) *stage {
	tb.Helper()
	s := &stage{tb: tb, relay: relay.New(relay.Config{}), reg: prometheus.NewRegistry()}
	b, err := s.relay.Publish(cam)
	s.must(err)
	s.video, err = b.NewTrack("video", relay.TrackConfig{Window: 30 * time.Second})
	s.must(err)
	cfg := swarm.Config{Relay: s.relay, Registerer: s.reg, Sent: func() int64 { return s.server.Sent() }}
	cfg.Policy.Params = params()
	mcfg := moqt.Config{Relay: s.relay}
	if change != nil {
		change(&cfg, &mcfg)
	}
	s.edge, err = swarm.New(cfg)
	s.must(err)
	mcfg.Extensions = []moqt.ServerExtension{s.edge.Extension()}
	s.server = moqt.NewServer(mcfg)
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.ran.Go(func() { s.must(s.edge.Run(ctx)) })
	synctest.Wait()
	return s
}

// params are the defaults with four sub-streams, for masks that people can read.
func params() policy.Params {
	p := policy.DefaultParams()
	p.Subs = k
	return p
}

func (s *stage) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

func (s *stage) close() {
	for _, g := range s.guests {
		g.leave() // Those that a failed test has left behind.
	}
	s.served.Wait()
	s.stop()
	s.ran.Wait()
}

// startGroup begins a group with a chunk of size bytes.
func (s *stage) startGroup(id uint64, size int) {
	s.tb.Helper()
	g, err := s.video.StartGroup(id, relay.Object{Payload: chunkOf(id, 0, size), Complete: time.Now()})
	s.must(err)
	s.group = g
}

// chunk publishes one more.
func (s *stage) chunk(size int) {
	s.tb.Helper()
	s.must(s.group.Append(relay.Object{Payload: chunkOf(s.group.ID(), s.group.Next(), size), Complete: time.Now()}))
}

// chunkRate is chunks a second.
const chunkRate = 10

// publish goes on with groups of a second until stop, which waits.
func (s *stage) publish(groups uint64, size int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for id := uint64(1); id <= groups; id++ {
			for i := range chunkRate {
				if i == 0 {
					s.startGroup(id, size)
				} else {
					s.chunk(size)
				}
				select {
				case <-time.After(time.Second / chunkRate):
				case <-ctx.Done():
					return
				}
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

// chunkOf is bytes that no other chunk has.
func chunkOf(group, object uint64, size int) []byte {
	b := make([]byte, size)
	for i := 0; i+8 <= len(b); i += 8 {
		binary.BigEndian.PutUint64(b[i:], group<<40|object<<24|uint64(i))
	}
	return b
}

// pieceOf cuts the track of a group into pieces; sizes are its chunks.
func piecesOf(group uint64, sizes ...int) map[policy.PieceID]string {
	out := make(map[policy.PieceID]string)
	n := uint32(0)
	for i, size := range sizes {
		b := chunkOf(group, uint64(i), size)
		for _, length := range policy.Cut(size) {
			out[policy.PieceID{Group: group, N: n}] = string(b[:length])
			b, n = b[length:], n+1
		}
	}
	return out
}

// guest is a viewer that knows the messages and decides nothing.
type guest struct {
	s    *stage
	c    *moqt.Client
	st   moqt.Stream
	host int

	mu     sync.Mutex
	got    []delivery // Guarded by mu.
	heard  []wire.Message
	left   bool // Guarded by mu. The edge has ended the stream.
	paused bool // Guarded by mu. Nothing is read of pieces.
	ended  <-chan error
	silent sync.WaitGroup
}

// delivery is a stream of pieces.
type delivery struct {
	header wire.PiecesHeader
	pieces []policy.PieceID
	bytes  map[policy.PieceID]string
	err    error // Nil after FIN.
	done   bool
}

func fingerprint(host int) string { return fmt.Sprintf("%064x", host) }

// helloOf is a viewer's who takes part.
func helloOf(host int) *wire.Hello {
	return &wire.Hello{
		Version: wire.Version, Namespace: string(cam), Track: "video", Fingerprint: fingerprint(host),
		Consent: policy.ConsentGranted, Net: policy.NetEthernet, Uplink: 20_000_000, Agent: "native",
	}
}

// connect makes a session.
func (s *stage) connect() *guest {
	s.tb.Helper()
	near, far := moqttest.Pair(moqttest.Config{Protocol: s.protocol})
	ended := make(chan error, 1)
	s.served.Go(func() { ended <- s.server.Serve(context.Background(), far) })
	g := s.connectOver(near)
	g.ended = ended
	return g
}

// connectOver makes a session over a connection to the edge.
func (s *stage) connectOver(conn moqt.Conn) *guest {
	s.tb.Helper()
	s.hosts++
	g := &guest{s: s, host: s.hosts}
	c, err := moqt.NewClient(context.Background(), conn, moqt.ClientConfig{
		Extensions: []moqt.ClientExtension{{Extension: swarm.Extension(), Receive: g.receive}},
	})
	s.must(err)
	g.c = c
	s.guests = append(s.guests, g)
	return g
}

// join opens the stream and says hello.
func (s *stage) join(change func(*wire.Hello)) *guest {
	s.tb.Helper()
	g := s.connect()
	hello := helloOf(g.host)
	if change != nil {
		change(hello)
	}
	g.open(hello)
	return g
}

func (g *guest) open(hello *wire.Hello) {
	g.s.tb.Helper()
	st, err := g.c.OpenExtension(context.Background(), wire.StreamType)
	g.s.must(err)
	g.st = st
	g.say(hello)
	g.silent.Go(func() { g.listen(wire.NewFrames(st)) })
	synctest.Wait()
}

func (g *guest) say(m wire.Message) {
	g.s.tb.Helper()
	b, err := wire.AppendMessage(nil, m)
	g.s.must(err)
	_, err = g.st.Write(b)
	g.s.must(err)
}

func (g *guest) listen(frames *wire.Frames) {
	for {
		b, err := frames.Next()
		if err != nil {
			g.mu.Lock()
			g.left = true
			g.mu.Unlock()
			return
		}
		m, err := wire.ParseEdge(b)
		if err != nil {
			g.s.tb.Error(err)
		}
		g.mu.Lock()
		g.heard = append(g.heard, m)
		g.mu.Unlock()
	}
}

func (g *guest) receive(_ context.Context, r moqt.ReceiveStream) {
	p, err := wire.NewPieces(pausable{r, g})
	if err != nil {
		return
	}
	g.mu.Lock()
	i := len(g.got)
	g.got = append(g.got, delivery{header: p.Header, bytes: make(map[policy.PieceID]string)})
	g.mu.Unlock()
	for {
		id, b, err := p.Next()
		g.mu.Lock()
		d := &g.got[i]
		if err != nil {
			d.done = true
			if err.Error() != "EOF" {
				d.err = err
			}
			g.mu.Unlock()
			return
		}
		d.pieces = append(d.pieces, id)
		d.bytes[id] = string(b)
		g.mu.Unlock()
	}
}

// pausable reads unless the guest is paused.
type pausable struct {
	io.Reader
	g *guest
}

func (p pausable) Read(b []byte) (int, error) {
	for {
		p.g.mu.Lock()
		paused := p.g.paused
		p.g.mu.Unlock()
		if !paused {
			return p.Reader.Read(b)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (g *guest) setPaused(paused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.paused = paused
}

// leave ends the session.
func (g *guest) leave() {
	_ = g.c.Close()
	g.silent.Wait()
}

// deliveries are the streams of a kind so far, once nothing moves.
func (g *guest) deliveries(kind wire.PiecesKind) []delivery {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []delivery
	for _, d := range g.got {
		if d.header.Kind == kind {
			out = append(out, d)
		}
	}
	return out
}

// fed are all pieces that were fed so far; one that came twice is a failure.
func (g *guest) fed() map[policy.PieceID]string {
	g.s.tb.Helper()
	out := make(map[policy.PieceID]string)
	for _, d := range g.deliveries(wire.PiecesFed) {
		for _, id := range d.pieces {
			if _, twice := out[id]; twice {
				g.s.tb.Errorf("piece %v came twice", id)
			}
			if id.Group != d.header.ID {
				g.s.tb.Errorf("piece %v came on the stream of group %d", id, d.header.ID)
			}
			out[id] = d.bytes[id]
		}
	}
	return out
}

// said gives what the edge said of a kind.
func said[M wire.Message](g *guest) []M {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []M
	for _, m := range g.heard {
		if of, ok := m.(M); ok {
			out = append(out, of)
		}
	}
	return out
}

// wantOne is the one message of a kind.
func wantOne[M wire.Message](g *guest) M {
	g.s.tb.Helper()
	all := said[M](g)
	if len(all) != 1 {
		g.s.tb.Fatalf("viewer %d heard %d of %T", g.host, len(all), *new(M))
	}
	return all[0]
}

// only keeps the pieces that pass.
func only(all map[policy.PieceID]string, pass func(policy.PieceID) bool) map[policy.PieceID]string {
	out := make(map[policy.PieceID]string)
	for id, b := range all {
		if pass(id) {
			out[id] = b
		}
	}
	return out
}

func merge(all ...map[policy.PieceID]string) map[policy.PieceID]string {
	out := make(map[policy.PieceID]string)
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// names lists pieces for people.
func names(all map[policy.PieceID]string) string {
	var b strings.Builder
	for group := range uint64(20) {
		for n := range uint32(200) {
			if _, ok := all[policy.PieceID{Group: group, N: n}]; ok {
				fmt.Fprintf(&b, "%d/%d ", group, n)
			}
		}
	}
	return b.String()
}

// authorizeOnly lets everybody watch one broadcast.
func authorizeOnly(ns relay.Namespace) func(context.Context, moqt.Request) (moqt.Grant, error) {
	return func(_ context.Context, r moqt.Request) (moqt.Grant, error) {
		if r.Namespace != ns {
			return moqt.Grant{}, errors.New("not for you")
		}
		return moqt.Grant{}, nil
	}
}
