package main

import (
	"runtime"
	"time"

	"github.com/freshet-live/freshet/bench/self"
)

// loadMeter measures how much of its processors this process uses.
type loadMeter struct {
	at   time.Time
	busy time.Duration
}

// read is the share since the last reading, from 0 to 1; zero at first.
func (m *loadMeter) read() float64 {
	busy, now := self.CPU(), time.Now()
	share := float64(busy-m.busy) / float64(now.Sub(m.at)) / float64(runtime.GOMAXPROCS(0))
	first := m.at.IsZero()
	m.at, m.busy = now, busy
	if first {
		return 0
	}
	return min(max(share, 0), 1)
}
