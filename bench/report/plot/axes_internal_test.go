package plot

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinear(t *testing.T) {
	for _, c := range []struct {
		least, greatest float64
		most            int
		want            []float64
	}{
		{0, 30, 8, []float64{0, 5, 10, 15, 20, 25, 30}},
		{0, 1, 4, []float64{0, .5, 1}},
		{-3, 5, 8, []float64{-3, -2, -1, 0, 1, 2, 3, 4, 5}},
		{101, 109, 4, []float64{102, 104, 106, 108}},
		{0, 1e-320, 8, nil},                         // Below the least that can be divided: any, but an end.
		{-math.MaxFloat64, math.MaxFloat64, 8, nil}, // Their difference is infinite.
		{-1e18, math.Nextafter(-1e18, 0), 8, nil},   // No float is between.
		{math.Nextafter(1e18, 0), 1e18, 4, nil},     // The same.
	} {
		var got []float64
		for _, tick := range linear(c.least, c.greatest, c.most, func(v float64) string { return fmt.Sprint(v) }) {
			got = append(got, tick.Value)
		}
		if len(got) > c.most+1 {
			t.Errorf("%g to %g: %d ticks", c.least, c.greatest, len(got))
		}
		if c.want == nil {
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%g to %g (-want +got)\n%s", c.least, c.greatest, diff)
		}
	}
}

func TestFitted(t *testing.T) {
	for s, want := range map[string]string{
		"edge-1": "edge-1",
		"a-name-that-is-much-too-long-for-its-room/at-the-end": "a-name-th…t-the-end",
		"WWWWWWWWWWWWWWWWWWWW":                                 "WWWW…WWWWW",
	} {
		if got := fitted(s, tickSize, 100); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
}
