package srt

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/datarhei/gosrt/packet"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
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
	lost    atomic.Uint64          // Packets missing in what was delivered.
	inClear atomic.Uint64          // Packets without encryption where it is due.

	// Owned by read.
	next    uint32 // The sequence number that should come next.
	started bool
}

// socket is gosrt's connection; a struct, because an atomic holds no interface.
type socket struct{ gosrt.Conn }

func (c *connection) attach(conn gosrt.Conn) {
	c.opened = time.Now()
	c.socket.Store(&socket{conn})
	c.listener.events.watch(conn.SocketId())
}

// run reads the stream to its end and logs how it went.
func (c *connection) run(ctx context.Context) {
	c.listener.metrics.connections.Inc()
	defer c.listener.metrics.connections.Dec()
	conn := c.socket.Load()
	delay := c.delay()
	c.log.Info("srt encoder connected", "latency", delay, "encrypted", c.encrypted, "handshake", conn.Version())

	var watcher sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	watcher.Go(func() { c.watch(ctx) })
	err := c.session.Begin(delay)
	if err == nil {
		err = c.read(conn)
	}
	err = c.reason(ctx, err)
	_ = conn.Close() // It returns nil always.
	c.session.Close()
	stop()
	watcher.Wait()
	c.logEnd(err)
}

// read hands packets on as soon as gosrt delivers them: its queues are short
// and drop without a word.
func (c *connection) read(conn gosrt.Conn) error {
	for {
		p, err := conn.ReadPacket()
		if err != nil {
			return errors.Join(errSocket, c.demuxer.Flush(time.Now()))
		}
		err = c.packet(p)
		p.Decommission()
		if err != nil {
			return err
		}
	}
}

func (c *connection) packet(p packet.Packet) error {
	header := p.Header()
	c.follow(header.PacketSequenceNumber.Val())
	// gosrt lets packets in clear pass on an encrypted connection; anybody
	// could have sent them.
	if c.encrypted && header.KeyBaseEncryptionFlag == packet.UnencryptedPacket {
		c.inClear.Add(1)
		return nil
	}
	return c.demuxer.Write(p.Data(), time.Now())
}

// follow counts the gaps in what is delivered: packets that no retransmission
// brought in time.
func (c *connection) follow(sequence uint32) {
	if c.started {
		if gap := (sequence - c.next) & packet.MAX_SEQUENCENUMBER; gap < packet.MAX_SEQUENCENUMBER/2 {
			c.lost.Add(uint64(gap))
		}
	}
	c.started = true
	c.next = (sequence + 1) & packet.MAX_SEQUENCENUMBER
}

// delay is the negotiated latency: how long gosrt holds every packet back.
func (c *connection) delay() time.Duration {
	return time.Duration(c.Stats().MsRcvTsbPdDelay) * time.Millisecond
}

// reason finds out why the stream ended: what the session says, the end of the
// gateway, what gosrt noticed, or else what the reader saw.
func (c *connection) reason(ctx context.Context, err error) error {
	noticed := c.listener.events.unwatch(c.socket.Load().SocketId())
	switch ended := c.session.Err(); {
	case ended != nil:
		return ended
	case ctx.Err() != nil:
		return ingest.ErrDraining
	case errors.Is(err, errSocket) && noticed != nil:
		return noticed
	}
	return err
}

func (c *connection) logEnd(reason error) {
	level := slog.LevelInfo
	name := endName(reason)
	if slices.Contains([]string{"not_a_transport_stream", "buffer_overflow", "sink"}, name) {
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
		{errBuffered, "buffer_overflow"},
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
