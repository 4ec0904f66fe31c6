package quic_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	quicgo "github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// readClip is a real transport stream of 8 s, H.264 and AAC, in whole packets.
func readClip(t *testing.T) []byte {
	t.Helper()
	ts, err := os.ReadFile("../../cmd/freshet/demo/clip.ts")
	if err != nil {
		t.Fatal(err)
	}
	if len(ts)%188 != 0 {
		t.Fatalf("clip of %d bytes", len(ts))
	}
	return ts
}

// sink writes down what a session is fed.
type sink struct {
	mu    sync.Mutex
	units []string
	ended chan struct{}
	once  sync.Once
}

func (s *sink) Begin(ingest.Request)            {}
func (s *sink) SetProgram(ingest.Program) error { return nil }
func (s *sink) End()                            { s.once.Do(func() { close(s.ended) }) }
func (s *sink) Close(error)                     {}

func (s *sink) Push(au ingest.AccessUnit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := md5.Sum(bytes.Join(au.Units, []byte{0, 0, 1}))
	s.units = append(s.units, fmt.Sprintf("%d %d %d %v %x", au.Stream, au.PTS, au.DTS, au.Random, sum))
	return nil
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.units)
}

// expect compares with what a demuxer makes of ts without any network.
func (s *sink) expect(t *testing.T, ts []byte) {
	t.Helper()
	want := &sink{ended: make(chan struct{})}
	d := mpegts.New(mpegts.Config{Sink: want})
	if err := d.Write(ts, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(time.Now()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want.units, s.units); diff != "" {
		t.Errorf("access units (-sent +received)\n%.2000s", diff)
	}
}

// server is a door behind a port of several protocols.
type server struct {
	sessions *ingest.Sessions
	door     *quic.Door
	addr     string
	certs    *certs.Source
	reg      *prometheus.Registry
	sinks    chan *sink
	log      *ingesttest.Log
}

func serve(t *testing.T, authorize func(context.Context, ingest.Request) error) *server {
	t.Helper()
	s := &server{reg: prometheus.NewRegistry(), sinks: make(chan *sink, 16), log: &ingesttest.Log{}}
	s.sessions = ingest.NewSessions(ingest.Config{
		Authorize: forEver(authorize),
		NewSink: func(string) (ingest.HeldSink, error) {
			made := &sink{ended: make(chan struct{})}
			s.sinks <- made
			return made, nil
		},
	})
	s.door = quic.New(quic.Config{Sessions: s.sessions, Logger: s.log.Logger(), Registerer: s.reg})
	var err error
	if s.certs, err = certs.New(certs.Config{Hosts: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{GetCertificate: s.certs.GetCertificate}
	listener, err := quicconn.New(quicconn.Config{
		Addr: "127.0.0.1:0", TLS: conf, Others: map[string]func(*quicgo.Conn){quic.ALPN: s.door.Serve},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	ingesttest.Run(t, s.log, listener.Run, s.sessions.Close)
	return s
}

// dial publishes live/cam1, as change makes it.
func (s *server) dial(t *testing.T, change func(*quic.ClientConfig)) (*quic.Client, error) {
	t.Helper()
	cfg := quic.ClientConfig{Address: s.addr, TLS: certs.Pinned(s.certs.Hash()), Name: "live/cam1", Latency: 2 * time.Second}
	if change != nil {
		change(&cfg)
	}
	client, err := quic.Dial(t.Context(), cfg)
	if err == nil {
		t.Cleanup(client.Close)
	}
	return client, err
}

// mustDial also gives the sink of the new broadcast.
func (s *server) mustDial(t *testing.T, change func(*quic.ClientConfig)) (*quic.Client, *sink) {
	t.Helper()
	client, err := s.dial(t, change)
	if err != nil {
		t.Fatal(err)
	}
	return client, <-s.sinks
}

func (s *server) stats(t *testing.T) quic.Stats {
	t.Helper()
	for _, b := range s.sessions.Snapshot() {
		if stats, ok := b.Stats.(quic.Stats); ok {
			return stats
		}
	}
	t.Fatal("nobody publishes")
	return quic.Stats{}
}

// metrics are all of the door's, as Prometheus reads them.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Body.String()
}

// send sends ts in batches, a thousandth of a second apart.
func send(t *testing.T, c *quic.Client, ts []byte, batch int) {
	t.Helper()
	for len(ts) > 0 {
		n := min(batch, len(ts))
		if err := c.Send(t.Context(), ts[:n], time.Now()); err != nil {
			t.Fatal(err)
		}
		ts = ts[n:]
		time.Sleep(time.Millisecond)
	}
}

func finish(t *testing.T, c *quic.Client, s *sink) {
	t.Helper()
	if err := c.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the session goes on")
	}
}

// proxy passes datagrams on and can do to them what networks do.
type proxy struct {
	front  *net.UDPConn
	target *net.UDPAddr
	drop   func(n int) bool // Of the n-th packet of the client.
	delay  time.Duration    // Of the client's packets.

	mu     sync.Mutex
	back   *net.UDPConn // Guarded by mu.
	client *net.UDPAddr // Guarded by mu.
	wg     sync.WaitGroup
}

func newProxy(t *testing.T, target string, delay time.Duration, drop func(int) bool) *proxy {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: addr, delay: delay, drop: drop}
	if p.front, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	p.rebind(t)
	p.wg.Go(p.forward)
	t.Cleanup(func() {
		p.front.Close()
		p.mu.Lock()
		p.back.Close()
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.front.LocalAddr().String() }

// rebind goes on from another port, as a NAT that has forgotten a mapping.
func (p *proxy) rebind(t *testing.T) {
	t.Helper()
	back, err := net.DialUDP("udp", nil, p.target)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	if p.back != nil {
		p.back.Close()
	}
	p.back = back
	p.mu.Unlock()
	p.wg.Go(func() { p.backward(back) })
}

func (p *proxy) forward() {
	buf := make([]byte, 2048)
	for i := 0; ; i++ {
		n, from, err := p.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.client = from
		back := p.back
		p.mu.Unlock()
		if p.drop == nil || !p.drop(i) {
			p.pass(back, buf[:n])
		}
	}
}

// pass hands a packet on when it is due.
func (p *proxy) pass(to *net.UDPConn, b []byte) {
	if p.delay == 0 {
		to.Write(b)
		return
	}
	b = bytes.Clone(b)
	time.AfterFunc(p.delay, func() { to.Write(b) })
}

func (p *proxy) backward(back *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, err := back.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		client := p.client
		p.mu.Unlock()
		p.front.WriteToUDP(buf[:n], client)
	}
}

// forEver grants without an end.
func forEver(authorize func(context.Context, ingest.Request) error) func(context.Context, ingest.Request) (time.Time, error) {
	if authorize == nil {
		return nil
	}
	return func(ctx context.Context, r ingest.Request) (time.Time, error) { return time.Time{}, authorize(ctx, r) }
}
