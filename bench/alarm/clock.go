// Package alarm wakes goroutines on time: within some ten microseconds on an idle
// Linux machine, where the runtime's timers may be a millisecond late.
package alarm

import (
	"container/heap"
	"context"
	"runtime"
	"sync"
	"time"
)

// Clock wakes many goroutines by one Alarm.
type Clock struct {
	alarm *Alarm // Set by NewClock, then read-only.

	mu      sync.Mutex
	waiters waiters // Guarded by mu.
	ended   bool    // Guarded by mu.
}

// NewClock makes a Clock; Run must follow.
func NewClock() (*Clock, error) {
	a, err := New()
	return &Clock{alarm: a}, err
}

// waiter is somebody who sleeps. A call of the context leaves it behind until its
// time comes.
type waiter struct {
	at   time.Time
	wake chan struct{}
}

type waiters []waiter

func (w *waiters) Len() int           { return len(*w) }
func (w *waiters) Less(i, j int) bool { return (*w)[i].at.Before((*w)[j].at) }
func (w *waiters) Swap(i, j int)      { (*w)[i], (*w)[j] = (*w)[j], (*w)[i] }
func (w *waiters) Push(x any)         { *w = append(*w, x.(waiter)) } //nolint:errcheck // heap pushes what Until gives
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

// idle is how long Run sleeps when nobody waits.
const idle = time.Second

// Run wakes whose time has come, until ctx ends. It keeps a thread for itself.
func (c *Clock) Run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.alarm.Sharpen()
	defer c.close()
	defer context.AfterFunc(ctx, c.alarm.Wake)()
	for ctx.Err() == nil {
		if d := c.ring(time.Now()); d > 0 {
			c.alarm.Wait(d)
		}
	}
}

// ring wakes who is due and tells how long until the next.
func (c *Clock) ring(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiters) > 0 {
		if d := c.waiters[0].at.Sub(now); d > 0 {
			return d
		}
		w, _ := heap.Pop(&c.waiters).(waiter)
		close(w.wake)
	}
	return idle
}

// close lets all go: their contexts end with the Clock's.
func (c *Clock) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, w := range c.waiters {
		close(w.wake)
	}
	c.waiters = nil
	c.alarm.Close()
}

// Until returns at a time, at once if it has passed; or with the cause of ctx's end.
// After the end of Run it does not wait.
func (c *Clock) Until(ctx context.Context, at time.Time) error {
	if !time.Now().Before(at) {
		return context.Cause(ctx)
	}
	w := waiter{at, make(chan struct{})}
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return context.Cause(ctx)
	}
	heap.Push(&c.waiters, w)
	if c.waiters[0].wake == w.wake {
		c.alarm.Wake()
	}
	c.mu.Unlock()
	select {
	case <-w.wake:
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
