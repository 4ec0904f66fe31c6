// Package histogram counts durations in fixed memory, however many they are: what
// thousands of viewers measure for hours.
package histogram

import (
	"math/bits"
	"time"
)

const (
	// linear is how many buckets of a microsecond there are; beyond them each doubling
	// has half as many, so that a bucket is at most 1/256 of its value wide.
	linear = 512
	// longest is what longer durations are counted as.
	longest = time.Hour
)

// Histogram counts durations. The zero value is ready; it is not safe for concurrent
// use.
type Histogram struct {
	counts []uint64
	n      uint64
	sum    time.Duration
	max    time.Duration
}

func bucket(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < linear {
		return int(us)
	}
	shift := bits.Len64(us) - 9
	return linear + (shift-1)*linear/2 + int(us>>shift) - linear/2
}

// middle is the duration that a bucket stands for.
func middle(i int) time.Duration {
	if i < linear {
		return time.Duration(i) * time.Microsecond
	}
	shift := (i-linear)/(linear/2) + 1
	low := uint64((i-linear)%(linear/2)+linear/2) << shift
	return time.Duration(low+1<<(shift-1)) * time.Microsecond
}

// Add counts a duration; one below zero as zero.
func (h *Histogram) Add(d time.Duration) {
	d = min(max(d, 0), longest)
	i := bucket(d)
	if i >= len(h.counts) {
		h.counts = append(h.counts, make([]uint64, i+1-len(h.counts))...)
	}
	h.counts[i]++
	h.n++
	h.sum += d
	h.max = max(h.max, d)
}

// Merge adds what another one counted.
func (h *Histogram) Merge(o *Histogram) {
	if len(o.counts) > len(h.counts) {
		h.counts = append(h.counts, make([]uint64, len(o.counts)-len(h.counts))...)
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// Clone is a copy.
func (h *Histogram) Clone() *Histogram {
	out := &Histogram{}
	out.Merge(h)
	return out
}

// Since is what was counted after an earlier copy was made. Its Max is to the
// precision of a bucket.
func (h *Histogram) Since(before *Histogram) *Histogram {
	out := h.Clone()
	if before == nil {
		return out
	}
	out.n, out.sum, out.max = h.n-before.n, h.sum-before.sum, 0
	for i := range out.counts {
		if i < len(before.counts) {
			out.counts[i] -= before.counts[i]
		}
		if out.counts[i] > 0 {
			out.max = min(middle(i), h.max)
		}
	}
	return out
}

// Count is how many were counted.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the longest; zero of none.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is zero of none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return h.sum / time.Duration(h.n)
}

// Quantile is by nearest rank, to 0.2 %; zero of none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(uint64(float64(h.n)*q+.999999), 1)
	var n uint64
	for i, count := range h.counts {
		if n += count; n >= rank {
			return min(middle(i), h.max)
		}
	}
	return 0
}

// Each gives the buckets that are not empty, shortest first.
func (h *Histogram) Each(f func(d time.Duration, count uint64)) {
	for i, count := range h.counts {
		if count > 0 {
			f(middle(i), count)
		}
	}
}
