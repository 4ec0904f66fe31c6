package quic

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// connection is one publisher that was taken in.
type connection struct {
	// Set by admit, then read-only.
	door     *Door
	conn     *quicgo.Conn
	log      *slog.Logger
	remote   string
	opened   time.Time
	hello    hello
	control  *quicgo.Stream
	messages quicvarint.Reader
	session  *ingest.Session

	demuxer atomic.Pointer[mpegts.Demuxer] // Stats may come before it.
	reorder *reorder                       // Owned by deliver.
	counts  counts
}

// arrival is what deliver is told of.
type arrival struct {
	seq uint64
	batch
}

// run takes the stream to its end and logs how it went.
func (c *connection) run(ctx context.Context) {
	c.log.Info("quic publisher connected", "mode", c.hello.mode.String(), "latency", c.hello.latency)
	err := c.session.Begin(0) // What is in order is not held back.
	if err == nil {
		err = c.receive(ctx)
	}
	err = c.reason(ctx, err)
	e := endingFor(err)
	closeWith(c.conn, e.code, e.name)
	c.session.Close()
	c.logEnd(e, err)
}

// receive works until the first of its parts ends; that one's error tells why.
func (c *connection) receive(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	arrivals := make(chan arrival)
	if err := c.welcome(); err != nil {
		return err
	}
	if c.hello.mode == ModeDatagram {
		group.Go(func() error { return c.readDatagrams(ctx, arrivals) })
	} else {
		group.Go(func() error { return c.readStreams(ctx, arrivals) })
	}
	group.Go(func() error { return c.readControl(ctx, arrivals) })
	group.Go(func() error { return c.deliver(ctx, arrivals) })
	group.Go(func() error { return c.watch(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		c.control.CancelRead(0)
		_ = c.control.SetWriteDeadline(time.Now())
		return nil
	})
	return group.Wait()
}

func (c *connection) welcome() error {
	_, err := c.control.Write(message{kind: messageWelcome, params: []param{
		number(paramLatency, uint64(c.hello.latency.Milliseconds())),
	}}.encode())
	return err
}

// readControl takes REPORT and END; messages of later versions are left out.
func (c *connection) readControl(ctx context.Context, arrivals chan<- arrival) error {
	for {
		m, err := readMessage(c.messages)
		if errors.Is(err, io.EOF) {
			return nil // END has come before, or the connection ends next.
		}
		if err != nil {
			return err
		}
		switch m.kind {
		case messageHello:
			return errors.Join(errProtocol, errors.New("a second hello"))
		case messageReport:
			r, err := parseReport(m)
			if err != nil {
				return err
			}
			c.counts.sender.Store(&r)
		case messageEnd:
			count, err := m.number(paramCount)
			if err != nil {
				return err
			}
			if !tell(ctx, arrivals, arrival{count, batch{end: true, at: time.Now()}}) {
				return nil
			}
		}
	}
}

// tell hands an arrival to deliver, unless that has ended.
func tell(ctx context.Context, arrivals chan<- arrival, a arrival) bool {
	select {
	case arrivals <- a:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliver puts in order what arrives and feeds the demuxer.
func (c *connection) deliver(ctx context.Context, arrivals <-chan arrival) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := c.drainReorder(time.Now()); err != nil {
			return err
		}
		if due, waiting := c.reorder.due(); waiting {
			timer.Reset(time.Until(due))
		} else {
			timer.Stop()
		}
		select {
		case a := <-arrivals:
			c.session.Touch()
			if err := c.reorder.put(a.seq, a.batch); err != nil {
				return err
			}
		case <-timer.C:
		case <-c.session.Done():
			return c.session.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// drainReorder writes what is due.
func (c *connection) drainReorder(now time.Time) error {
	demuxer := c.demuxer.Load()
	defer c.counts.follow(c.reorder)
	for {
		b, ok := c.reorder.take(now)
		switch {
		case !ok:
			return nil
		case b.end:
			return errors.Join(demuxer.Flush(now), errFinished)
		}
		if err := demuxer.Write(b.packets, now); err != nil {
			return err
		}
	}
}

// reason finds out why the stream ended: what the session says, the end of the
// gateway, the end of the connection, or else what a part saw.
func (c *connection) reason(ctx context.Context, err error) error {
	if ended := c.session.Err(); ended != nil {
		return ended
	}
	if cause := context.Cause(ctx); errors.Is(cause, ingest.ErrDraining) {
		return cause
	}
	if cause := context.Cause(c.conn.Context()); cause != nil {
		return errors.Join(connectionEnd(cause), c.demuxer.Load().Flush(time.Now()))
	}
	return err
}

// connectionEnd tells an encoder that left from one that vanished.
func connectionEnd(cause error) error {
	if e, ok := errors.AsType[*quicgo.ApplicationError](cause); ok {
		if e.Remote {
			return errFinished
		}
		return ingest.ErrDraining // The listener's last word.
	}
	if e, ok := errors.AsType[net.Error](cause); ok && e.Timeout() {
		return errSilent
	}
	return errors.Join(errLost, cause)
}

func (c *connection) logEnd(e ending, reason error) {
	level := slog.LevelInfo
	switch e.name {
	case "not_a_transport_stream", "overflow", "protocol_violation", "internal":
		level = slog.LevelWarn
	}
	c.door.metrics.ended.WithLabelValues(e.name).Inc()
	s := c.Stats()
	c.log.Log(context.Background(), level, "quic publisher gone", "reason", e.name, "error", reason,
		"duration", time.Since(c.opened).Round(time.Millisecond), "bytes", s.ByteRecv, "batches", s.Batches,
		"lost", s.BatchesLost, "late", s.BatchesLate, "moves", s.Moves,
		"access_units", s.TS.AccessUnits, "ts_errors", s.TS.Errors)
}
