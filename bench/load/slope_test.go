package load_test

import (
	"math"
	"testing"

	"github.com/freshet-live/freshet/bench/load"
)

func TestSlope(t *testing.T) {
	for _, tt := range []struct {
		name   string
		xs, ys []float64
		want   float64
	}{
		{"a line", []float64{0, 1, 2, 3}, []float64{5, 7, 9, 11}, 2},
		{"flat", []float64{0, 1, 2}, []float64{4, 4, 4}, 0},
		{"noise about a rise", []float64{0, 1, 2, 3}, []float64{1, -1, 3, 1}, 0.4},
		{"one point", []float64{1}, []float64{1}, 0},
		{"none", nil, nil, 0},
	} {
		if got := load.Slope(tt.xs, tt.ys); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: slope %v, want %v", tt.name, got, tt.want)
		}
	}
}
