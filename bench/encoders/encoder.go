package encoders

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/push"
)

// encoder is one of a fleet.
type encoder struct {
	fleet  *Fleet
	starts time.Duration // From the fleet's begin.
	output push.OutputConfig
	status push.Status
	queue  atomic.Pointer[push.Queue]

	// Owned by run.
	stream *Stream
	began  time.Time
}

func (e *encoder) wall(at time.Duration) time.Time { return e.began.Add(at) }

// gone ends a connection for a time.
type gone struct{ until time.Time }

func (g *gone) Error() string { return "the encoder is killed" }

// run plays the stream over as many lives as it takes.
func (e *encoder) run(ctx context.Context, began time.Time) error {
	e.began = began
	until := began
	for {
		if err := e.fleet.clock.Until(ctx, until); err != nil {
			return err
		}
		killed := (*gone)(nil)
		if err := e.live(ctx); !errors.As(err, &killed) {
			return err
		}
		until = killed.until
	}
}

// live is from one kill to the next.
func (e *encoder) live(ctx context.Context) error {
	output, err := push.NewOutput(e.output)
	if err != nil {
		return err
	}
	q := push.NewQueue(e.fleet.cfg.Buffer)
	e.queue.Store(q)
	return push.Run(ctx, e.play, output, q, &e.status)
}

// play is a push.Source.
func (e *encoder) play(ctx context.Context, put func([]byte)) error {
	for {
		event, err := e.stream.Next()
		if err != nil {
			return fmt.Errorf("encoder %d: %w", e.stream.number, err)
		}
		due := e.wall(event.At)
		if err := e.fleet.clock.Until(ctx, due); err != nil {
			return err
		}
		if event.Fault != nil {
			e.fleet.befell(event.Fault.Kind)
			e.output.Log.Info("fault", "fault", event.Fault.String())
		}
		if event.Away > 0 {
			return &gone{due.Add(event.Away)}
		}
		if len(event.Packets) > 0 {
			put(event.Packets)
			e.fleet.sent(time.Since(due))
		}
	}
}
