package load

// Slope is the least-squares rise of ys over xs; 0 for fewer than two points.
func Slope(xs, ys []float64) float64 {
	n := float64(len(xs))
	var sx, sy, sxx, sxy float64
	for i, x := range xs {
		sx += x
		sy += ys[i]
		sxx += x * x
		sxy += x * ys[i]
	}
	spread := n*sxx - sx*sx
	if spread == 0 {
		return 0
	}
	return (n*sxy - sx*sy) / spread
}
