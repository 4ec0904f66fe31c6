package srt

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	engine "github.com/freshet-live/freshet/transport/srt"
)

// DefaultLatency is libsrt's (SRTO_LATENCY).
const DefaultLatency = engine.DefaultLatency

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
	socket  *engine.Listener

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
	socket, err := engine.Listen(cfg.Address, engine.Config{
		Latency: cfg.Latency, Refused: l.events.refused, Logger: l.log,
	})
	if err != nil {
		return nil, fmt.Errorf("listen srt %s: %w", cfg.Address, err)
	}
	l.socket = socket
	return l, nil
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
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel() // Before the wait.
	broken := make(chan error, 1)
	running.Go(func() { broken <- l.socket.Run(ctx) })
	for {
		req, err := l.socket.Accept(ctx)
		if err != nil {
			return <-broken // The socket has ended, or does with ctx.
		}
		select {
		case l.deciding <- struct{}{}:
			running.Go(func() { l.serve(ctx, req) })
		default:
			l.refuse(req, StreamID{}, ErrOverload)
		}
	}
}

// serve decides about one caller and reads its stream to the end.
func (l *Listener) serve(ctx context.Context, req *engine.Request) {
	id, conn, err := l.decide(ctx, req)
	<-l.deciding
	if err != nil {
		l.refuse(req, id, err)
		return
	}
	conn.run(ctx)
}

func (l *Listener) refuse(req *engine.Request, id StreamID, err error) {
	r := rejectionFor(err)
	l.metrics.rejected.WithLabelValues(r.name).Inc()
	l.log.Warn("srt caller refused", "remote", req.RemoteAddr().String(), "reason", r.name,
		"code", int(r.code)-1000, "name", id.Name, "stream_id", redact(req.StreamID(), id), "error", err)
	req.Reject(r.code)
}
