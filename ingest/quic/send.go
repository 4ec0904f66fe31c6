package quic

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// Send sends whole transport packets, which came from the encoder at born. It
// blocks while the network does not take more, no longer than the latency after
// that: then the batch is left out, and counted.
func (c *Client) Send(ctx context.Context, packets []byte, born time.Time) error {
	until := born.Add(c.cfg.Latency)
	size := maxBatch
	if c.cfg.Mode == ModeDatagram {
		size = maxDatagram
	}
	for b := range slices.Chunk(packets, size) {
		if err := c.send(ctx, b, until); err != nil {
			if cause := context.Cause(c.conn.Context()); cause != nil {
				return closed(cause)
			}
			return err
		}
	}
	return nil
}

func (c *Client) send(ctx context.Context, b []byte, until time.Time) error {
	if !time.Now().Before(until) {
		c.dropped.Add(1)
		return nil
	}
	if c.cfg.Mode == ModeDatagram {
		seq := c.count
		c.count++
		return c.conn.SendDatagram(appendDatagram(make([]byte, 0, len(b)+8), seq, b))
	}
	return c.sendStream(ctx, b, until)
}

// sendStream sends one batch. The number of its stream is its place in the order.
func (c *Client) sendStream(ctx context.Context, b []byte, until time.Time) error {
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	stream, err := c.conn.OpenUniStreamSync(within)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			c.dropped.Add(1)
			return nil
		}
		return err
	}
	c.count++
	if err := stream.SetWriteDeadline(until); err != nil {
		return err
	}
	if _, err := stream.Write(b); err != nil {
		stream.CancelWrite(streamExpired)
		if errors.Is(err, os.ErrDeadlineExceeded) || c.conn.Context().Err() == nil {
			c.dropped.Add(1)
			return nil // Too slow, or the server does not want it any more.
		}
		return err
	}
	c.mu.Lock()
	c.pending = append(c.pending, pending{stream, until})
	c.mu.Unlock()
	return stream.Close()
}

// expire resets the batches whose time is over. Those that came through do not
// mind: QUIC has forgotten them.
func (c *Client) expire(now time.Time) {
	c.mu.Lock()
	n := 0
	for n < len(c.pending) && !now.Before(c.pending[n].until) {
		n++
	}
	over := slices.Clone(c.pending[:n])
	c.pending = slices.Delete(c.pending, 0, n)
	c.mu.Unlock()
	for _, p := range over {
		p.stream.CancelWrite(streamExpired)
	}
}

// Finish says that nothing follows and waits until the server has it all, or has
// given up what is missing.
func (c *Client) Finish(ctx context.Context) error {
	c.mu.Lock()
	_, err := c.control.Write(endMessage(c.count).encode())
	c.mu.Unlock()
	if err != nil {
		return closed(err)
	}
	select {
	case <-c.conn.Context().Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if end, ok := errors.AsType[*ClosedError](c.Err()); ok && end.Code == CodeNone {
		return nil
	}
	return c.Err()
}

// ClientStats are the sender's view; totals since the handshake.
type ClientStats struct {
	RTT                      time.Duration
	BytesSent                uint64
	PacketsSent, PacketsLost uint64
	Dropped                  uint64 // Batches that were too old before they were sent.
	// What the server says.
	Batches, BatchesLost, BatchesHeld uint64
}

// Stats is safe for any goroutine.
func (c *Client) Stats() ClientStats {
	s := c.conn.ConnectionStats()
	out := ClientStats{
		RTT: s.SmoothedRTT, BytesSent: s.BytesSent, PacketsSent: s.PacketsSent, PacketsLost: s.PacketsLost,
		Dropped: c.dropped.Load(),
	}
	if r := c.server.Load(); r != nil {
		out.Batches, out.BatchesLost, out.BatchesHeld = r.batches, r.lost, r.held
	}
	return out
}
