package quic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// ALPN tells this protocol from others on the port.
const ALPN = "freshet-ts/1"

// protocol is this package's name among the doors.
const protocol = "quic"

const (
	// helloWithin bounds the time from the handshake to HELLO.
	helloWithin = 5 * time.Second
	// What a client may ask for as latency; over 10 s is a slip of the pen.
	minLatency = 0
	maxLatency = 10 * time.Second
	// maxReason leaves room in a packet of the smallest size for CONNECTION_CLOSE.
	maxReason = 512
)

// Config configures a Door.
type Config struct {
	// Sessions decides who may publish.
	Sessions *ingest.Sessions
	// TS counts over all demuxers of a process; nil counts for statistics alone.
	TS *mpegts.Metrics
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Door takes the connections with ALPN in.
type Door struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	closing context.Context
	close   context.CancelCauseFunc
}

// New makes a Door.
func New(cfg Config) *Door {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Door{cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer)}
	d.closing, d.close = context.WithCancelCause(context.Background())
	return d
}

// Close ends every connection, those to come as well.
func (d *Door) Close() { d.close(ingest.ErrDraining) }

// Serve takes one publisher in, or says why not, and returns when the connection
// has ended.
func (d *Door) Serve(conn *quicgo.Conn) {
	ctx, stop := context.WithCancelCause(conn.Context())
	defer stop(nil)
	defer context.AfterFunc(d.closing, func() { stop(ingest.ErrDraining) })()
	c, err := d.admit(ctx, conn)
	if err != nil {
		d.refuse(conn, err)
		return
	}
	d.metrics.connections.Inc()
	defer d.metrics.connections.Dec()
	c.run(ctx)
}

// admit reads the HELLO and opens the session.
func (d *Door) admit(ctx context.Context, conn *quicgo.Conn) (*connection, error) {
	c := &connection{
		door: d, conn: conn, opened: time.Now(),
		remote: conn.RemoteAddr().String(), log: d.log.With("remote", conn.RemoteAddr().String()),
	}
	if err := c.greet(ctx); err != nil {
		return nil, err
	}
	c.log = c.log.With("name", c.hello.name)
	session, err := d.cfg.Sessions.Open(ctx, ingest.Request{
		Name: c.hello.name, Protocol: protocol, Remote: c.remote, Token: c.hello.token,
		Stats: func() any { return c.Stats() },
	})
	if err != nil {
		return nil, err
	}
	c.session = session
	c.reorder = newReorder(c.hello.latency)
	c.demuxer.Store(mpegts.New(mpegts.Config{Sink: session, Metrics: d.cfg.TS, Logger: c.log}))
	return c, nil
}

// greet reads the HELLO on the first stream.
func (c *connection) greet(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, helloWithin, errTimeout)
	defer cancel()
	stream, err := c.conn.AcceptStream(within)
	if err != nil {
		return errors.Join(context.Cause(within), err)
	}
	c.control = stream
	if err := stream.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = stream.SetReadDeadline(time.Now()) })()
	c.messages = quicvarint.NewReader(stream)
	m, err := readMessage(c.messages)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.Join(context.Cause(ctx), errTimeout)
	case err != nil:
		return fmt.Errorf("hello: %w", err)
	}
	if c.hello, err = parseHello(m); err != nil {
		return err
	}
	c.hello.latency = min(max(c.hello.latency, minLatency), maxLatency)
	return stream.SetReadDeadline(time.Time{})
}

// refuse closes a connection that never published.
func (d *Door) refuse(conn *quicgo.Conn, err error) {
	e := endingFor(err)
	d.metrics.rejected.WithLabelValues(e.name).Inc()
	d.log.Warn("quic publisher refused", "remote", conn.RemoteAddr().String(), "reason", e.name,
		"code", uint64(e.code), "error", err)
	closeWith(conn, e.code, err.Error())
}

func closeWith(conn *quicgo.Conn, code Code, reason string) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	_ = conn.CloseWithError(quicgo.ApplicationErrorCode(code), reason)
}
