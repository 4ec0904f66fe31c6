package srt

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	engine "github.com/freshet-live/freshet/transport/srt"
)

var (
	errPeerClosed = errors.New("closed by the encoder")
	errPeerSilent = errors.New("nothing heard for 5 s")
	errSocket     = errors.New("connection lost")
)

// connection is one caller that was taken in.
type connection struct {
	// Set by decide, then read-only.
	listener  *Listener
	log       *slog.Logger
	name      string
	remote    string
	encrypted bool
	session   *ingest.Session
	demuxer   *mpegts.Demuxer
	opened    time.Time

	socket  atomic.Pointer[socket] // Set by attach; Stats may come before it.
	watcher watcher
}

// transport is what a connection needs of an engine.Conn.
type transport interface {
	Receive(put func(payload []byte) error) error
	Close()
	Latency() time.Duration
	HandshakeVersion() uint32
	Stats() engine.Stats
}

// socket is a struct, because an atomic holds no interface.
type socket struct{ transport }

func (c *connection) attach(conn transport) {
	c.opened = time.Now()
	c.watcher = watcher{connection: c, heard: c.opened, reported: c.opened}
	c.socket.Store(&socket{conn})
}

// run reads the stream to its end and logs how it went.
func (c *connection) run(ctx context.Context) {
	c.listener.metrics.connections.Inc()
	defer c.listener.metrics.connections.Dec()
	conn := c.socket.Load()
	delay := conn.Latency()
	c.log.Info("srt encoder connected", "latency", delay, "encrypted", c.encrypted, "handshake", conn.HandshakeVersion())

	var watching sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	watching.Go(func() { c.watch(ctx) })
	err := c.session.Begin(delay)
	if err == nil {
		err = c.read(conn)
	}
	err = c.reason(ctx, err)
	conn.Close()
	c.session.Close()
	stop()
	watching.Wait()
	c.logEnd(err)
}

// read hands payloads on until the connection ends.
func (c *connection) read(conn transport) error {
	err := conn.Receive(func(payload []byte) error {
		now := time.Now()
		c.watcher.lookAt(now)
		return c.demuxer.Write(payload, now)
	})
	reason := errSocket
	switch {
	case errors.Is(err, engine.ErrPeerClosed):
		reason = errPeerClosed
	case errors.Is(err, engine.ErrPeerSilent):
		reason = errPeerSilent
	case errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrFault):
	default:
		return err // The demuxer's.
	}
	return errors.Join(reason, c.demuxer.Flush(time.Now()))
}

// reason finds out why the stream ended: what the session says, the end of the
// gateway, or else what the reader saw.
func (c *connection) reason(ctx context.Context, err error) error {
	switch ended := c.session.Err(); {
	case ended != nil:
		return ended
	case ctx.Err() != nil:
		return ingest.ErrDraining
	}
	return err
}

func (c *connection) logEnd(reason error) {
	level := slog.LevelInfo
	name := endName(reason)
	if slices.Contains([]string{"not_a_transport_stream", "sink"}, name) {
		level = slog.LevelWarn
	}
	c.listener.metrics.ended.WithLabelValues(name).Inc()
	s := c.Stats()
	c.log.Log(context.Background(), level, "srt encoder gone", "reason", name, "error", reason,
		"duration", time.Since(c.opened).Round(time.Millisecond), "bytes", s.ByteRecv, "packets", s.PktRecv,
		"lost", s.PktRcvLoss, "retransmitted", s.PktRcvRetrans, "unrecovered", s.PktRcvDrop,
		"access_units", s.TS.AccessUnits, "ts_errors", s.TS.Errors)
}

// endName names why a connection ended: a closed set of labels.
func endName(reason error) string {
	for _, r := range []struct {
		err  error
		name string
	}{
		{errPeerClosed, "closed_by_encoder"},
		{errPeerSilent, "silent"},
		{mpegts.ErrNoSync, "not_a_transport_stream"},
		{ingest.ErrTakenOver, "taken_over"},
		{ingest.ErrExpired, "expired"},
		{ingest.ErrDraining, "draining"},
		{errSocket, "connection_lost"},
	} {
		if errors.Is(reason, r.err) {
			return r.name
		}
	}
	return "sink"
}
