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
	// dropped are the packets that queues before this one dropped.
	dropped atomic.Uint64

	// Owned by run.
	stream *Stream
	began  time.Time
	still  *Fault // The stall that it stands in.
}

func (e *encoder) wall(at time.Duration) time.Time { return e.began.Add(at) }

// gone ends a connection for a time.
type gone struct {
	until time.Time
	fault Fault
}

func (g *gone) Error() string { return "the encoder is killed" }

// run plays the stream over as many lives as it takes.
func (e *encoder) run(ctx context.Context, began time.Time) error {
	e.began = began
	until, fault := began, (*Fault)(nil)
	for {
		if err := e.fleet.clock.Until(ctx, until); err != nil {
			return err
		}
		e.over(until, fault)
		killed := (*gone)(nil)
		if err := e.live(ctx); !errors.As(err, &killed) {
			return err
		}
		until, fault = killed.until, &killed.fault
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
	defer func() {
		e.queue.Store(nil)
		_, dropped := q.Held()
		e.dropped.Add(dropped)
	}()
	sending, cancel := e.draining(ctx)
	defer cancel()
	return push.Run(sending, func(sending context.Context, put func([]byte)) error {
		playing, cancel := context.WithCancel(sending)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		err := e.play(playing, put)
		if ctx.Err() != nil {
			return nil // The end that was wanted: what was sent is on its way.
		}
		return err
	}, output, q, &e.status)
}

// drainWithin is how long an encoder that has ended may take to bring the rest over: as
// long as SRT with a latency of some seconds does.
const drainWithin = 8 * time.Second

// draining is a context that outlives ctx while the rest is brought over; not where
// there is no connection.
func (e *encoder) draining(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	end := func() { cancel(context.Cause(ctx)) }
	stop := context.AfterFunc(ctx, func() {
		if !e.status.Snapshot().Connected {
			end()
			return
		}
		timer := time.AfterFunc(drainWithin, end)
		context.AfterFunc(sending, func() { timer.Stop() })
	})
	return sending, func() {
		stop()
		cancel(context.Canceled)
	}
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
		e.befall(due, event)
		if event.Away > 0 {
			return &gone{due.Add(event.Away), *event.Fault}
		}
		if len(event.Packets) > 0 {
			e.over(due, e.still)
			e.still = nil
			put(event.Packets)
			e.fleet.sent(time.Since(due))
		}
	}
}

// befall notes what an event brings.
func (e *encoder) befall(at time.Time, event Event) {
	e.over(at, event.Over)
	f := event.Fault
	if f == nil {
		return
	}
	e.fleet.befell(Happening{At: at, Encoder: e.stream.number, Fault: *f})
	e.output.Log.Info("fault", "fault", f.String())
	if f.Kind == Stall {
		e.still = f
	}
}

// over notes that a fault is; nil is none.
func (e *encoder) over(at time.Time, f *Fault) {
	if f != nil {
		e.fleet.befell(Happening{At: at, Encoder: e.stream.number, Fault: *f, Over: true})
	}
}
