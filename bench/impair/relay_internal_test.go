package impair

import (
	"context"
	"net"
	"testing"
	"time"
)

// A client that is silent for a minute makes room, and comes back as a new one.
func TestIdleClientsAreForgotten(t *testing.T) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	n, err := New(Config{Paths: []Path{{}}, Ends: []Ends{{Listen: "127.0.0.1:0", To: server.LocalAddr().String()}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	r := n.paths[0].(*relay)
	conn, err := net.Dial("udp", r.front.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	comesFrom := func() string {
		conn.Write([]byte("hello"))
		server.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, from, err := server.ReadFrom(make([]byte, 10))
		if err != nil {
			t.Fatal(err)
		}
		return from.String()
	}
	first := comesFrom()
	r.expire(clientIdle)
	if got := n.Readings()[0].Clients; got != 1 {
		t.Errorf("%d clients within the minute", got)
	}
	r.expire(2 * clientIdle)
	if got := n.Readings()[0].Clients; got != 0 {
		t.Errorf("%d clients after it", got)
	}
	if second := comesFrom(); second == first {
		t.Errorf("came from %s again", second)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
