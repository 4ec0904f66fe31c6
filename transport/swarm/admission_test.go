package swarm_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/swarm"
)

// sending is what an edge sends, bit/s, as it is set.
type sending struct {
	rate  atomic.Int64
	total float64
	last  time.Time
}

func (s *sending) sent() int64 {
	now := time.Now()
	s.total += float64(s.rate.Load()) / 8 * now.Sub(s.last).Seconds()
	s.last = now
	return int64(s.total)
}

// New viewers are admitted while the edge could feed all: those it feeds, and those who
// are fed by others, who are at most as many as simulations had. What it admits again
// is a little less.
func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &sending{last: time.Now()}
		s := newStage(t, func(c *swarm.Config, _ *moqt.Config) {
			c.Policy.Capacity, c.Sent = 10_000_000, line.sent
		})
		defer s.close()
		s.t, s.protocol = t, "moqt-18"
		defer s.publish(120, 50_000)() // 4 Mbit/s.
		a, b, _, _ := couple(t, s)
		defer a.leave()
		defer b.leave()
		expect := func(what string, rate int64, peers int, want bool) {
			t.Helper()
			line.rate.Store(rate)
			for range 6 {
				for _, g := range []*guest{a, b} {
					g.say(&wire.Report{PeerBytes: wire.Count(peers), EdgeBytes: wire.Count(500_000 - peers), PlayTime: wire.Millis(time.Second)})
				}
				time.Sleep(time.Second)
			}
			if s.edge.Admits() != want || s.edge.Snapshot().Admit != want {
				t.Errorf("%s: admits %v, shown %v", what, !want, s.edge.Snapshot().Admit)
			}
		}
		expect("nearly full, and nothing from peers", 9_000_000, 0, true)
		expect("more than it can", 10_500_000, 0, false)
		expect("hardly less", 9_800_000, 0, false)
		expect("less", 9_400_000, 0, true)
		// Both are fed by others: 8 Mbit/s that might come back.
		expect("little, and all from peers", 1_800_000, 500_000, true)
		expect("all from peers", 3_800_000, 500_000, true) // 9.5 by the rule.
		expect("all from peers, and more", 4_200_000, 500_000, false)
		expect("peers bring less", 4_200_000, 100_000, true)
	})
}
