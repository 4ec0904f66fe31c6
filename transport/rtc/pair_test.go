package rtc_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

// side is one end of a pair: its endpoint, and what its connection told.
type side struct {
	host     *rtctest.Host
	endpoint *rtc.Endpoint
	conn     *rtc.Conn
	stop     context.CancelFunc
	events   chan rtc.Event
	heard    chan rtc.Event // All but signals.
	ended    chan error
}

// pair is two viewers whose signals a test carries, with a delay as by an edge.
type pair struct {
	tb     testing.TB
	a, b   *side // a makes the offer.
	cancel context.CancelFunc
	all    sync.WaitGroup
	// signal may change or swallow what is signalled.
	signal func(from *side, s rtc.Signal) (rtc.Signal, bool)
}

// pairConfig says how two viewers are connected.
type pairConfig struct {
	lineA, lineB rtctest.Line
	window       int
	signalDelay  time.Duration
	change       func(a, b *rtc.ConnConfig)
	signal       func(from *side, s rtc.Signal) (rtc.Signal, bool)
}

const token = "token of the pair"

func newPair(tb testing.TB, cfg pairConfig) *pair {
	tb.Helper()
	n := rtctest.New(tb, 1)
	stun := n.STUN(rtctest.Line{Delay: 5 * time.Millisecond})
	p := &pair{tb: tb, signal: cfg.signal}
	p.a, p.b = newSide(tb, n.Host(cfg.lineA), cfg.window), newSide(tb, n.Host(cfg.lineB), cfg.window)
	a := rtc.ConnConfig{Self: 1, Peer: 2, Offer: true, Fingerprint: p.b.endpoint.Fingerprint(), Token: token, Events: p.a.take, ICE: []string{stun}}
	b := rtc.ConnConfig{Self: 2, Peer: 1, Fingerprint: p.a.endpoint.Fingerprint(), Token: token, Events: p.b.take, ICE: []string{stun}}
	if cfg.change != nil {
		cfg.change(&a, &b)
	}
	p.a.conn, p.b.conn = p.a.endpoint.Conn(a), p.b.endpoint.Conn(b)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	for _, s := range []*side{p.a, p.b} {
		ctx, stop := context.WithCancel(ctx)
		s.stop = stop
		p.all.Go(func() { s.ended <- s.conn.Run(ctx) })
	}
	p.all.Go(func() { p.carry(ctx, p.a, p.b, cfg.signalDelay) })
	p.all.Go(func() { p.carry(ctx, p.b, p.a, cfg.signalDelay) })
	tb.Cleanup(p.close)
	return p
}

func newSide(tb testing.TB, host *rtctest.Host, window int) *side {
	tb.Helper()
	e, err := rtc.New(rtc.Config{Net: host, Window: window})
	if err != nil {
		tb.Fatal(err)
	}
	return &side{
		host: host, endpoint: e, events: make(chan rtc.Event), heard: make(chan rtc.Event, 10_000), ended: make(chan error, 1),
	}
}

func (s *side) take(ctx context.Context, e rtc.Event) error {
	select {
	case s.events <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// carry hands events on, and signals to the other side.
func (p *pair) carry(ctx context.Context, from, to *side, delay time.Duration) {
	for {
		select {
		case e := <-from.events:
			if e.Kind != rtc.Signalled {
				from.heard <- e
				continue
			}
			s, ok := e.Signal, true
			if p.signal != nil {
				s, ok = p.signal(from, s)
			}
			if ok {
				p.all.Go(func() {
					time.Sleep(delay)
					to.conn.Signal(s)
				})
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *pair) close() {
	p.cancel()
	p.all.Wait()
}

// await gives the next event of a kind.
func (s *side) await(tb testing.TB, kind rtc.EventKind) rtc.Event {
	tb.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case e := <-s.heard:
			if e.Kind == kind {
				return e
			}
		case err := <-s.ended:
			tb.Fatalf("connection ended: %v", err)
		case <-deadline:
			tb.Fatalf("no event %d", kind)
		}
	}
}

// open waits until both sides are open, and tells how long it took.
func (p *pair) open(tb testing.TB) time.Duration {
	tb.Helper()
	start := time.Now()
	p.a.await(tb, rtc.Opened)
	p.b.await(tb, rtc.Opened)
	return time.Since(start)
}

// end waits for the end of a connection.
func (s *side) end(tb testing.TB) error {
	tb.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(30 * time.Second):
		tb.Fatal("connection has not ended")
		return nil
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func pieceOf(size int, seed byte) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ seed
	}
	return b
}

func id(g uint64, n uint32) swarm.PieceID { return swarm.PieceID{Group: g, N: n} }
