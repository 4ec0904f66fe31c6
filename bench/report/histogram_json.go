package report

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
)

// histogramLine is a Histogram in JSON. The quantiles are for those who read the file
// with their eyes; bins say it all.
type histogramLine struct {
	Count int64   `json:"count"`
	Sum   float64 `json:"sum"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Bins  []Bin   `json:"bins"`
}

// MarshalJSON writes summary, quantiles and bins.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	if h.err != nil {
		return nil, h.err
	}
	return json.Marshal(histogramLine{
		h.Count(), h.Sum(), h.Min(), h.Max(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Quantile(.999),
		append([]Bin{}, h.Bins()...),
	})
}

// UnmarshalJSON reads summary and bins.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var line histogramLine
	if err := json.Unmarshal(data, &line); err != nil {
		return err
	}
	if len(line.Bins) > 2*maxBins+1 {
		return errBins
	}
	var count int64
	for _, b := range line.Bins {
		// Half a bin, of whoever wrote, and six digits are between a bin and its values.
		slack := math.Abs(b.Value) * .01
		if b.Value < line.Min-slack || b.Value > line.Max+slack {
			return errBins
		}
		count += b.Count
	}
	if count != line.Count || line.Min > line.Max {
		return errBins
	}
	return h.fill(line.Bins, line.Sum, line.Min, line.Max)
}

func sorted(bins []Bin) []Bin {
	slices.SortFunc(bins, func(a, b Bin) int { return cmp.Compare(a.Value, b.Value) })
	return bins
}
