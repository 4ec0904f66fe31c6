package rtc

import (
	"slices"
	"sync"
	"time"
)

// What counts as a measurement of the uplink.
const (
	// A run is a time in which something was waiting to be sent all along. It ends
	// after maxRun, so that long ones are told, too.
	maxRun = time.Second
	// Shorter runs, and those of fewer bytes, say nothing: a burst that fits into
	// the windows of its associations goes as fast as it is written.
	minRun      = 20 * time.Millisecond
	minRunBytes = 24 << 10
	// runs is how many of the last ones count.
	runs = 32
)

// uplink estimates the rate at which peers acknowledged bytes while more was
// waiting. Before the first acknowledgement of a run lies a round trip that says
// nothing of the rate, and before the last one the 200 ms for which a receiver may
// keep it back; so a run is counted from the first one on, to where it was fastest.
type uplink struct {
	mu sync.Mutex
	// All guarded by mu.
	waiting   int // Connections with something to send.
	delivered int64
	started   bool      // A run with a first acknowledgement.
	since     time.Time // Of that.
	from      int64     // Delivered until then.
	best      float64   // bit/s, of the run until some acknowledgement.
	rates     []float64 // bit/s, the last runs.
}

// busy tells that a connection has something to send, or no longer has.
func (u *uplink) busy(now time.Time, is bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if is {
		u.waiting++
		return
	}
	u.waiting--
	if u.waiting == 0 {
		u.end()
	}
}

// acked tells of n bytes that arrived.
func (u *uplink) acked(now time.Time, n int64) {
	if n <= 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.delivered += n
	if u.waiting == 0 {
		return
	}
	if !u.started {
		u.started, u.since, u.from, u.best = true, now, u.delivered, 0
	}
	took, bytes := now.Sub(u.since), u.delivered-u.from
	if took >= minRun && bytes >= minRunBytes {
		u.best = max(u.best, float64(bytes)*8/took.Seconds())
	}
	if took >= maxRun {
		u.end()
	}
}

// end closes a run and takes its rate.
func (u *uplink) end() {
	if !u.started || u.best == 0 {
		u.started = false
		return
	}
	u.started = false
	if len(u.rates) == runs {
		u.rates = append(u.rates[:0], u.rates[1:]...)
	}
	u.rates = append(u.rates, u.best)
}

// estimate is a high quartile: a run may have waited for a slow receiver, or
// beside other traffic of this machine.
func (u *uplink) estimate() int64 {
	u.mu.Lock()
	rates := slices.Clone(u.rates)
	u.mu.Unlock()
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	return int64(rates[len(rates)*3/4])
}
