package view

import (
	"sync"
	"time"
)

// throttle makes a viewer read slowly, or not at all.
type throttle struct {
	rate int // Bytes a second; 0 is nothing at all. Set by newThrottle, then read-only.

	mu   sync.Mutex
	free time.Time // Guarded by mu. When what was read is paid for.
}

func newThrottle(w *watcher, stuck bool) *throttle {
	switch {
	case stuck:
		return &throttle{}
	case w.class == slow:
		return &throttle{rate: w.a.cfg.SlowRate}
	}
	return nil
}

// wait takes the time that reading n bytes takes, until done. All streams of a viewer
// share it.
func (t *throttle) wait(done <-chan struct{}, n int) {
	if t == nil {
		return
	}
	if t.rate == 0 {
		<-done
		return
	}
	t.mu.Lock()
	now := time.Now()
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(time.Duration(float64(n) / float64(t.rate) * float64(time.Second)))
	due := t.free
	t.mu.Unlock()
	timer := time.NewTimer(due.Sub(now))
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
