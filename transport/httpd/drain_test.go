package httpd_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wsconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// TestDrainLetsWorkEnd: a blocked request is answered and a session that is
// told leaves; then the server ends long before the deadline.
func TestDrainLetsWorkEnd(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 4), make(chan struct{})
	n := startNode(t, func(cfg *httpd.Config) {
		cfg.DrainTimeout = time.Minute
		cfg.HLS = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			entered <- struct{}{}
			<-release
			_, _ = w.Write([]byte("in time"))
		})
		cfg.MoQ = func(drain context.Context, conn moqt.Conn) {
			select {
			case <-drain.Done():
				_ = conn.CloseWithError(0, "asked to leave")
			case <-conn.Context().Done():
			}
		}
	})
	clients := n.clients(t)
	clients["HTTP/2"].do(http.MethodGet, "/", nil)
	if err := n.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	bodies := make(chan string, len(clients))
	for _, c := range clients {
		go func() {
			_, body := c.do(http.MethodGet, "/blocked.m3u8", nil)
			bodies <- body
		}()
		<-entered
	}
	session, err := wtconn.Dial(t.Context(), n.encrypted()+"/moq", n.pinned(), []string{"moqt-18"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := wsconn.Dial(t.Context(), webSocket(n.plain())+"/moq", nil, []string{"moqt-18"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	for _, conn := range []moqt.Conn{session, socket} {
		if closed, ok := errors.AsType[*moqt.CloseError](cause(t, conn)); !ok || closed.Reason != "asked to leave" {
			t.Errorf("the session ended with %v", context.Cause(conn.Context()))
		}
	}
	if !n.Draining() || n.Ready() == nil {
		t.Errorf("draining %t, ready %v", n.Draining(), n.Ready())
	}
	if _, err := http.Get(n.plain()); err == nil {
		t.Error("a new connection was accepted")
	}
	close(release)
	for range clients {
		if body := <-bodies; body != "in time" {
			t.Errorf("a blocked request got %q", body)
		}
	}
	n.wantEnd(t, 10*time.Second)
}

// TestDrainDeadline: who does not leave is closed, and told why.
func TestDrainDeadline(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *httpd.Config) { cfg.DrainTimeout = 300 * time.Millisecond })
	raw, err := quicconn.Dial(t.Context(), n.HTTPSAddr().String(), n.pinned(), []string{"moqt-18"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := wtconn.Dial(t.Context(), n.encrypted()+"/moq", n.pinned(), []string{"moqt-18"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := wsconn.Dial(t.Context(), webSocket(n.plain())+"/moq", nil, []string{"moqt-18"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-n.conns
	}
	start := time.Now()
	n.stop()
	const goawayTimeout = 0x10
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, raw)); !ok || closed.Code != goawayTimeout || !closed.Remote {
		t.Errorf("raw: %v", context.Cause(raw.Context()))
	}
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, session)); !ok || !closed.Remote {
		t.Errorf("webtransport: %v", context.Cause(session.Context()))
	}
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, socket)); !ok || closed.Code != goawayTimeout || !closed.Remote {
		t.Errorf("websocket: %v", context.Cause(socket.Context()))
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("closed after %s, before the deadline", took)
	}
	n.wantEnd(t, 2*time.Second)
}

// TestIdleHTTP3DoesNotHoldDrain: a connection without a request is closed.
func TestIdleHTTP3DoesNotHoldDrain(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *httpd.Config) { cfg.DrainTimeout = time.Minute })
	n.clients(t)["HTTP/3"].do(http.MethodGet, "/", nil)
	n.stop()
	n.wantEnd(t, 10*time.Second)
}

func (n *node) wantEnd(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case err := <-n.done:
		n.done <- err // For the clean-up.
	case <-time.After(within):
		t.Fatalf("still running after %s", within)
	}
}

func cause(t *testing.T, conn moqt.Conn) error {
	t.Helper()
	select {
	case <-conn.Context().Done():
		return context.Cause(conn.Context())
	case <-time.After(10 * time.Second):
		t.Fatal("the connection did not end")
		return nil
	}
}

// deafConn is a socket that hears nothing for a while.
type deafConn struct {
	net.PacketConn
	deaf atomic.Bool
}

func (c *deafConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.deaf.Load() {
			return n, addr, err
		}
	}
}

// TestDrainWaitsForTheSlow: an answer that is still on its way over HTTP/3 when
// its handler has ended is not cut, although the path was dead for a moment.
func TestDrainWaitsForTheSlow(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	slow := &deafConn{PacketConn: socket}
	body := strings.Repeat("media ", 4<<10)
	answered := make(chan struct{})
	n := startNode(t, func(cfg *httpd.Config) {
		cfg.DrainTimeout = time.Minute
		cfg.HLS = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer close(answered)
			slow.deaf.Store(true)
			_, _ = io.WriteString(w, body)
		})
	})
	transport := &quic.Transport{Conn: slow}
	h3 := &http3.Transport{TLSClientConfig: n.pinned(), Dial: func(ctx context.Context, _ string, conf *tls.Config, quicConf *quic.Config) (*quic.Conn, error) {
		return transport.DialEarly(ctx, net.UDPAddrFromAddrPort(n.HTTPSAddr().(*net.TCPAddr).AddrPort()), conf, quicConf)
	}}
	defer func() { _ = errors.Join(h3.Close(), transport.Close(), socket.Close()) }()
	got := make(chan string, 1)
	go func() {
		defer close(got) // A request that fails ends this goroutine.
		_, text := client{t, h3, n.encrypted(), "HTTP/3.0"}.do(http.MethodGet, "/live/cam1/segment.m4s", nil)
		got <- text
	}()
	<-answered
	n.stop()
	time.Sleep(700 * time.Millisecond) // Of real packets, and a little longer than the server lingers.
	slow.deaf.Store(false)
	if text := <-got; text != body {
		t.Errorf("got %d of %d bytes", len(text), len(body))
	}
	n.wantEnd(t, 10*time.Second)
}
