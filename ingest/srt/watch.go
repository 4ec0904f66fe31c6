package srt

import (
	"context"
	"sync"
	"time"
)

const (
	// watchEvery is how often a connection is looked after while something of it
	// is handed on, which is when that costs no wake-up. A second publisher is
	// refused when the first is seen alive by it, so this is how long it waits for
	// its answer.
	watchEvery = 50 * time.Millisecond
	// watchIdle is how often that is done when nothing is.
	watchIdle = 250 * time.Millisecond
	// silentAfter is when an encoder that sends nothing is worth a line.
	silentAfter = time.Second
	// reportEvery is how often statistics go to the debug log.
	reportEvery = 10 * time.Second
)

// watch looks after a connection until ctx ends: it tells the session that data
// comes, feeds the metrics, and hangs up when the session has ended.
func (c *connection) watch(ctx context.Context) {
	ticker := time.NewTicker(watchIdle)
	defer ticker.Stop()
	defer func() { c.watcher.look(time.Now()) }() // The last counts.
	defer c.socket.Load().Close()
	for {
		select {
		case now := <-ticker.C:
			c.watcher.lookAt(now)
		case <-c.session.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// watcher is what the connection was seen to do.
type watcher struct {
	*connection // Set by attach, then read-only.

	mu       sync.Mutex
	last     Stats     // Guarded by mu.
	looked   time.Time // Guarded by mu.
	heard    time.Time // Guarded by mu. When data last came.
	silent   bool      // Guarded by mu.
	reported time.Time // Guarded by mu.
}

// lookAt looks if that is due.
func (w *watcher) lookAt(now time.Time) {
	w.mu.Lock()
	due := now.Sub(w.looked) >= watchEvery
	w.mu.Unlock()
	if due {
		w.look(now)
	}
}

func (w *watcher) look(now time.Time) {
	last, s, said := w.step(now)
	w.listener.metrics.add(last, s)
	if s.PktRecv != last.PktRecv {
		w.session.Touch()
	}
	if said.again {
		w.log.Info("srt encoder sends again")
	}
	if said.silent {
		w.log.Warn("srt encoder is silent")
	}
	if said.report {
		w.log.Debug("srt statistics", "stats", s)
	}
}

// remarks are what a look has to say.
type remarks struct{ silent, again, report bool }

// step gives the statistics of the last look and of this.
func (w *watcher) step(now time.Time) (last, s Stats, said remarks) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = now
	last, s = w.last, w.Stats()
	w.last = s
	if s.PktRecv != last.PktRecv {
		said.again = w.silent
		w.heard, w.silent = now, false
	} else if !w.silent && now.Sub(w.heard) >= silentAfter {
		said.silent = true
		w.silent = true
	}
	if now.Sub(w.reported) >= reportEvery {
		said.report = true
		w.reported = now
	}
	return last, s, said
}
