package unixconn_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/conntest"
	"github.com/freshet-live/freshet/transport/unixconn"
)

// start gives a socket's path and the sessions that come to it.
func start(t *testing.T) (path string, conns chan moqt.Conn) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	conns = make(chan moqt.Conn, 8)
	l, err := unixconn.Listen(unixconn.Config{Path: path, MoQ: func(_ context.Context, conn moqt.Conn) {
		conns <- conn
		<-conn.Context().Done()
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the listener did not end")
		}
	})
	return path, conns
}

func TestConn(t *testing.T) {
	path, conns := start(t)
	conntest.Run(t, func(t *testing.T) (client, server moqt.Conn) {
		t.Helper()
		client, err := unixconn.Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.CloseWithError(0, "") })
		return client, <-conns
	})
}

// What is no session harms nobody else, and does not stay.
func TestHostile(t *testing.T) {
	path, conns := start(t)
	for _, bytes := range []string{"", "\x00", "\xff\xff", "\x00\x04abcd", "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(bytes)); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
	client, err := unixconn.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseWithError(0, "")
	<-conns
	select {
	case <-conns:
		t.Error("rubbish became a session")
	default:
	}
}
