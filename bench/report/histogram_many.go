package report

import "fmt"

// AddMany counts a value n times: for who has counted already.
func (h *Histogram) AddMany(v float64, n int64) {
	if h.err != nil || n <= 0 {
		return
	}
	h.grow()
	if err := h.sketch.AddWithCount(v, float64(n)); err != nil {
		h.err = fmt.Errorf("histogram: %v: %w", v, err)
	}
}
