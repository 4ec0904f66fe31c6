package sweep

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/steady"
)

// viewer is one of a crowd. It counts the chunks whose stamps lie in the time that is
// judged.
type viewer struct {
	broadcast int
	received  load.Received

	mu     sync.Mutex
	from   time.Time // Guarded by mu. Zero before anything is judged.
	to     time.Time // Guarded by mu. Zero while it lasts.
	stamps []int64   // Guarded by mu. Of chunks in the time, to be counted once.
	began  bool      // Guarded by mu. Something came.
	err    error     // Guarded by mu. Why it left though nobody asked.
}

// crowd is all viewers of a load.
type crowd struct {
	viewers []*viewer
	bytes   atomic.Int64

	tasks sync.WaitGroup

	mu     sync.Mutex
	delays report.Histogram // Guarded by mu. From published to here, of what is judged.
}

// joinEvery is between the arrivals of viewers: handshakes are not the load.
const joinEvery = 8 * time.Millisecond

// newCrowd has viewers come until ctx ends.
func newCrowd(ctx context.Context, l Load, s *server) *crowd {
	c := &crowd{}
	for i := range l.all() {
		v := &viewer{broadcast: i % l.Broadcasts}
		v.received.Stamped = true
		v.received.Keep = func(a load.Arrival) { c.see(v, a) }
		c.viewers = append(c.viewers, v)
		c.tasks.Go(func() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(i) * joinEvery):
			}
			v.end(ctx, c.watch(ctx, v, s))
		})
	}
	return c
}

func (c *crowd) watch(ctx context.Context, v *viewer, s *server) error {
	if s.bare {
		return load.ViewBare(ctx, s.url, &v.received)
	}
	return load.ViewTracks(ctx, s.url, nameOf(v.broadcast), []string{steady.Track}, &v.received)
}

func (v *viewer) end(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
	if err == nil {
		v.err = fmt.Errorf("the session ended")
	}
}

// see takes a chunk.
func (c *crowd) see(v *viewer, a load.Arrival) {
	c.bytes.Add(int64(a.Size))
	v.mu.Lock()
	v.began = true
	judged := !v.from.IsZero() && !a.Published.Before(v.from) && (v.to.IsZero() || a.Published.Before(v.to))
	if judged {
		v.stamps = append(v.stamps, a.Published.UnixNano())
	}
	v.mu.Unlock()
	if judged {
		c.mu.Lock()
		c.delays.AddDuration(a.At.Sub(a.Published))
		c.mu.Unlock()
	}
}

// here counts the viewers to whom something came, and gives the first reason why one
// has left.
func (c *crowd) here() (n int, err error) {
	for _, v := range c.viewers {
		v.mu.Lock()
		if v.began {
			n++
		}
		if err == nil {
			err = v.err
		}
		v.mu.Unlock()
	}
	return n, err
}

// judge begins the time that counts.
func (c *crowd) judge(from time.Time) {
	for _, v := range c.viewers {
		v.mu.Lock()
		v.from = from
		v.mu.Unlock()
	}
}

// until ends it.
func (c *crowd) until(to time.Time) {
	for _, v := range c.viewers {
		v.mu.Lock()
		v.to = to
		v.mu.Unlock()
	}
}

// tally is what a crowd got.
type tally struct {
	objects, missing, twice int
	p50, p99, longest       time.Duration
}

// tally compares what came to each with what each should have; expected 0 stands for
// what the one had who got most. Chunks stamped at the time's very ends may fall on
// either side for another broadcast than the one that was counted: one is let pass
// where there are several broadcasts.
func (c *crowd) tally(expected, broadcasts int) tally {
	counts := make([]int, len(c.viewers))
	var t tally
	most := 0
	for i, v := range c.viewers {
		v.mu.Lock()
		seen := make(map[int64]bool, len(v.stamps))
		for _, stamp := range v.stamps {
			if !v.to.IsZero() && stamp >= v.to.UnixNano() {
				continue // It came before the end was known.
			}
			if seen[stamp] {
				t.twice++
			}
			seen[stamp] = true
		}
		counts[i] = len(seen)
		v.mu.Unlock()
		most = max(most, counts[i])
	}
	if expected == 0 {
		expected = most
	}
	if broadcasts > 1 {
		expected--
	}
	for _, n := range counts {
		t.objects += n
		t.missing += max(expected-n, 0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.p50, t.p99, t.longest = duration(c.delays.Quantile(.5)), duration(c.delays.Quantile(.99)), duration(c.delays.Max())
	return t
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * 1e9) }
