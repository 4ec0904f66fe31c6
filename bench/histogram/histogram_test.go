package histogram_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/histogram"
)

func TestQuantilesAreThoseOfTheValues(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h histogram.Histogram
	values := make([]time.Duration, 10_000)
	for i := range values {
		values[i] = time.Duration(random.ExpFloat64() * float64(80*time.Millisecond))
		h.Add(values[i])
	}
	slices.Sort(values)
	for _, q := range []float64{.001, .5, .9, .99, .999, 1} {
		want := values[max(int(q*float64(len(values))+.999)-1, 0)]
		if got := h.Quantile(q); (got - want).Abs() > want/2000+time.Microsecond {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.Max() != values[len(values)-1] || h.Count() != 10_000 {
		t.Errorf("max %v, count %d", h.Max(), h.Count())
	}
}

func TestEveryDurationHasItsBucket(t *testing.T) {
	for d := time.Duration(0); d < 3*time.Hour; d += d/37 + time.Microsecond {
		var h histogram.Histogram
		h.Add(d)
		want := min(d, time.Hour)
		if got := h.Quantile(.5); (got - want).Abs() > want/2000+time.Microsecond {
			t.Fatalf("%v is counted as %v", d, got)
		}
	}
}

// What several have counted apart is as if one had counted it.
func TestMergeIsTheSum(t *testing.T) {
	var a, b, all histogram.Histogram
	for i := range 100 {
		d := time.Duration(i*i) * 100 * time.Microsecond
		all.Add(d)
		if i%3 == 0 {
			a.Add(d)
		} else {
			b.Add(d)
		}
	}
	if want := 328350 * time.Microsecond; all.Mean() != want { // The mean of the squares, in 0.1 ms.
		t.Errorf("mean %v, want %v", all.Mean(), want)
	}
	each := func(h *histogram.Histogram) (out []time.Duration) {
		h.Each(func(d time.Duration, count uint64) {
			for range count {
				out = append(out, d)
			}
		})
		return out
	}
	apart := a.Clone()
	apart.Merge(&b)
	if !slices.Equal(each(apart), each(&all)) || apart.Count() != all.Count() || apart.Max() != all.Max() || apart.Mean() != all.Mean() {
		t.Errorf("apart: %d, mean %v, max %v; in one: %d, mean %v, max %v", apart.Count(), apart.Mean(), apart.Max(), all.Count(), all.Mean(), all.Max())
	}
	for i, d := range each(&all) {
		if want := time.Duration(i*i) * 100 * time.Microsecond; (d - want).Abs() > want/2000+time.Microsecond {
			t.Errorf("value %d is %v, want %v", i, d, want)
		}
	}
	if a.Count() != 34 {
		t.Errorf("the clone's origin counts %d", a.Count())
	}
}

func TestSinceIsTheDifference(t *testing.T) {
	var h histogram.Histogram
	h.Add(time.Second)
	before := h.Clone()
	h.Add(-time.Second)
	h.Add(10 * time.Millisecond)
	got := h.Since(before)
	if got.Count() != 2 || got.Max().Round(time.Millisecond) != 10*time.Millisecond || got.Quantile(.5) != 0 {
		t.Errorf("count %d, max %v, median %v", got.Count(), got.Max(), got.Quantile(.5))
	}
	if all := h.Since(nil); all.Count() != 3 || all.Max() != time.Second {
		t.Errorf("since the beginning: count %d, max %v", all.Count(), all.Max())
	}
	var empty histogram.Histogram
	if empty.Quantile(.99) != 0 || empty.Mean() != 0 {
		t.Error("an empty one has quantiles")
	}
}
