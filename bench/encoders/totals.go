package encoders

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/push"
)

// Totals is a fleet so far.
type Totals struct {
	Encoders int `json:"encoders"`
	// Up is how many have a connection.
	Up int `json:"up"`
	// BytesIn were made, BytesOut given to the network: transport packets alone.
	BytesIn  uint64 `json:"bytes_in"`
	BytesOut uint64 `json:"bytes_out"`
	// Dropped packets waited too long for a connection in the queues that there are
	// now; TooLate is what connections left out: packets of SRT, batches of QUIC.
	Dropped uint64 `json:"dropped"`
	TooLate uint64 `json:"too_late"`
	// Lost and Retransmitted are what connections say of the network's packets.
	Lost          uint64 `json:"lost"`
	Retransmitted uint64 `json:"retransmitted"`
	// Reconnects are connections behind the first of each encoder, Failed attempts that
	// brought none.
	Reconnects uint64 `json:"reconnects"`
	Failed     uint64 `json:"failed"`
	// RTT is the median of those who know theirs, RTTMax the longest.
	RTT    time.Duration `json:"rtt"`
	RTTMax time.Duration `json:"rtt_max"`
	// Late is by how much packets were later than due when they were given to the
	// sending side.
	LateP50 time.Duration `json:"late_p50"`
	LateP99 time.Duration `json:"late_p99"`
	LateMax time.Duration `json:"late_max"`
	// Faults are those that befell, by kind.
	Faults map[Kind]int `json:"faults"`
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
	}
	if slices.Sort(trips); len(trips) > 0 {
		t.RTT, t.RTTMax = trips[len(trips)/2], trips[len(trips)-1]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.LateP50, t.LateP99, t.LateMax = f.late.Quantile(0.5), f.late.Quantile(0.99), f.worst
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
	if s.Connections > 1 {
		t.Reconnects += s.Connections - 1
	}
	t.Failed += s.Attempts - min(s.Connections, s.Attempts)
	return t
}

const (
	// lateLimit is how late the 99th percentile of packets may be before the figures
	// tell more of this machine than of the server.
	lateLimit = 5 * time.Millisecond
	// busyLimit is the same for the share of all cores.
	busyLimit = 0.9
)

// Bottleneck says why this program is what limits, empty when it does not. busy is
// the share of the machine's cores that it takes.
func (t Totals) Bottleneck(busy float64) string {
	var why []string
	if t.LateP99 > lateLimit {
		why = append(why, fmt.Sprintf("1%% of packets were sent over %v late", t.LateP99.Round(100*time.Microsecond)))
	}
	if busy > busyLimit {
		why = append(why, fmt.Sprintf("it takes %.0f%% of all cores", busy*100))
	}
	return strings.Join(why, ", ")
}

// Line writes what a person watches; last is the Totals of a time ago.
func (t Totals) Line(w io.Writer, last Totals, since time.Duration) {
	rate := func(now, before uint64) float64 { return float64(now-before) * 8 / since.Seconds() / 1e6 }
	fmt.Fprintf(w, "%d of %d up  made %.2f  sent %.2f Mbit/s  rtt %v (max %v)  lost %d  again %d  dropped %d+%d  reconnects %d  failed %d  late p99 %v",
		t.Up, t.Encoders, rate(t.BytesIn, last.BytesIn), rate(t.BytesOut, last.BytesOut),
		t.RTT.Round(100*time.Microsecond), t.RTTMax.Round(100*time.Microsecond), t.Lost, t.Retransmitted,
		t.Dropped, t.TooLate, t.Reconnects, t.Failed, t.LateP99)
}
