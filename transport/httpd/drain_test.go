package httpd_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
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
	session, err := wtconn.Dial(t.Context(), n.encrypted()+"/moq", n.pinned(), []string{"moqt-18"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, session)); !ok || closed.Reason != "asked to leave" {
		t.Errorf("the session ended with %v", context.Cause(session.Context()))
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
	raw, err := quicconn.Dial(t.Context(), n.HTTPSAddr().String(), n.pinned(), []string{"moqt-18"})
	if err != nil {
		t.Fatal(err)
	}
	session, err := wtconn.Dial(t.Context(), n.encrypted()+"/moq", n.pinned(), []string{"moqt-18"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-n.conns
	<-n.conns
	start := time.Now()
	n.stop()
	const goawayTimeout = 0x10
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, raw)); !ok || closed.Code != goawayTimeout || !closed.Remote {
		t.Errorf("raw: %v", context.Cause(raw.Context()))
	}
	if closed, ok := errors.AsType[*moqt.CloseError](cause(t, session)); !ok || !closed.Remote {
		t.Errorf("webtransport: %v", context.Cause(session.Context()))
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
