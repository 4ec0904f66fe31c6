package report

// Since is what was counted after an earlier copy, which may be nil, was made. Count and
// sum are exact. So is an extreme that is new; another is within Accuracy.
func (h *Histogram) Since(before *Histogram) *Histogram {
	if before == nil || before.Count() == 0 || h.err != nil {
		return h.Clone()
	}
	earlier := make(map[float64]int64)
	for _, b := range before.Bins() {
		earlier[b.Value] = b.Count
	}
	var bins []Bin
	for _, b := range h.Bins() {
		if b.Count -= earlier[b.Value]; b.Count > 0 {
			bins = append(bins, b)
		}
	}
	out := &Histogram{}
	if len(bins) == 0 {
		return out
	}
	least, greatest := max(bins[0].Value, h.Min()), min(bins[len(bins)-1].Value, h.Max())
	if h.Min() < before.Min() {
		least = h.Min()
	}
	if h.Max() > before.Max() {
		greatest = h.Max()
	}
	out.err = out.fill(bins, h.Sum()-before.Sum(), least, greatest)
	return out
}
