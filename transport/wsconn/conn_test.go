package wsconn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/conntest"
	"github.com/freshet-live/freshet/transport/wsconn"
)

// node is a server that hands its sessions to the test.
type node struct {
	url   string
	conns chan moqt.Conn
	*wsconn.Server
}

func startNode(t *testing.T, change func(*wsconn.Config)) *node {
	t.Helper()
	drain, stop := context.WithCancel(context.Background())
	n := &node{conns: make(chan moqt.Conn, 64)}
	cfg := wsconn.Config{
		Protocols: []string{"moqt-18", "moqt-16"}, Drain: drain,
		MoQ: func(_ context.Context, conn moqt.Conn) {
			n.conns <- conn
			<-conn.Context().Done()
		},
	}
	if change != nil {
		change(&cfg)
	}
	n.Server = wsconn.New(cfg)
	server := httptest.NewServer(n)
	n.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		stop()
		server.Close()
		ended := make(chan struct{})
		go func() { n.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("sessions did not end")
		}
	})
	return n
}

func (n *node) dial(t *testing.T, path string, header http.Header, protocols ...string) (client, server moqt.Conn, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err = wsconn.Dial(ctx, n.url+path, nil, protocols, header)
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
	}{
		{name: "newest wins over the client's order", offered: []string{"moqt-16", "moqt-18"}, want: "moqt-18"},
		{name: "as @moq/qmux offers", offered: []string{"qmux-02.moqt-18", "qmux-02"}, want: "moqt-18"},
		{name: "as it offers for older servers", offered: []string{"qmux-01.moqt-18", "qmux-01"}, want: "moqt-18"},
		{name: "the draft's name before others", offered: []string{"qmux-02.moqt-16", "moqt-16"}, want: "moqt-16"},
		{name: "none offered"},
		{name: "none in common", offered: []string{"moqt-99", "qmux-02"}},
		{name: "a version without the record layer", offered: []string{"qmux-00.moqt-18"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, server, err := n.dial(t, "/moq", nil, tt.offered...)
			if tt.want == "" {
				if err == nil || !strings.Contains(err.Error(), "status 406") {
					t.Fatalf("error is %v; want status 406", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if server.Protocol() != tt.want {
				t.Errorf("protocol is %q; want %q", server.Protocol(), tt.want)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	n := startNode(t, nil)
	_, server, err := n.dial(t, "/moq?token=abc", nil, "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	if got := server.(moqt.Queried).Query().Get("token"); got != "abc" {
		t.Errorf("token is %q", got)
	}
}

// TestProxiedAddress: a proxy on this machine does not make its clients local.
func TestProxiedAddress(t *testing.T) {
	n := startNode(t, nil)
	for name, header := range map[string]http.Header{
		"":                nil,
		"X-Forwarded-For": {"X-Forwarded-For": {"203.0.113.7"}},
		"Forwarded":       {"Forwarded": {"for=203.0.113.7"}},
		"Via":             {"Via": {"1.1 proxy"}},
	} {
		_, server, err := n.dial(t, "/moq", header, "moqt-18")
		if err != nil {
			t.Fatal(err)
		}
		_, err = netip.ParseAddrPort(server.RemoteAddr().String())
		if direct := err == nil; direct != (name == "") {
			t.Errorf("%q: the address is %q", name, server.RemoteAddr())
		}
	}
}

func TestRefusals(t *testing.T) {
	drain, stop := context.WithCancel(t.Context())
	defer stop()
	n := startNode(t, func(cfg *wsconn.Config) {
		cfg.Origins = []string{"https://good.example"}
		cfg.MaxSessions = 2
		cfg.Drain = drain
	})
	t.Cleanup(stop)
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	refused := func(header http.Header, status string) {
		t.Helper()
		if _, _, err := n.dial(t, "/moq", header, "moqt-18"); err == nil || !strings.Contains(err.Error(), "status "+status) {
			t.Errorf("%v: %v; want status %s", header, err, status)
		}
	}
	refused(from("https://evil.example"), "403")
	first, _, err := n.dial(t, "/moq", from("https://good.example"), "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.dial(t, "/moq", nil, "moqt-18"); err != nil {
		t.Fatalf("without an origin: %v", err)
	}
	refused(nil, "503")

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
	refused(nil, "503")
}
