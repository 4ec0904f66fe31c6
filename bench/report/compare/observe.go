package compare

import (
	"cmp"
	"slices"

	"github.com/freshet-live/freshet/bench/report"
)

// most observations are taken of a run without rounds.
const most = 30

// batches are the rounds of a distribution, or its intervals with neighbours joined.
func batches(parts []report.Distribution) []*report.Histogram {
	parts = slices.SortedStableFunc(slices.Values(parts), func(a, b report.Distribution) int {
		return cmp.Or(cmp.Compare(a.Round, b.Round), cmp.Compare(a.At, b.At))
	})
	var out []*report.Histogram
	if len(parts) > 0 && parts[len(parts)-1].Round > 0 {
		for i, p := range parts {
			if i == 0 || p.Round != parts[i-1].Round {
				out = append(out, &report.Histogram{})
			}
			out[len(out)-1].Merge(p.Histogram)
		}
		return out
	}
	for joined := range joint(parts) {
		h := &report.Histogram{}
		for _, p := range joined {
			h.Merge(p.Histogram)
		}
		out = append(out, h)
	}
	return out
}

// joint gives at most so many stretches of about one length.
func joint[T any](s []T) func(func([]T) bool) {
	n := min(len(s), most)
	return func(yield func([]T) bool) {
		for i := range n {
			if !yield(s[i*len(s)/n : (i+1)*len(s)/n]) {
				return
			}
		}
	}
}

// quantiles are those of the histograms that have values.
func quantiles(of []*report.Histogram, q float64) []float64 {
	var out []float64
	for _, h := range of {
		if h.Count() > 0 {
			out = append(out, h.Quantile(q))
		}
	}
	return out
}

func mean(s []report.Sample) float64 {
	var sum float64
	for _, v := range s {
		sum += v.Value / float64(len(s))
	}
	return sum
}

func means(s []report.Sample) []float64 {
	var out []float64
	for part := range joint(s) {
		out = append(out, mean(part))
	}
	return out
}

// median is zero of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
