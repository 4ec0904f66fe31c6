package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/stat"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

const (
	// Accuracy is how far a quantile may be from the truth, as a share of it.
	Accuracy = 0.001
	// maxBins hold fourteen orders of magnitude; below that small values are one.
	maxBins = 16384
	// maxCount is the most that a float64 counts exactly.
	maxCount = 1 << 53
)

// Histogram counts values in logarithmic bins (DDSketch, Masson et al., VLDB 2019), so
// that microseconds and minutes have the same relative error; count, sum, least and
// greatest are exact. The zero value is empty and ready. It is not safe for concurrent
// use: each worker has its own, and Merge adds them.
type Histogram struct {
	sketch *ddsketch.DDSketchWithExactSummaryStatistics // Nil while empty.
	err    error                                        // The first value that was no figure.
}

func newSketch() *ddsketch.DDSketch {
	index, err := mapping.NewLogarithmicMapping(Accuracy)
	if err != nil {
		panic(err) // The constant is none.
	}
	return ddsketch.NewDDSketchFromStoreProvider(index, func() store.Store { return store.NewCollapsingLowestDenseStore(maxBins) })
}

func (h *Histogram) grow() {
	if h.sketch == nil {
		h.sketch, _ = ddsketch.NewDDSketchWithExactSummaryStatisticsFromData(newSketch(), stat.NewSummaryStatistics())
	}
}

// Add counts a value. NaN and the infinite are not counted, and fail the record.
func (h *Histogram) Add(v float64) { h.AddMany(v, 1) }

// AddMany counts a value that came n times.
func (h *Histogram) AddMany(v float64, n int64) {
	if h.err != nil {
		return
	}
	h.grow()
	if err := h.sketch.AddWithCount(v, float64(n)); err != nil {
		h.err = fmt.Errorf("histogram: %v: %w", v, err)
	}
}

// AddDuration counts d in seconds.
func (h *Histogram) AddDuration(d time.Duration) { h.Add(d.Seconds()) }

// Merge adds the values of other, which stays as it is.
func (h *Histogram) Merge(other *Histogram) {
	if h.err == nil {
		h.err = other.err
	}
	if other.sketch == nil || h.err != nil {
		return
	}
	h.grow()
	h.err = h.sketch.MergeWith(other.sketch)
}

// Clone is a Histogram of its own with the same values.
func (h *Histogram) Clone() *Histogram {
	c := &Histogram{err: h.err}
	if h.sketch != nil {
		c.sketch = h.sketch.Copy()
	}
	return c
}

// Count is the number of values.
func (h *Histogram) Count() int64 {
	if h.sketch == nil {
		return 0
	}
	return int64(h.sketch.GetCount())
}

// Sum is that of the values.
func (h *Histogram) Sum() float64 {
	if h.sketch == nil {
		return 0
	}
	return h.sketch.GetSum()
}

// Mean is zero without values.
func (h *Histogram) Mean() float64 { return h.Sum() / float64(max(h.Count(), 1)) }

// Min is the least value, zero without any.
func (h *Histogram) Min() float64 {
	return h.extreme((*ddsketch.DDSketchWithExactSummaryStatistics).GetMinValue)
}

// Max is the greatest value, zero without any.
func (h *Histogram) Max() float64 {
	return h.extreme((*ddsketch.DDSketchWithExactSummaryStatistics).GetMaxValue)
}

func (h *Histogram) extreme(of func(*ddsketch.DDSketchWithExactSummaryStatistics) (float64, error)) float64 {
	if h.Count() == 0 {
		return 0
	}
	v, _ := of(h.sketch)
	return v
}

// Quantile is the value that the share q does not exceed, by nearest rank and within
// Accuracy; zero without values.
func (h *Histogram) Quantile(q float64) float64 {
	rank := int64(math.Ceil(q*float64(h.Count()) - 1e-6)) // .07*100 is a little more than 7.
	if rank >= h.Count() {
		return h.Max()
	}
	for _, b := range h.Bins() {
		if rank -= b.Count; rank <= 0 {
			return min(max(b.Value, h.Min()), h.Max())
		}
	}
	return h.Max()
}

// Bin is how many values lie near one.
type Bin struct {
	Value float64
	Count int64
}

// MarshalJSON writes [value, count], the value with six digits: bins are far wider.
func (b Bin) MarshalJSON() ([]byte, error) {
	out := strconv.AppendFloat([]byte{'['}, b.Value, 'g', 6, 64)
	return append(strconv.AppendInt(append(out, ','), b.Count, 10), ']'), nil
}

// UnmarshalJSON reads [value, count].
func (b *Bin) UnmarshalJSON(data []byte) error {
	var pair []json.Number
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a bin is [value, count], not %d numbers", len(pair))
	}
	var err error
	if b.Value, err = pair[0].Float64(); err != nil {
		return fmt.Errorf("bin: %w", err)
	}
	if b.Count, err = pair[1].Int64(); err != nil {
		return fmt.Errorf("bin: %w", err)
	}
	return nil
}

// Bins are those that are not empty, by value.
func (h *Histogram) Bins() []Bin {
	if h.sketch == nil {
		return nil
	}
	var below, rest []Bin
	h.sketch.ForEach(func(v, n float64) bool {
		if v < 0 {
			below = append(below, Bin{v, int64(n)})
		} else {
			rest = append(rest, Bin{v, int64(n)})
		}
		return false
	})
	return sorted(append(below, rest...))
}

var errBins = errors.New("histogram: bins do not fit count, sum, min and max")

// fill makes h what was written. The summary must fit the bins.
func (h *Histogram) fill(bins []Bin, sum, least, greatest float64) error {
	sketch := newSketch()
	var count int64
	for _, b := range bins {
		if b.Count < 1 || b.Count > maxCount-count || math.IsInf(b.Value, 0) {
			return errBins
		}
		count += b.Count
		if err := sketch.AddWithCount(b.Value, float64(b.Count)); err != nil {
			return fmt.Errorf("histogram: %v: %w", b.Value, err)
		}
	}
	if count == 0 {
		*h = Histogram{}
		return nil
	}
	summary, err := stat.NewSummaryStatisticsFromData(float64(count), sum, least, greatest)
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	h.sketch, err = ddsketch.NewDDSketchWithExactSummaryStatisticsFromData(sketch, summary)
	return err
}
