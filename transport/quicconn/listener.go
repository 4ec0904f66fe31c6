package quicconn

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/freshet-live/freshet/transport/moqt"
)

// codeShutdown is GOAWAY_TIMEOUT of MoQT: a connection that outlived the drain
// (draft-ietf-moq-transport-18, "Session Termination Error Codes").
const codeShutdown = 0x10

// Config configures a Listener.
type Config struct {
	// Addr is the UDP address, such as ":4443".
	Addr string
	// Conn takes the place of Addr; the Listener closes it.
	Conn net.PacketConn
	// TLS gives the certificates. Its NextProtos are set by New.
	TLS *tls.Config
	// QUIC is ServerConfig when nil.
	QUIC *quic.Config

	// Protocols are the ALPNs of MoQT, newest first.
	Protocols []string
	// MoQ serves a MoQT connection and returns when it has ended. ctx ends when
	// Drain is called: the time to send GOAWAY, the connection lives on.
	MoQ func(ctx context.Context, conn moqt.Conn)
	// HTTP3 serves an h3 connection and returns when it has ended; no ALPN h3
	// when nil.
	HTTP3 func(conn *quic.Conn)
	// Others serve further ALPNs, as HTTP3 does.
	Others map[string]func(conn *quic.Conn)

	// MaxConns caps the connections, handshakes included; 0 is 10,000: at 200 KB
	// each they are 2 GB, more than one process can feed.
	MaxConns int
	// MaxHandshakesPerIP caps the handshakes one address has under way; 0 is 64,
	// which a network behind one NAT address does not reach within a round trip.
	MaxHandshakesPerIP int
	// RetryAbove is the rate of new connections a second from addresses not
	// yet proved above which a client must prove its own by Retry (RFC 9000
	// section 8.1.2); 0 is 200. Retry costs the client one round trip.
	RetryAbove int

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Listener accepts QUIC connections on one UDP socket.
type Listener struct {
	// Set by New, then read-only.
	cfg       Config
	log       *slog.Logger
	transport *quic.Transport
	gate      *gate
	metrics   metrics
	drained   context.Context
	drain     context.CancelFunc

	conns sync.WaitGroup // One for each connection being served.
}

// New binds the socket.
func New(cfg Config) (*Listener, error) {
	cfg.setDefaults()
	if cfg.TLS == nil {
		return nil, errors.New("quic listener: no TLS configuration")
	}
	if cfg.Conn == nil {
		conn, err := listenUDP(cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("quic listener: %w", err)
		}
		cfg.Conn = conn
	}
	l := &Listener{cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer)}
	l.gate = newGate(cfg, l.metrics)
	l.drained, l.drain = context.WithCancel(context.Background())
	var resetKey quic.StatelessResetKey
	if _, err := rand.Read(resetKey[:]); err != nil {
		return nil, fmt.Errorf("quic listener: %w", err)
	}
	l.transport = &quic.Transport{
		Conn:                cfg.Conn,
		StatelessResetKey:   &resetKey,
		VerifySourceAddress: l.gate.needsRetry,
		ConnContext:         l.gate.admit,
	}
	return l, nil
}

func (cfg *Config) setDefaults() {
	if cfg.QUIC == nil {
		cfg.QUIC = ServerConfig()
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = 10_000
	}
	if cfg.MaxHandshakesPerIP == 0 {
		cfg.MaxHandshakesPerIP = 64
	}
	if cfg.RetryAbove == 0 {
		cfg.RetryAbove = 200
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// Addr is the address of the socket.
func (l *Listener) Addr() net.Addr { return l.cfg.Conn.LocalAddr() }

// Drain refuses new connections from now on and leaves the others alone.
func (l *Listener) Drain() { l.drain() }

// Run accepts and serves until ctx ends, or until Drain was called and the last
// connection has gone. It then closes every connection, waits for their
// handlers and closes the socket.
func (l *Listener) Run(ctx context.Context) error {
	defer l.cfg.Conn.Close()
	ln, err := l.transport.Listen(l.tlsConfig(), l.cfg.QUIC)
	if err != nil {
		return fmt.Errorf("quic listener: %w", err)
	}
	warnSmallBuffers(l.cfg.Conn, l.log)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err = l.accept(ctx, ln)
	if err != nil {
		stop()
	}
	l.drain()
	l.conns.Wait() // serve closes its connection when ctx ends.
	return errors.Join(err, l.transport.Close())
}

func (l *Listener) tlsConfig() *tls.Config {
	conf := l.cfg.TLS.Clone()
	conf.MinVersion = tls.VersionTLS13
	conf.NextProtos = slices.Clone(l.cfg.Protocols)
	if l.cfg.HTTP3 != nil {
		conf.NextProtos = append(conf.NextProtos, http3.NextProtoH3)
	}
	conf.NextProtos = slices.AppendSeq(conf.NextProtos, maps.Keys(l.cfg.Others))
	return conf
}

// accept serves connections until ctx ends or Drain is called.
func (l *Listener) accept(ctx context.Context, ln *quic.Listener) error {
	accepting, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.drained, stop)()
	for {
		conn, err := ln.Accept(accepting)
		if accepting.Err() != nil {
			if conn != nil {
				_ = conn.CloseWithError(codeShutdown, "shutting down")
			}
			return ln.Close()
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		l.conns.Go(func() { l.serve(ctx, conn) })
	}
}

// serve hands the connection on and closes it when ctx ends.
func (l *Listener) serve(ctx context.Context, conn *quic.Conn) {
	handshakeDone(conn.Context())
	protocol := conn.ConnectionState().TLS.NegotiatedProtocol
	l.metrics.connections.WithLabelValues(protocol).Inc()
	defer l.metrics.connections.WithLabelValues(protocol).Dec()

	code := quic.ApplicationErrorCode(codeShutdown)
	if protocol == http3.NextProtoH3 {
		code = quic.ApplicationErrorCode(http3.ErrCodeNoError)
	}
	closeNow := func() { _ = conn.CloseWithError(code, "shutting down") }
	defer context.AfterFunc(ctx, closeNow)()
	defer closeNow()
	if protocol == http3.NextProtoH3 {
		l.cfg.HTTP3(conn)
		return
	}
	if other := l.cfg.Others[protocol]; other != nil {
		other(conn)
		return
	}
	l.cfg.MoQ(l.drained, NewConn(conn))
}
