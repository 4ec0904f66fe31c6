package push

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 250 * time.Millisecond
	maxPause   = 10 * time.Second
	// lasted is when a connection counts as a success, after which the pauses
	// begin anew.
	lasted = 10 * time.Second
)

// backoff makes pauses that double, with jitter: many pushers whose gateway was
// restarted must not come all at once.
type backoff struct{ pause time.Duration }

func (b *backoff) next(worked time.Duration) time.Duration {
	if b.pause = min(2*b.pause, maxPause); worked >= lasted || b.pause == 0 {
		b.pause = firstPause
	}
	return b.pause/2 + rand.N(b.pause)
}

// retry calls try until it succeeds or ctx ends; once only if that is asked for.
func retry(ctx context.Context, cfg OutputConfig, try func(context.Context) error) error {
	var b backoff
	for {
		began := time.Now()
		cfg.Status.attempts.Add(1)
		err := try(ctx)
		cfg.Status.disconnected()
		if err == nil || ctx.Err() != nil || cfg.Once {
			return err
		}
		pause := b.next(time.Since(began))
		cfg.Log.Warn("push interrupted", "error", err, "again_in", pause.Round(time.Millisecond))
		if !sleep(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
