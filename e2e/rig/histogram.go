package rig

import (
	"maps"
	"math"
	"slices"
)

// Histogram is a Prometheus histogram with cumulative buckets.
type Histogram struct {
	Count   uint64
	buckets map[float64]uint64
}

// Since is what was observed after an earlier reading of the same histogram.
func (h Histogram) Since(earlier Histogram) Histogram {
	diff := Histogram{Count: h.Count - earlier.Count, buckets: map[float64]uint64{}}
	for bound, count := range h.buckets {
		diff.buckets[bound] = count - earlier.buckets[bound]
	}
	return diff
}

// Quantile estimates a quantile as Prometheus does: linear within a bucket; in
// the last bucket, which has no end, its start. NaN when nothing was observed.
func (h Histogram) Quantile(q float64) float64 {
	if h.Count == 0 {
		return math.NaN()
	}
	rank := q * float64(h.Count)
	lower, below := 0.0, uint64(0)
	for _, upper := range slices.Sorted(maps.Keys(h.buckets)) {
		count := h.buckets[upper]
		if float64(count) < rank {
			lower, below = upper, count
			continue
		}
		if math.IsInf(upper, 1) {
			return lower
		}
		if count == below {
			return upper
		}
		return lower + (upper-lower)*(rank-float64(below))/float64(count-below)
	}
	return lower
}

// Percentile returns the value that the share q of the values does not exceed
// (nearest rank); NaN when there are none. It sorts values.
func Percentile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	rank := int(math.Ceil(q*float64(len(values)))) - 1
	return values[max(rank, 0)]
}
