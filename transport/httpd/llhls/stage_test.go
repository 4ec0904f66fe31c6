package llhls_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
)

// pipeListener hands out in-memory connections: net/http runs in a synctest
// bubble with them, so a whole stream takes no real time.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// stage is a live broadcast behind HTTP, all in virtual time.
type stage struct {
	*testing.T
	relay    *relay.Relay
	enc      *hlstest.Encoder
	client   *http.Client
	registry *prometheus.Registry
	stops    []func()

	encoding sync.Mutex // Held by who uses enc while playOn runs.
}

const base = "http://freshet/live/cam1/"

// newStage serves a broadcast through wrap, which may be nil.
func newStage(t *testing.T, media hlstest.Config, wrap func(http.Handler) http.Handler) *stage {
	t.Helper()
	s := &stage{T: t, relay: relay.New(relay.Config{}), registry: prometheus.NewRegistry()}
	server, err := hls.New(hls.Config{Relay: s.relay, Registerer: s.registry})
	if err != nil {
		t.Fatal(err)
	}
	h, err := llhls.New(llhls.Config{Server: server, Registerer: s.registry})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.relay.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	s.enc = hlstest.New(t, b, media)
	s.serve(server, h, wrap)
	return s
}

func (s *stage) serve(server *hls.Server, h http.Handler, wrap func(http.Handler) http.Handler) {
	s.Helper()
	if wrap != nil {
		h = wrap(h)
	}
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	web := &http.Server{Handler: h}
	transport := &http.Transport{DialContext: l.dial, DisableCompression: true}
	s.client = &http.Client{Transport: transport}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Run(ctx); !errors.Is(err, context.Canceled) {
			s.Errorf("Run: %v", err)
		}
	})
	wg.Go(func() { _ = web.Serve(l) })
	s.stops = append(s.stops, func() {
		cancel()
		transport.CloseIdleConnections()
		_ = web.Close()
		wg.Wait()
	})
	synctest.Wait()
}

func (s *stage) stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}

// play publishes media for a while, each chunk when it is due.
func (s *stage) play(d time.Duration) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
		s.enc.Advance(time.Now())
	}
	synctest.Wait()
}

// playOn publishes in the background until stop.
func (s *stage) playOn() {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-time.After(5 * time.Millisecond):
				s.encoding.Lock()
				s.enc.Advance(time.Now())
				s.encoding.Unlock()
			case <-done:
				return
			}
		}
	})
	s.stops = append(s.stops, func() {
		close(done)
		wg.Wait()
	})
}
