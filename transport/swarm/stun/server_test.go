package stun_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go/testutils/simnet"

	edge "github.com/freshet-live/freshet/transport/swarm/stun"
)

// stage is a server and a socket that asks it, in a bubble.
type stage struct {
	t      *testing.T
	router *simnet.PerfectRouter
	server net.Addr
	reg    *prometheus.Registry
}

func onStage(t *testing.T, play func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, router: new(simnet.PerfectRouter), reg: prometheus.NewRegistry()}
		conn := s.socket("9.9.9.9", 3478)
		s.server = conn.LocalAddr()
		srv, err := edge.New(edge.Config{Conn: conn, Registerer: s.reg})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- srv.Run(ctx) }()
		play(s)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (s *stage) socket(ip string, port int) net.PacketConn {
	addr := &net.UDPAddr{IP: net.ParseIP(ip), Port: port}
	return simnet.NewBlockingSimConn(addr, s.router)
}

// ask sends a datagram and gives the answer, nil when none comes.
func (s *stage) ask(from net.PacketConn, b []byte) []byte {
	s.t.Helper()
	if _, err := from.WriteTo(b, s.server); err != nil {
		s.t.Fatal(err)
	}
	if err := from.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		s.t.Fatal(err)
	}
	answer := make([]byte, 1500)
	n, _, err := from.ReadFrom(answer)
	if err != nil {
		return nil
	}
	return answer[:n]
}

func request(setters ...stun.Setter) []byte {
	return stun.MustBuild(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...).Raw
}

func TestBinding(t *testing.T) {
	for _, ip := range []string{"8.8.4.4", "2a00::5"} {
		t.Run(ip, func(t *testing.T) {
			onStage(t, func(s *stage) {
				from := s.socket(ip, 5555)
				defer from.Close()
				ask := request(stun.NewSoftware("browser"), stun.Fingerprint)
				b := s.ask(from, ask)
				m := &stun.Message{Raw: b}
				if err := m.Decode(); err != nil {
					t.Fatal(err)
				}
				var mapped stun.XORMappedAddress
				if err := mapped.GetFrom(m); err != nil {
					t.Fatal(err)
				}
				if m.Type != stun.BindingSuccess || !mapped.IP.Equal(net.ParseIP(ip)) || mapped.Port != 5555 {
					t.Errorf("got %v, %v", m, mapped)
				}
				if err := stun.Fingerprint.Check(m); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(m.TransactionID[:], ask[8:20]) {
					t.Error("another transaction")
				}
				if len(b) > 2*len(ask) {
					t.Errorf("%d bytes for %d", len(b), len(ask))
				}
			})
		})
	}
}

// What is no Binding request is not answered, were it to find out what listens here.
func TestNoAnswer(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.socket("8.8.4.4", 5555)
		defer from.Close()
		good := request()
		for name, b := range map[string][]byte{
			"noise":       []byte("GET / HTTP/1.1\r\n\r\n0123456789"),
			"empty":       {},
			"allocation":  stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)).Raw,
			"indication":  stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication)).Raw,
			"an answer":   stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw,
			"cut":         good[:19],
			"long":        append(good, make([]byte, 600)...),
			"wrong cooky": append(append([]byte(nil), good[:4]...), make([]byte, 16)...),
		} {
			if answer := s.ask(from, b); answer != nil {
				t.Errorf("%s: got %x", name, answer)
			}
		}
		if s.ask(from, good) == nil {
			t.Error("it does not answer any more")
		}
	})
}

// Who asks too often is not answered, and others are.
func TestLimits(t *testing.T) {
	onStage(t, func(s *stage) {
		flood, other := s.socket("8.8.4.4", 5555), s.socket("8.8.4.5", 5555)
		defer flood.Close()
		defer other.Close()
		answers := 0
		for range 700 {
			if _, err := flood.WriteTo(request(), s.server); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			_ = flood.SetReadDeadline(time.Now().Add(time.Nanosecond))
			if _, _, err := flood.ReadFrom(make([]byte, 1500)); err == nil {
				answers++
			}
		}
		if answers != 500 {
			t.Errorf("%d of 700 requests were answered", answers)
		}
		if s.ask(other, request()) == nil {
			t.Error("another is not answered")
		}
		time.Sleep(time.Second)
		if s.ask(flood, request()) == nil {
			t.Error("it is not answered later either")
		}
	})
}

func FuzzServer(f *testing.F) {
	f.Add(request())
	f.Add(request(stun.NewUsername("user:name"), stun.Fingerprint))
	f.Add([]byte{0, 1, 0xff, 0xff, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	conn, err := (&net.ListenConfig{}).ListenPacket(f.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	srv, err := edge.New(edge.Config{Conn: conn})
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	f.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			f.Error(err)
		}
	})
	client, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = client.Write(b[:min(len(b), 9000)])
		select {
		case err := <-done:
			t.Fatalf("the server ended: %v", err)
		default:
		}
	})
}
