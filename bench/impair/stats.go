package impair

import (
	"math/bits"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

// Count is packets and their bytes.
type Count struct {
	Packets, Bytes uint64
}

func (c *Count) add(size int) {
	c.Packets++
	c.Bytes += uint64(size)
}

// Stats are the totals of a direction.
type Stats struct {
	In, Out               Count // A duplicate goes out twice.
	Dropped               [reasons]uint64
	Duplicated, Reordered uint64
	Queue, QueueMax       int // Bytes waiting for the bottleneck.
	// Delay is from arrival to departure, as decided.
	Delay Histogram
}

// LossShare is the share of what came in that was dropped, for whatever reason.
func (s *Stats) LossShare() Percent {
	if s.In.Packets == 0 {
		return 0
	}
	return Percent(float64(s.dropped()) / float64(s.In.Packets))
}

func (s *Stats) dropped() (n uint64) {
	for _, by := range s.Dropped {
		n += by
	}
	return n
}

// The histogram's buckets: from 1 µs to 18 minutes, each less than 0.8 % wide.
const (
	precision = 7
	octaves   = 30 - precision + 1
)

// Histogram counts durations.
type Histogram struct {
	buckets [octaves << precision]uint64
	count   uint64
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.buckets[bucket(d)]++
	h.count++
}

// bucket is the place of d: its octave, and the first bits behind the leading one.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0) / time.Microsecond)
	if v < 1<<precision {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - precision
	at := (shift+1)<<precision + int(v>>shift) - 1<<precision
	return min(at, octaves<<precision-1)
}

// lower is where a bucket starts.
func lower(at int) time.Duration {
	octave := at >> precision
	if octave == 0 {
		return time.Duration(at) * time.Microsecond
	}
	return time.Duration((at&(1<<precision-1)+1<<precision)<<(octave-1)) * time.Microsecond
}

// Quantile is the duration that the share q does not exceed; 0 of none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	for at, n := range h.buckets {
		if n > rank {
			return (lower(at) + lower(at+1)) / 2
		}
		rank -= n
	}
	return 0
}

// report gives it to those who read reports, in seconds.
func (h *Histogram) report() *report.Histogram {
	out := &report.Histogram{}
	for at, n := range h.buckets {
		if n > 0 {
			out.AddMany(((lower(at) + lower(at+1)) / 2).Seconds(), int64(n))
		}
	}
	return out
}

// since is what was counted after an earlier reading.
func (h *Histogram) since(earlier *Histogram) Histogram {
	diff := Histogram{count: h.count - earlier.count}
	for i := range h.buckets {
		diff.buckets[i] = h.buckets[i] - earlier.buckets[i]
	}
	return diff
}
