package quic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"golang.org/x/sync/errgroup"
)

// maxReaders is how many batches are read at once: as many as the listener lets a
// client have open.
const maxReaders = 256

// slack is how much longer than the latency a stream is read: a sender resets what
// is too old, and what it neither ends nor resets must not stay.
const slack = time.Second

// readStreams takes every batch. The streams of a client are numbered by QUIC, so
// one that was reset before a byte of it came is known all the same.
func (c *connection) readStreams(ctx context.Context, arrivals chan<- arrival) error {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(maxReaders)
	for {
		stream, err := c.conn.AcceptUniStream(ctx)
		if err != nil {
			return errors.Join(readers.Wait(), err)
		}
		readers.Go(func() error { return c.readBatch(ctx, stream, arrivals) })
	}
}

// readBatch reads one stream to its end.
func (c *connection) readBatch(ctx context.Context, stream *quicgo.ReceiveStream, arrivals chan<- arrival) error {
	if err := stream.SetReadDeadline(time.Now().Add(c.hello.latency + slack)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { stream.CancelRead(streamExpired) })()
	packets, err := io.ReadAll(io.LimitReader(stream, maxBatch+1))
	a := arrival{seq: uint64(stream.StreamID()) / 4, batch: batch{packets: packets, at: time.Now()}}
	if err != nil {
		reset, ok := errors.AsType[*quicgo.StreamError](err)
		if !ok && !errors.Is(err, os.ErrDeadlineExceeded) || ok && !reset.Remote {
			return err
		}
		stream.CancelRead(streamExpired)
		a.packets = nil
		tell(ctx, arrivals, a)
		return nil
	}
	if err := checkPackets(packets); err != nil {
		return fmt.Errorf("batch %d: %w", a.seq, err)
	}
	tell(ctx, arrivals, a)
	return nil
}

// readDatagrams takes every datagram.
func (c *connection) readDatagrams(ctx context.Context, arrivals chan<- arrival) error {
	for {
		b, err := c.conn.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		seq, packets, err := parseDatagram(b)
		if err != nil {
			return err
		}
		if !tell(ctx, arrivals, arrival{seq, batch{packets: packets, at: time.Now()}}) {
			return nil
		}
	}
}
