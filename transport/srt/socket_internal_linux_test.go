package srt

import (
	"net"
	"testing"
	"time"
)

// openSocket is a socket of the loopback, and one that sends to it.
func openSocket(t *testing.T) (*socket, net.Conn) {
	t.Helper()
	conn, err := listenUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	peer, err := net.Dial("udp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return s, peer
}

// A packet has the time at which it came, not that at which it was read.
func TestArrivalIsTheKernels(t *testing.T) {
	s, peer := openSocket(t)
	for range 100 {
		if _, err := peer.Write([]byte("one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		later := time.Now()
		n, _, err := s.read()
		if err != nil || n != 1 {
			t.Fatalf("%d packets, %v", n, err)
		}
		d, ok := s.at(0)
		if !ok || string(d.data) != "one" || d.from.String() != peer.LocalAddr().String() {
			t.Fatalf("%q from %v", d.data, d.from)
		}
		if d.arrived.Before(later) {
			return
		}
		// The kernel begins to stamp packets some time after it was asked to.
	}
	t.Error("packets have the time at which they are read")
}

// One read takes a batch and says that there is more.
func TestReadsInBatches(t *testing.T) {
	s, peer := openSocket(t)
	const sent = 100
	for i := range sent {
		if _, err := peer.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	got := 0
	for {
		n, full, err := s.read()
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if d, ok := s.at(i); !ok || len(d.data) != 1 || int(d.data[0]) != got {
				t.Errorf("packet %d is %v", got, d.data)
			}
			got++
		}
		if full != (n == batchSize) {
			t.Errorf("%d packets, full is %v", n, full)
		}
		if !full {
			break
		}
	}
	if got != sent {
		t.Errorf("%d packets of %d", got, sent)
	}
}

// wait ends with a packet, with its time, and with the socket.
func TestWait(t *testing.T) {
	s, peer := openSocket(t)
	if err := s.wait(time.Millisecond); err != nil {
		t.Error(err)
	}
	for range 2 { // One that is there, one that comes.
		waited := make(chan error, 1)
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		go func() { waited <- s.wait(0) }()
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if n, _, err := s.read(); n == 0 || err != nil {
			t.Errorf("%d packets, %v", n, err)
		}
	}
	waited := make(chan error, 1)
	go func() { waited <- s.wait(0) }()
	s.close()
	if err := <-waited; err == nil {
		t.Error("waits for a closed socket")
	}
	if _, _, err := s.read(); err == nil {
		t.Error("reads a closed socket")
	}
}
