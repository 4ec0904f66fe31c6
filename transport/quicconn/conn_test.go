package quicconn_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/conntest"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// node is a listener that hands its MoQT connections to the test.
type node struct {
	*quicconn.Listener
	pinned *tls.Config
	conns  chan moqt.Conn
}

func startNode(t *testing.T, change func(*quicconn.Config)) *node {
	t.Helper()
	source, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{pinned: certs.Pinned(source.Hash()), conns: make(chan moqt.Conn, 1024)}
	cfg := quicconn.Config{
		Addr:      "127.0.0.1:0",
		TLS:       &tls.Config{GetCertificate: source.GetCertificate},
		Protocols: []string{"moqt-18", "moqt-16"},
		MoQ: func(_ context.Context, conn moqt.Conn) {
			n.conns <- conn
			<-conn.Context().Done()
		},
	}
	if change != nil {
		change(&cfg)
	}
	if n.Listener, err = quicconn.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
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
	})
	return n
}

func (n *node) dial(t *testing.T, protocols ...string) (client, server moqt.Conn, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err = quicconn.Dial(ctx, n.Addr().String(), n.pinned, protocols, nil)
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
		client, server, err := n.dial(t, "moqt-18")
		if err != nil {
			t.Fatal(err)
		}
		return client, server
	})
}
