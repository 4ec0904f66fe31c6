package shards_test

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/shards"
)

// sockets are those of all processes, as they inherit them.
func sockets(t *testing.T, s *shards.Set, n int) []net.PacketConn {
	t.Helper()
	conns := make([]net.PacketConn, n)
	for i := range conns {
		conns[i] = inherit(t, s, i)
	}
	return conns
}

func inherit(t *testing.T, s *shards.Set, i int) net.PacketConn {
	t.Helper()
	fd, err := syscall.Dup(int(s.File(i).Fd()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := shards.PacketConn(os.NewFile(uintptr(fd), "inherited"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func udp(t *testing.T, n int) *shards.Set {
	t.Helper()
	s, err := shards.UDP("127.0.0.1:0", n)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// send sends a packet from a new address.
func send(t *testing.T, to net.Addr, packet []byte) {
	t.Helper()
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
}

// got tells which socket a packet came to.
func got(t *testing.T, conns []net.PacketConn) int {
	t.Helper()
	found := make(chan int, len(conns))
	var reading sync.WaitGroup
	for i, conn := range conns {
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		reading.Go(func() {
			if _, _, err := conn.ReadFrom(make([]byte, 2000)); err != nil {
				return
			}
			found <- i
			for _, other := range conns {
				_ = other.SetReadDeadline(time.Now()) // They stop waiting.
			}
		})
	}
	reading.Wait()
	if len(found) != 1 {
		t.Fatalf("it came to %d sockets", len(found))
	}
	return <-found
}

// Each process's own packets come to it, of whatever form and from whatever address.
func TestPacketsGoToTheirProcess(t *testing.T) {
	const n = 3
	s := udp(t, n)
	conns := sockets(t, s, n)
	for i := range n {
		ids := shards.ConnectionIDs{Index: i, Of: n}
		for range 8 {
			id, err := ids.GenerateConnectionID()
			if err != nil {
				t.Fatal(err)
			}
			short := append([]byte{0x41}, id.Bytes()...)
			long := append([]byte{0xc3, 0, 0, 0, 1, byte(id.Len())}, id.Bytes()...)
			for form, packet := range map[string][]byte{"short": short, "long": long} {
				send(t, s.Addr(), append(packet, make([]byte, 30)...))
				if at := got(t, conns); at != i {
					t.Errorf("a %s packet of process %d (%x) came to %d", form, i, id.Bytes(), at)
				}
			}
		}
	}
	for _, stub := range [][]byte{{0x40}, {0xc0, 0, 0, 0}} {
		send(t, s.Addr(), stub)
		if at := got(t, conns); at != 0 {
			t.Errorf("%x came to %d", stub, at)
		}
	}
}

// A process that has crashed keeps its number: its packets wait, the others' still arrive.
func TestNumbersOutliveProcesses(t *testing.T) {
	s := udp(t, 2)
	if err := inherit(t, s, 0).Close(); err != nil {
		t.Fatal(err)
	}
	send(t, s.Addr(), []byte{0x40, 0, 1, 1})
	send(t, s.Addr(), []byte{0x40, 1, 1, 1})
	for i := range 2 {
		if at := got(t, []net.PacketConn{inherit(t, s, i)}); at != 0 {
			t.Error(at)
		}
	}
}

func TestTCPIsShared(t *testing.T) {
	s, err := shards.TCP("127.0.0.1:0", 2)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	served := make(chan int, 64)
	for i := range 2 {
		fd, err := syscall.Dup(int(s.File(i).Fd()))
		if err != nil {
			t.Fatal(err)
		}
		l, err := shards.Listener(os.NewFile(uintptr(fd), "inherited"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
				served <- i
			}
		}()
	}
	var counts [2]int
	for range 64 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		counts[<-served]++
	}
	if counts[0] < 8 || counts[1] < 8 {
		t.Errorf("connections were served by %v", counts)
	}
}

// An address that somebody else has is not taken.
func TestAddressInUse(t *testing.T) {
	s := udp(t, 2)
	if _, err := shards.UDP(s.Addr().String(), 2); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the second set: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := shards.TCP(l.Addr().String(), 2); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("beside a listener: %v", err)
	}
}

func TestConnectionIDsSayNothingElse(t *testing.T) {
	const of, tries = 5, 4000
	seen := make(map[byte]int)
	for range tries {
		id, err := shards.ConnectionIDs{Index: 3, Of: of}.GenerateConnectionID()
		if err != nil {
			t.Fatal(err)
		}
		b := id.Bytes()
		if len(b) != 8 || b[0]%of != 3 {
			t.Fatalf("%x", b)
		}
		seen[b[0]]++
	}
	if len(seen) < 50 { // Of 51.
		t.Errorf("the first byte has %d values", len(seen))
	}
}
