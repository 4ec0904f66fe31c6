package encoders

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/push"
)

// Totals is a fleet so far.
type Totals struct {
	Encoders int
	// Up is how many have a connection, Connected how many had one.
	Up        int
	Connected int
	// BytesIn were made, BytesOut given to the network: transport packets alone.
	BytesIn  uint64
	BytesOut uint64
	// Dropped packets waited too long for a connection; TooLate is what connections left out: packets of SRT, batches of QUIC.
	Dropped uint64
	TooLate uint64
	// Lost and Retransmitted are what connections say of the network's packets.
	Lost          uint64
	Retransmitted uint64
	// Reconnects are connections behind the first of each encoder, Failed attempts that
	// brought none.
	Reconnects uint64
	Failed     uint64
	// RTT is the median of those who know theirs, RTTMax the longest.
	RTT    time.Duration
	RTTMax time.Duration
	// Late is by how much, in s, packets were later than due when they were given to the
	// sending side.
	Late *report.Histogram
	// Faults are those that befell, by kind.
	Faults map[Kind]int
}

// Totals is safe for any goroutine.
func (f *Fleet) Totals() Totals {
	t := Totals{Encoders: len(f.encoders)}
	var trips []time.Duration
	for _, e := range f.encoders {
		s := e.status.Snapshot()
		t = t.plus(s)
		if s.Connected && s.Link.RTT > 0 {
			trips = append(trips, s.Link.RTT)
		}
		if q := e.queue.Load(); q != nil {
			_, dropped := q.Held()
			t.Dropped += dropped
		}
		t.Dropped += e.dropped.Load()
	}
	if slices.Sort(trips); len(trips) > 0 {
		t.RTT, t.RTTMax = trips[len(trips)/2], trips[len(trips)-1]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Late = f.late.Clone()
	t.Faults = maps.Clone(f.faults)
	return t
}

func (t Totals) plus(s push.Snapshot) Totals {
	if s.Connected {
		t.Up++
	}
	t.BytesIn += s.BytesIn
	t.BytesOut += s.BytesOut
	t.TooLate += s.Link.Dropped
	t.Lost += s.Link.Lost
	t.Retransmitted += s.Link.Retransmitted
	if s.Connections > 0 {
		t.Connected++
	}
	if s.Connections > 1 {
		t.Reconnects += s.Connections - 1
	}
	t.Failed += s.Attempts - min(s.Connections, s.Attempts)
	return t
}

// lateLimit is how late the 99th percentile of packets may be before the figures tell
// more of this machine than of the server.
const lateLimit = 5 * time.Millisecond

// Limited says that encoders did not send in time; empty when they did.
func (t Totals) Limited() string {
	if p99 := t.Late.Quantile(.99); p99 > lateLimit.Seconds() {
		return fmt.Sprintf("packets: p99 %.1f ms late", p99*1e3)
	}
	return ""
}
