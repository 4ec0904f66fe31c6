package wtconn_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/conntest"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// node is a server that hands its sessions to the test.
type node struct {
	url    string
	pinned *tls.Config
	conns  chan moqt.Conn
}

func startNode(t *testing.T, change func(*wtconn.Config)) *node {
	t.Helper()
	source, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{pinned: certs.Pinned(source.Hash()), conns: make(chan moqt.Conn, 64)}
	cfg := wtconn.Config{
		Protocols: []string{"moqt-18", "moqt-16"},
		MoQ: func(_ context.Context, conn moqt.Conn) {
			n.conns <- conn
			<-conn.Context().Done()
		},
	}
	if change != nil {
		change(&cfg)
	}
	server := wtconn.New(cfg)
	listener, err := quicconn.New(quicconn.Config{
		Addr:  "127.0.0.1:0",
		TLS:   &tls.Config{GetCertificate: source.GetCertificate},
		HTTP3: server.ServeQUICConn,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.url = "https://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- listener.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the listener did not stop")
		}
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func (n *node) dial(t *testing.T, path string, header http.Header, protocols ...string) (client, server moqt.Conn, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err = wtconn.Dial(ctx, n.url+path, n.pinned, protocols, header, nil)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = client.CloseWithError(0, "") })
	select {
	case server = <-n.conns:
		return client, server, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func TestConn(t *testing.T) {
	n := startNode(t, nil)
	conntest.Run(t, func(t *testing.T) (client, server moqt.Conn) {
		t.Helper()
		client, server, err := n.dial(t, "/moq", nil, "moqt-18")
		if err != nil {
			t.Fatal(err)
		}
		return client, server
	})
}

func TestProtocolNegotiation(t *testing.T) {
	n := startNode(t, nil)
	tests := []struct {
		name    string
		offered []string
		want    string
		refused string
	}{
		{name: "newest wins over the client's order", offered: []string{"moqt-16", "moqt-18"}, want: "moqt-18"},
		{name: "as Shaka offers", offered: []string{"moqt-16", "moq-00"}, want: "moqt-16"},
		{name: "none offered", want: ""},
		{name: "none in common", offered: []string{"moqt-99"}, refused: "406"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server, err := n.dial(t, "/moq", nil, tt.offered...)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Fatalf("error is %v; want status %s", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if client.Protocol() != tt.want || server.Protocol() != tt.want {
				t.Errorf("protocols are %q and %q; want %q", client.Protocol(), server.Protocol(), tt.want)
			}
		})
	}
}

func TestNoOriginAllowed(t *testing.T) {
	n := startNode(t, func(cfg *wtconn.Config) { cfg.Origins = []string{} })
	if _, _, err := n.dial(t, "/moq", http.Header{"Origin": {"https://a.example"}}, "moqt-18"); err == nil {
		t.Error("an empty list let a page in")
	}
	if _, _, err := n.dial(t, "/moq", nil, "moqt-18"); err != nil {
		t.Errorf("a client without a page: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	drain, stop := context.WithCancel(t.Context())
	defer stop()
	n := startNode(t, func(cfg *wtconn.Config) {
		cfg.Origins = []string{"https://good.example"}
		cfg.MaxSessions = 2
		cfg.Drain = drain
	})
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	refused := func(path string, header http.Header, status string) {
		t.Helper()
		if _, _, err := n.dial(t, path, header, "moqt-18"); err == nil || !strings.Contains(err.Error(), "status "+status) {
			t.Errorf("%s %v: %v; want status %s", path, header, err, status)
		}
	}
	refused("/other", nil, "404")
	refused("/moq", from("https://evil.example"), "403")
	first, _, err := n.dial(t, "/", from("https://good.example"), "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.dial(t, "/moq", nil, "moqt-18"); err != nil {
		t.Fatalf("without an origin: %v", err)
	}
	refused("/moq", nil, "503")

	if err := first.CloseWithError(0, ""); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, _, err = n.dial(t, "/moq", nil, "moqt-18"); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Errorf("a session that ended still counts: %v", err)
	}
	stop()
	refused("/moq", nil, "503")
}
