package srt

import (
	"net"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// Run returns when everybody was told and the port is free, even if somebody else
// was first to close.
func TestCloseWaitsForTheFirst(t *testing.T) {
	l, c, _, _ := faulty(t)
	c.mu.Lock()
	first, second := make(chan struct{}), make(chan struct{})
	go func() { defer close(first); l.Close() }()
	for !l.hasEnded() {
		time.Sleep(time.Millisecond)
	}
	go func() { defer close(second); l.Close() }()
	select {
	case <-second:
		t.Error("returned before the connections were closed")
	case <-time.After(50 * time.Millisecond):
	}
	c.mu.Unlock()
	<-first
	<-second
}

// Whoever sends as fast as the socket is read does not keep Run from the
// connections.
func TestReadingEndsWithTheTick(t *testing.T) {
	l, _, _, _ := faulty(t)
	peer, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	const sent = 200
	for range sent {
		if _, err := peer.Write([]byte("noise")); err != nil {
			t.Fatal(err)
		}
	}
	got, rounds := 0, 0
	for left := true; left; rounds++ {
		var n int
		if n, _, left, err = l.readAll(time.Now()); err != nil {
			t.Fatal(err)
		}
		got += n
	}
	if got != sent || rounds < 2 {
		t.Errorf("%d packets in %d rounds", got, rounds)
	}
}

// Handshakes get a share of each tick, whatever comes.
func TestHandshakesAreBounded(t *testing.T) {
	told := 0
	l, err := Listen("127.0.0.1:0", Config{Refused: func(Refusal) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _, d, _ := faulty(t)
	d.data = control(packet.TypeHandshake, 0) // Malformed.
	for round := 1; round <= 2; round++ {
		for range 3 * maxHandshakes {
			l.packet(d)
		}
		if told != round*maxHandshakes {
			t.Errorf("%d handshakes in %d ticks", told, round)
		}
		time.Sleep(tick)
		if _, err := l.round(); err != nil {
			t.Fatal(err)
		}
	}
}
