package srt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// DefaultLatency is libsrt's (SRTO_LATENCY).
const DefaultLatency = 120 * time.Millisecond

// maxHandshakes is how many callers may be under decision at once. A decision
// takes a millisecond of key derivation, or a second of waiting for a silent
// predecessor.
const maxHandshakes = 64

// Config configures a Listener.
type Config struct {
	// Address is a UDP address; its host is an IP address or empty.
	Address string
	// Sessions decides who may publish.
	Sessions *ingest.Sessions
	// Latency is the least that is negotiated; DefaultLatency when zero.
	Latency time.Duration
	// DefaultStream is the name of what comes without one; empty refuses it.
	DefaultStream string
	Passphrases   Passphrases
	// TS counts over all demuxers of a process; nil makes it.
	TS *mpegts.Metrics
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Listener takes callers. It is made by Listen and works in Run.
type Listener struct {
	// Set by Listen, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	ts      *mpegts.Metrics
	events  *events
	socket  gosrt.Listener

	deciding chan struct{} // A slot for each caller under decision.
}

// Listen opens the socket. Run must follow, or Close.
func Listen(cfg Config) (*Listener, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Latency == 0 {
		cfg.Latency = DefaultLatency
	}
	l := &Listener{
		cfg:      cfg,
		log:      cfg.Logger,
		metrics:  newMetrics(cfg.Registerer),
		ts:       cfg.TS,
		deciding: make(chan struct{}, maxHandshakes),
	}
	if l.ts == nil {
		l.ts = mpegts.NewMetrics(cfg.Registerer)
	}
	l.events = newEvents(l.log, l.metrics)
	socket, err := listen(cfg, l.events)
	if err != nil {
		return nil, fmt.Errorf("listen srt %s: %w", cfg.Address, err)
	}
	l.socket = socket
	return l, nil
}

func listen(cfg Config, events *events) (gosrt.Listener, error) {
	// gosrt sets SO_REUSEADDR, with which two gateways would share a UDP port
	// and lose half of the packets each. A plain bind tells the truth.
	var plain net.ListenConfig
	probe, err := plain.ListenPacket(context.Background(), "udp", cfg.Address)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if err := probe.Close(); err != nil {
		return nil, err
	}
	c := gosrt.DefaultConfig()
	c.ReceiverLatency = cfg.Latency
	c.PeerLatency = cfg.Latency
	c.Logger = events
	return gosrt.Listen("srt", cfg.Address, c)
}

// Addr is where the Listener listens.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Close ends a Listener that does not run.
func (l *Listener) Close() { l.socket.Close() }

// Run takes callers until ctx ends. It returns when all connections have ended:
// nil, or what broke the socket.
func (l *Listener) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, l.socket.Close)()

	var connections sync.WaitGroup
	defer connections.Wait()
	defer cancel() // Before the wait.
	for {
		req, err := l.accept()
		switch {
		case errors.Is(err, errHandshake):
			l.events.malformed(err)
			continue
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("accept srt: %w", err)
		}
		select {
		case l.deciding <- struct{}{}:
			connections.Go(func() { l.serve(ctx, req) })
		default:
			l.refuse(req, StreamID{}, ErrOverload)
		}
	}
}

// errHandshake: a handshake that gosrt's parser could not stand.
var errHandshake = errors.New("malformed handshake")

// accept waits for a caller. gosrt parses the handshake on this goroutine and
// does not check all lengths: what panics there is one bad packet, not the end
// of every stream.
func (l *Listener) accept() (req gosrt.ConnRequest, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errHandshake, r)
		}
	}()
	return l.socket.Accept2()
}

// serve decides about one caller and reads its stream to the end.
func (l *Listener) serve(ctx context.Context, req gosrt.ConnRequest) {
	id, conn, err := l.decide(ctx, req)
	<-l.deciding
	if err != nil {
		l.refuse(req, id, err)
		return
	}
	conn.run(ctx)
}

func (l *Listener) refuse(req gosrt.ConnRequest, id StreamID, err error) {
	r := rejectionFor(err)
	l.metrics.rejected.WithLabelValues(r.name).Inc()
	l.log.Warn("srt caller refused", "remote", req.RemoteAddr().String(), "reason", r.name,
		"code", int(r.code)-1000, "name", id.Name, "stream_id", redact(req.StreamId(), id), "error", err)
	req.Reject(r.code)
}
