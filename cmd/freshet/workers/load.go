package workers

import (
	"time"

	"github.com/freshet-live/freshet/bench/proc"
)

// loadMeter measures how much of their processors processes use, one each.
type loadMeter struct {
	at   time.Time
	busy map[int]time.Duration
}

// read is the mean share since the last reading, from 0 to 1; zero at first.
func (m *loadMeter) read(pids []int) float64 {
	now := time.Now()
	elapsed := now.Sub(m.at)
	busy := make(map[int]time.Duration, len(pids))
	var used time.Duration
	for _, pid := range pids {
		s, err := proc.Read(pid)
		if err != nil {
			continue // It has ended.
		}
		busy[pid] = s.CPU
		if before, known := m.busy[pid]; known {
			used += s.CPU - before
		}
	}
	m.at, m.busy = now, busy
	if len(pids) == 0 || elapsed <= 0 {
		return 0
	}
	return min(max(float64(used)/float64(elapsed)/float64(len(pids)), 0), 1)
}
