// Package stun is the STUN server of an edge (RFC 8489): it tells viewers the address
// that the internet sees of them, so that they can be reached by each other. Binding
// requests are answered and nothing else; it keeps no state but for its limits.
//
//	Binding request  ──UDP──> Server ──XOR-MAPPED-ADDRESS──> whoever asked
//
// An answer is not much larger than what asked for it, and an address gets few: nobody
// gains by asking in the name of others.
package stun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Config configures a Server.
type Config struct {
	// Addr is the UDP address. Conn, if set, is used instead.
	Addr string
	Conn net.PacketConn

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Server answers Binding requests.
type Server struct {
	// Set by New, then read-only.
	conn    net.PacketConn
	log     *slog.Logger
	results *prometheus.CounterVec

	// Owned by Run.
	limits limits
	answer stun.Message
}

// maxRequest is ample for a Binding request; what is longer is something else.
const maxRequest = 512

// New binds the address.
func New(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Conn == nil {
		var conf net.ListenConfig
		conn, err := conf.ListenPacket(context.Background(), "udp", cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("stun address: %w", err)
		}
		cfg.Conn = conn
	}
	return &Server{
		conn: cfg.Conn, log: cfg.Logger,
		results: promauto.With(cfg.Registerer).NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_stun_requests_total", Help: "Datagrams to the STUN server, by result: answered, limited, invalid, failed.",
		}, []string{"result"}),
	}, nil
}

// Addr is the address served.
func (s *Server) Addr() net.Addr { return s.conn.LocalAddr() }

// Close lets go of the socket of a server that does not run.
func (s *Server) Close() error { return s.conn.Close() }

// Run answers until ctx ends. It closes the socket.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	buf := make([]byte, maxRequest+1)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("stun: %w", err)
		case err != nil:
			// An ICMP message, or a datagram that was too long: of no meaning here.
			s.results.WithLabelValues("failed").Inc()
			if !pause(ctx) {
				return nil
			}
			continue
		}
		s.results.WithLabelValues(s.serve(buf[:n], from, time.Now())).Inc()
	}
}

// pause keeps a socket that only fails from using up a processor.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve answers a datagram, and gives the word for what became of it.
func (s *Server) serve(b []byte, from net.Addr, now time.Time) string {
	udp, ok := from.(*net.UDPAddr)
	if !ok || len(b) > maxRequest || !stun.IsMessage(b) {
		return "invalid"
	}
	if a, ok := netip.AddrFromSlice(udp.IP); !ok || !s.limits.allow(now, a) {
		return "limited"
	}
	request := stun.Message{Raw: b}
	if request.Decode() != nil || request.Type != stun.BindingRequest {
		return "invalid"
	}
	s.answer.Reset()
	err := s.answer.Build(
		stun.NewTransactionIDSetter(request.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: udp.IP, Port: udp.Port}, stun.Fingerprint,
	)
	if err == nil {
		_, err = s.conn.WriteTo(s.answer.Raw, from)
	}
	if err != nil {
		s.log.Debug("stun answer", "err", err)
		return "failed"
	}
	return "answered"
}
