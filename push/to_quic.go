package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/ingest/quic"
)

const (
	// gather is how long packets are collected for one batch, which costs a stream.
	gather = 5 * time.Millisecond
	// maxGathered is the most of a batch, within the limit of the protocol.
	maxGathered = 48 * 7 * 188
	// finishWithin is how long the gateway may take for the last of it.
	finishWithin = 15 * time.Second
)

func toQUIC(cfg OutputConfig) (Output, error) {
	client, err := quic.ParseURL(cfg.To)
	if err != nil {
		return nil, err
	}
	client.TLS, client.Logger = cfg.TLS, cfg.Log
	return func(ctx context.Context, q *Queue) error {
		return retry(ctx, cfg, func(ctx context.Context) error { return sendQUIC(ctx, cfg, client, q) })
	}, nil
}

// sendQUIC is one connection.
func sendQUIC(ctx context.Context, cfg OutputConfig, conf quic.ClientConfig, q *Queue) error {
	c, err := quic.Dial(ctx, conf)
	if err != nil {
		return err
	}
	defer c.Close()
	cfg.Log.Info("connected", "to", conf.Address, "name", conf.Name, "mode", conf.Mode.String())
	cfg.Status.connected(func() Link {
		s := c.Stats()
		return Link{RTT: s.RTT, Lost: s.PacketsLost, Dropped: s.Dropped}
	})
	since := time.Now()
	alive, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.Context(), func() { cancel(c.Err()) })()
	for {
		packets, born, err := q.Next(alive)
		switch {
		case errors.Is(err, io.EOF):
			within, done := context.WithTimeout(ctx, finishWithin)
			defer done()
			return c.Finish(within)
		case err != nil:
			return fmt.Errorf("send quic: %w", err)
		}
		if born.Before(since) {
			born = since // It could not go earlier, and is worth a try.
		}
		if conf.Mode == quic.ModeStream {
			sleep(alive, gather)
			packets = q.Rest(packets, maxGathered)
		}
		if err := c.Send(alive, packets, born); err != nil {
			return fmt.Errorf("send quic: %w", err)
		}
		cfg.Status.sent(len(packets))
	}
}
