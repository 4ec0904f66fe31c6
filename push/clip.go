package push

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// late is when the lost time is given up: the process stood still, and sending all
// of it at once would only flood the gateway.
const late = time.Second

// pace waits for the times of a stream.
type pace struct {
	start time.Time
	ahead time.Duration // When the stream began, in its own time.
}

// until waits for at.
func (p *pace) until(ctx context.Context, at time.Duration) error {
	if p.start.IsZero() || time.Since(p.start) > at-p.ahead+late {
		p.start, p.ahead = time.Now(), at
	}
	timer := time.NewTimer(time.Until(p.start.Add(at - p.ahead)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Clip is a Source that repeats a transport stream for ever.
func Clip(ts []byte) (Source, error) {
	looper, err := mpegts.NewLooper(ts)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, put func([]byte)) error {
		var p pace
		for {
			packets, at := looper.Next()
			if err := p.until(ctx, at); err != nil {
				return err
			}
			put(packets)
		}
	}, nil
}

// paced is a Source that sends what r has by its clock, once.
func paced(r io.Reader) Source {
	return func(ctx context.Context, put func([]byte)) error {
		pacer := mpegts.NewPacer(r)
		var p pace
		for {
			packets, at, err := pacer.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := p.until(ctx, at); err != nil {
				return err
			}
			put(packets)
		}
	}
}
