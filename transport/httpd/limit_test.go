package httpd_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/httpd"
)

// TestConnectionLimit: one address holds half of the connections, on both ports
// together; one more is closed at once, and taken when another has gone.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *httpd.Config) { cfg.MaxConns = 4 })
	dial := func(address net.Addr) net.Conn {
		conn, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
		return conn
	}
	first, second := dial(n.HTTPAddr()), dial(n.HTTPSAddr())
	if err := get(first); err != nil {
		t.Fatal(err)
	}
	third := dial(n.HTTPAddr())
	if _, err := io.ReadAll(third); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("one connection too many: %v", err)
	}
	if err := get(first); err != nil {
		t.Errorf("the first one: %v", err)
	}
	_ = second.Close()
	deadline := time.Now().Add(4 * time.Second)
	for get(dial(n.HTTPAddr())) != nil { // The server sees the end a moment later.
		if time.Now().After(deadline) {
			t.Fatal("the place of the second one is not free")
		}
	}
}

func get(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET /v1/time HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}
