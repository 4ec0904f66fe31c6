package swarm

import "slices"

// sampleCount is how many samples a window keeps.
const sampleCount = 32

// window keeps the latest samples, microseconds.
type window struct {
	samples []int64
	next    int
}

func (w *window) add(x int64) {
	if len(w.samples) < sampleCount {
		w.samples = append(w.samples, x)
		return
	}
	w.samples[w.next] = x
	w.next = (w.next + 1) % sampleCount
}

func (w *window) clear() { w.samples, w.next = w.samples[:0], 0 }

// quantile gives the sample that q of 100 do not exceed, 0 without samples.
func (w *window) quantile(q int) int64 {
	if len(w.samples) == 0 {
		return 0
	}
	var scratch [sampleCount]int64
	sorted := scratch[:copy(scratch[:], w.samples)]
	slices.Sort(sorted)
	return sorted[(len(sorted)*q+99)/100-1]
}
