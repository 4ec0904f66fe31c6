package swarm

import "time"

// bucket is a token bucket. It is used by one goroutine at a time.
type bucket struct {
	rate  float64 // Tokens a second.
	burst float64
	have  float64
	last  time.Time // Zero before the first use: then it is full.
}

func (b *bucket) refill(now time.Time) {
	if b.last.IsZero() {
		b.have = b.burst
	} else {
		b.have = min(b.burst, b.have+now.Sub(b.last).Seconds()*b.rate)
	}
	b.last = now
}

// take takes n tokens, if they are there.
func (b *bucket) take(now time.Time, n float64) bool {
	b.refill(now)
	if b.have < n {
		return false
	}
	b.have -= n
	return true
}

// wait takes n tokens whether they are there or not, and tells how long to wait for
// them.
func (b *bucket) wait(now time.Time, n float64) time.Duration {
	b.refill(now)
	b.have -= n
	if b.have >= 0 {
		return 0
	}
	return time.Duration(-b.have / b.rate * float64(time.Second))
}
