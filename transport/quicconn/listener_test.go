package quicconn_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
)

func TestNewestProtocolWins(t *testing.T) {
	n := startNode(t, nil)
	for _, tt := range []struct {
		offered []string
		want    string
	}{
		{[]string{"moqt-16", "moqt-18"}, "moqt-18"},
		{[]string{"moqt-99", "moqt-16"}, "moqt-16"},
	} {
		client, server, err := n.dial(t, tt.offered...)
		if err != nil {
			t.Fatal(err)
		}
		if client.Protocol() != tt.want || server.Protocol() != tt.want {
			t.Errorf("offered %q: %q and %q, want %q", tt.offered, client.Protocol(), server.Protocol(), tt.want)
		}
	}
	if _, _, err := n.dial(t, "moqt-99"); err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("no protocol in common: %v", err)
	}
	if _, _, err := n.dial(t, "h3"); err == nil {
		t.Error("h3 was accepted by a listener without HTTP/3")
	}
}

func TestRetryAboveRate(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	n := startNode(t, func(cfg *quicconn.Config) {
		cfg.RetryAbove = 1
		cfg.Registerer = reg
	})
	for range 3 {
		if _, _, err := n.dial(t, "moqt-18"); err != nil {
			t.Fatalf("a client that proves its address was refused: %v", err)
		}
	}
	// Each of the two packets of a long ClientHello may be answered by a Retry.
	if retried := gathered(t, reg, "freshet_quic_retry_total"); retried < 1 || retried > 4 {
		t.Errorf("%v retries for 3 connections at 1 a second", retried)
	}
}

func TestConnectionLimit(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	n := startNode(t, func(cfg *quicconn.Config) {
		cfg.MaxConns = 2
		cfg.Registerer = reg
	})
	first, _, err := n.dial(t, "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.dial(t, "moqt-18"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.dial(t, "moqt-18"); err == nil {
		t.Fatal("a third connection was accepted")
	}
	_ = first.CloseWithError(0, "")
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, _, err = n.dial(t, "moqt-18"); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Errorf("a connection that ended still counts: %v", err)
	}
	if got := testutil.CollectAndCount(reg, "freshet_quic_handshakes_total"); got != 2 {
		t.Errorf("%d results of handshakes, want completed and refused", got)
	}
}

// TestHandshakeFloodFromOneAddress: first packets that nobody follows up make
// the listener ask that address for proof, and honest clients still get in.
func TestHandshakeFloodFromOneAddress(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	n := startNode(t, func(cfg *quicconn.Config) {
		cfg.MaxHandshakesPerIP = 4
		cfg.Registerer = reg
	})
	for range 8 {
		// A client whose answers are lost: it is gone after its first flight.
		ctx, cancel := context.WithCancel(t.Context())
		relay := dropAnswers(t, n.Addr())
		go func() {
			_, _ = quicconn.Dial(ctx, relay.String(), n.pinned, []string{"moqt-18"}, nil)
		}()
		t.Cleanup(cancel)
	}
	deadline := time.Now().Add(5 * time.Second)
	for gathered(t, reg, "freshet_quic_retry_total") < 1 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // Real sockets: there is no event to wait for.
	}
	if gathered(t, reg, "freshet_quic_retry_total") < 1 {
		t.Fatal("no proof was asked for")
	}
	if _, _, err := n.dial(t, "moqt-18"); err != nil {
		t.Errorf("an honest client was refused: %v", err)
	}
}

// dropAnswers passes datagrams on to an address and nothing back.
func dropAnswers(t *testing.T, to net.Addr) net.Addr {
	t.Helper()
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = out.Close() })
	go func() {
		buf := make([]byte, 2048)
		for {
			n, _, err := in.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = out.WriteTo(buf[:n], to)
		}
	}()
	return in.LocalAddr()
}

func TestDrain(t *testing.T) {
	drained := make(chan struct{})
	n := startNode(t, func(cfg *quicconn.Config) {
		inner := cfg.MoQ
		cfg.MoQ = func(ctx context.Context, conn moqt.Conn) {
			context.AfterFunc(ctx, func() { close(drained) })
			inner(ctx, conn)
		}
	})
	client, server, err := n.dial(t, "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	n.Drain()
	select {
	case <-drained:
	case <-time.After(5 * time.Second):
		t.Fatal("the session was not told")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := quicconn.Dial(ctx, n.Addr().String(), n.pinned, []string{"moqt-18"}, nil); err == nil {
		t.Error("a new connection was accepted")
	}
	out, err := client.OpenUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.AcceptUniStream(t.Context()); err != nil {
		t.Fatalf("the old connection does not live on: %v", err)
	}
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}
